/** Five stars: one radio group, one stop of the Tab key. Arrows only move; Space, Enter and a tap choose. */
import type { Form, QuestionType } from "../types";

const values = [1, 2, 3, 4, 5] as const;
const STAR = "M12 2.8l2.85 5.77 6.37.93-4.61 4.49 1.09 6.34L12 17.34l-5.7 2.99 1.09-6.34L2.78 9.5l6.37-.93z";
const STEPS: { [key: string]: number } = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };

const type: QuestionType = {
  values,
  followUp: "always",
  focus: false,
  draw({ texts, title, make, icon, choose }: Form): HTMLElement {
    const group = make("div", { class: "stars", role: "radiogroup", "aria-labelledby": title });
    const { low, high, star } = texts;
    const stars: HTMLElement[] = [];
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const end = i ? (i === values.length - 1 ? high : undefined) : low;
      const label = (star ?? "{n}").replace("{n}", "" + value) + (end ? ", " + end : "");
      const button = make(
        "button",
        { type: "button", role: "radio", "aria-checked": "false", "aria-label": label, tabindex: i ? -1 : 0 },
        icon(STAR),
      );
      button.addEventListener("click", () => {
        for (let j = 0; j < stars.length; j++) {
          stars[j]!.setAttribute("aria-checked", "" + (j === i));
          stars[j]!.classList.toggle("on", j <= i);
        }
        move(i);
        choose(value);
      });
      button.addEventListener("keydown", (event) => {
        const to = event.key === "Home" ? -i : event.key === "End" ? stars.length - 1 - i : STEPS[event.key];
        if (to === undefined) return;
        event.preventDefault();
        move((i + to + stars.length) % stars.length);
      });
      stars[i] = button;
      group.append(button);
    }
    return make("div", {}, group, make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, low), make("span", {}, high)));

    function move(to: number): void {
      for (let j = 0; j < stars.length; j++) stars[j]!.tabIndex = j === to ? 0 : -1;
      stars[to]!.focus();
    }
  },
};
export default type;
