/** How much of the window it covers, from 0 to 1. A drawer that waits outside of it covers nothing. */
export function shareOf(element: Element): number {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  const width = Math.min(right, innerWidth) - Math.max(left, 0);
  const height = Math.min(bottom, innerHeight) - Math.max(top, 0);
  return width > 1 && height > 1 ? (width * height) / (innerWidth * innerHeight) : 0;
}

/** Also out of a shadow root. */
export function parentOf(element: Element): Element | null {
  return element.parentElement || (element.getRootNode() as ShadowRoot).host || null;
}
