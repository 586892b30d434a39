/** How likely to recommend, 0 to 10. */
import type { QuestionType } from "../types";

const values = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

const type: QuestionType = {
  values: () => values,
  followUp: "always",
  focus: false,
  hasRow: true,
  // One row where a mouse points; two of equal width where a finger does, or where there is no room.
  css:
    ".numbers{display:flex;gap:3px}.numbers button{flex:1;min-inline-size:0;padding:4px 0;min-block-size:44px;border-radius:calc(1px/3*var(--round))}" +
    "@media(pointer:coarse),(max-width:480px){.numbers{flex-wrap:wrap;gap:6px clamp(2px,.9vw,6px)}" +
    ".numbers button{flex:1 0 14.5%;border-radius:calc(2px/3*var(--round))}}",
  draw: ({ row }) => row({ look: "numbers fill", values }),
};
export default type;
