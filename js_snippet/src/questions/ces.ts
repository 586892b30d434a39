/** How easy it was, 1 to 7: one bar of seven parts. */
import type { QuestionType } from "../types";

const values = [1, 2, 3, 4, 5, 6, 7];

const type: QuestionType = {
  values: () => values,
  followUp: "always",
  focus: false,
  hasRow: true,
  // On the smallest phones the bar reaches into the card's padding, so that each part is as wide as a finger.
  css:
    ".steps{display:flex}:has(>.steps){margin-inline:min(0px,(100% - 304px)/2)}" +
    ".steps button{flex:1;padding:4px;border-radius:0;margin-inline-start:-1px}" +
    ".steps :first-child{border-start-start-radius:calc(2px/3*var(--round));border-end-start-radius:calc(2px/3*var(--round));margin:0}" +
    ".steps :last-child{border-start-end-radius:calc(2px/3*var(--round));border-end-end-radius:calc(2px/3*var(--round))}" +
    ".steps :focus-visible{z-index:1}",
  draw: ({ row }) => row({ look: "steps fill", values }),
};
export default type;
