/** What questions with a row or a list of values need, of which one is chosen. */
import type { Form, Row, RowForm } from "../types";
import { icon } from "./elements";
import css from "./row.css";

export { css };

const STEPS: { [key: string]: number } = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** The part of a form that these questions have besides. */
export function furnish({ make, texts, title, choose }: Form): RowForm {
  return { icon, row };

  /**
   * A radio group with one stop of the Tab key. Arrows, Home and End only move; Space, Enter and a tap choose.
   * Up to the chosen one the buttons have the class "on". What stands below the two ends belongs to their names.
   */
  function row({ look, values, name, face = String, low = texts["low"], high = texts["high"] }: Row): HTMLElement {
    const group = make("div", { class: look, role: "radiogroup", "aria-labelledby": title });
    const buttons: HTMLButtonElement[] = [];
    const last = values.length - 1;
    const move = (to: number, isChosen?: boolean): void => {
      for (let j = 0; j <= last; j++) {
        const button = buttons[j]!;
        button.tabIndex = j === to ? 0 : -1;
        if (isChosen) {
          button.setAttribute("aria-checked", "" + (j === to));
          button.classList.toggle("on", j <= to);
        }
      }
      buttons[to]!.focus();
    };
    for (let i = 0; i <= last; i++) {
      const value = values[i]!;
      const said = name ? name(value) : "" + value;
      const end = (i ? i === last && high : low) || "";
      const button = (buttons[i] = make(
        "button",
        { type: "button", role: "radio", "aria-checked": "false", "aria-label": said + (said && end && ", ") + end || "" + value, tabindex: i && -1 },
        face(value),
      ));
      button.addEventListener("click", () => {
        move(i, true);
        choose(value);
      });
      button.addEventListener("keydown", (event) => {
        const { key } = event;
        // From right to left the arrows that point along the line turn round.
        const step = STEPS[key]! * (/t$/.test(key) && group.closest("[dir=rtl]") ? -1 : 1);
        const to = key === "Home" ? 0 : key === "End" ? last : (i + step + last + 1) % (last + 1);
        if (isNaN(to)) return;
        event.preventDefault();
        move(to);
      });
      group.append(button);
    }
    return make("div", {}, group, low || high ? make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, low), make("span", {}, high)) : undefined);
  }
}
