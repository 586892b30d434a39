/** How likely to recommend, 0 to 10. */
import type { Form, QuestionType } from "../types";

const values = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

const type: QuestionType = {
  values: () => values,
  followUp: "always",
  focus: false,
  css:
    ".numbers{display:grid;grid-template-columns:repeat(6,1fr);gap:6px clamp(2px,.9vw,6px)}" +
    ".numbers button{min-inline-size:0;padding:4px}",
  draw: ({ texts, title, make, radios, ends, choose }: Form): HTMLElement =>
    make(
      "div",
      {},
      radios({
        look: "numbers fill",
        title,
        values,
        name: (value) => value + (value === 0 && texts["low"] ? ", " + texts["low"] : value === 10 && texts["high"] ? ", " + texts["high"] : ""),
        face: (value) => "" + value,
        choose,
      }),
      ends(),
    ),
};
export default type;
