/** Two buttons of equal weight. */
import type { Form, QuestionType } from "../types";

const values = ["yes", "no"] as const;

const type: QuestionType = {
  values: () => values,
  followUp: "no",
  focus: true,
  css:
    ".pair{display:grid;grid-template-columns:1fr 1fr;gap:10px}.pair button{font-weight:600}" +
    "@media(max-width:480px){.pair button{min-block-size:52px}}",
  draw({ texts, title, make, choose }: Form): HTMLElement {
    const group = make("div", { class: "pair", role: "group", "aria-labelledby": title });
    const buttons: HTMLElement[] = [];
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const button = make("button", { type: "button", "aria-pressed": "false" }, texts[value]);
      button.addEventListener("click", () => {
        for (let j = 0; j < buttons.length; j++) buttons[j]!.setAttribute("aria-pressed", "" + (j === i));
        choose(value);
      });
      buttons[i] = button;
      group.append(button);
    }
    return group;
  },
};
export default type;
