import { make } from "./elements";

const STEPS: { [key: string]: number } = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export interface Radios {
  /** class of the group */
  look: string;
  /** id of what names the group */
  title: string;
  values: readonly (string | number)[];
  /** what a screen reader says of a value */
  name(value: string | number): string;
  /** what is seen of it */
  face(value: string | number): Node | string;
  choose(value: string | number): void;
}

/**
 * A radio group with one stop of the Tab key. Arrows, Home and End only move; Space, Enter and a tap choose.
 * Up to the chosen one the buttons have the class "on".
 */
export function radios({ look, title, values, name, face, choose }: Radios): HTMLElement {
  const group = make("div", { class: look, role: "radiogroup", "aria-labelledby": title });
  const buttons: HTMLElement[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const button = make(
      "button",
      { type: "button", role: "radio", "aria-checked": "false", "aria-label": name(value), tabindex: i ? -1 : 0 },
      face(value),
    );
    button.addEventListener("click", () => {
      for (let j = 0; j < buttons.length; j++) {
        buttons[j]!.setAttribute("aria-checked", "" + (j === i));
        buttons[j]!.classList.toggle("on", j <= i);
      }
      move(i);
      choose(value);
    });
    button.addEventListener("keydown", (event) => {
      const last = buttons.length - 1;
      // From right to left the arrows that point along the line turn round.
      const step = STEPS[event.key]! * (/t$/.test(event.key) && getComputedStyle(group).direction === "rtl" ? -1 : 1);
      const to = event.key === "Home" ? 0 : event.key === "End" ? last : (i + step + last + 1) % (last + 1);
      if (isNaN(to)) return;
      event.preventDefault();
      move(to);
    });
    buttons[i] = button;
    group.append(button);
  }
  return group;

  function move(to: number): void {
    for (let j = 0; j < buttons.length; j++) buttons[j]!.tabIndex = j === to ? 0 : -1;
    buttons[to]!.focus();
  }
}
