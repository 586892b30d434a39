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
  const buttons: HTMLButtonElement[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const button = make(
      "button",
      { type: "button", role: "radio", "aria-checked": "false", "aria-label": name(value), tabindex: i ? -1 : 0 },
      face(value),
    );
    button.addEventListener("click", () => {
      move(i, true);
      choose(value);
    });
    button.addEventListener("keydown", (event) => {
      const last = buttons.length - 1;
      // From right to left the arrows that point along the line turn round.
      const step = STEPS[event.key]! * (/t$/.test(event.key) && group.closest("[dir=rtl]") ? -1 : 1);
      const to = event.key === "Home" ? 0 : event.key === "End" ? last : (i + step + last + 1) % (last + 1);
      if (isNaN(to)) return;
      event.preventDefault();
      move(to);
    });
    buttons[i] = button;
    group.append(button);
  }
  return group;

  function move(to: number, isChosen?: boolean): void {
    for (let j = 0; j < buttons.length; j++) {
      const button = buttons[j]!;
      button.tabIndex = j === to ? 0 : -1;
      if (isChosen) {
        button.setAttribute("aria-checked", "" + (j === to));
        button.classList.toggle("on", j <= to);
      }
    }
    buttons[to]!.focus();
  }
}
