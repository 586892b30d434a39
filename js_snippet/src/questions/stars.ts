/** Five stars. */
import type { QuestionType } from "../types";

const values = [1, 2, 3, 4, 5];
const STAR = "M12 2.8l2.85 5.77 6.37.93-4.61 4.49 1.09 6.34L12 17.34l-5.7 2.99 1.09-6.34L2.78 9.5l6.37-.93z";

const type: QuestionType = {
  values: () => values,
  followUp: "always",
  focus: false,
  hasRow: true,
  css:
    ".stars{display:flex}.stars+.ends{padding-inline:12px}" +
    ".stars button{flex:1;padding:4px;border:0}" +
    ".stars svg{inline-size:36px;block-size:36px;stroke:var(--soft);stroke-width:1.4;transition:scale .12s}" +
    ".stars .on svg{fill:var(--star);stroke:var(--star-edge)}" +
    "@media(hover:hover){.stars button:hover{background:none}.stars:hover svg{fill:var(--star);stroke:var(--star-edge)}" +
    ".stars button:hover~button svg{fill:none;stroke:var(--soft)}.stars button:hover svg{scale:1.12}}" +
    "@media(forced-colors:active){.stars .on svg{fill:Highlight}}",
  draw: ({ texts, icon, row }) =>
    row({ look: "stars", values, name: (value) => (texts["star"] || "{n}").replace("{n}", "" + value), face: () => icon(STAR) }),
};
export default type;
