/** The shopper's own words. */
import type { QuestionType } from "../types";

const type: QuestionType = {
  values: () => [],
  followUp: "never",
  focus: false,
  writes: true,
  draw: ({ texts, writing, tell }) => writing(undefined, texts["placeholder"], (text) => text && tell(text)),
};
export default type;
