/** Five stars. */
import type { Form, QuestionType } from "../types";

const values = [1, 2, 3, 4, 5];
const STAR = "M12 2.8l2.85 5.77 6.37.93-4.61 4.49 1.09 6.34L12 17.34l-5.7 2.99 1.09-6.34L2.78 9.5l6.37-.93z";

const type: QuestionType = {
  values: () => values,
  followUp: "always",
  focus: false,
  draw: ({ texts, title, make, icon, radios, ends, choose }: Form): HTMLElement =>
    make(
      "div",
      {},
      radios({
        look: "stars",
        title,
        values,
        // The words below the row belong to its ends.
        name: (value) =>
          (texts["star"] || "{n}").replace("{n}", "" + value) +
          (value === 1 && texts["low"] ? ", " + texts["low"] : value === 5 && texts["high"] ? ", " + texts["high"] : ""),
        face: () => icon(STAR),
        choose,
      }),
      ends(),
    ),
};
export default type;
