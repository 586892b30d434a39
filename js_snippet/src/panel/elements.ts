type Made<K> = K extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[K] : HTMLElement;
type Props = { [name: string]: string | number | undefined };

/** An element with attributes and children; text is only ever text. */
export function make<K extends string>(name: K, props: Props, ...children: (Node | string | undefined)[]): Made<K> {
  const element = document.createElement(name);
  const names = Object.keys(props);
  for (let i = 0; i < names.length; i++) {
    const value = props[names[i]!];
    if (value !== undefined) element.setAttribute(names[i]!, "" + value);
  }
  for (let i = 0; i < children.length; i++) {
    const child = children[i];
    if (child !== undefined) element.append(child);
  }
  return element as Made<K>;
}

/** A drawing of one path in a field of 24 by 24; said by the text of the control that holds it. */
export function icon(path: string): SVGElement {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  drawing.append(line);
  return drawing;
}
