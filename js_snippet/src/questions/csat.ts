/** Five faces, from very unhappy to very happy. */
import type { QuestionType } from "../types";

const values = [1, 2, 3, 4, 5];
const HEAD = "M12 2.5a9.5 9.5 0 1 0 0 19a9.5 9.5 0 1 0 0-19zM9 9.2v.9M15 9.2v.9";
const MOUTHS = ["M8 16.5q4-4.2 8 0", "M8.5 16q3.5-2 7 0", "M8.5 15.2h7", "M8.5 14.5q3.5 2.4 7 0", "M7.8 13.8q4.2 5.4 8.4 0"];

const type: QuestionType = {
  values: () => values,
  followUp: "always",
  focus: false,
  hasRow: true,
  css:
    ".faces{display:flex}.faces+.ends{padding-inline:12px}" +
    ".faces button{flex:1;padding:4px;border:0}" +
    ".faces svg{inline-size:40px;block-size:40px;stroke:var(--soft);stroke-width:1.5;transition:scale .12s}" +
    ".faces [aria-checked=true] svg{fill:var(--star);stroke:#15171c;scale:1.15}" +
    "@media(hover:hover){.faces button:hover{background:none}.faces button:hover svg{stroke:var(--front);scale:1.15}" +
    ".faces [aria-checked=true]:hover svg{stroke:#15171c}}" +
    "@media(forced-colors:active){.faces [aria-checked=true] svg{fill:Highlight}}",
  draw({ texts, icon, row }) {
    // The two ends are named by what stands below them.
    const name = (value: string | number): string => (/1|5/.test("" + value) ? "" : texts["option." + value] || "");
    const face = (value: string | number): SVGElement => icon(HEAD + MOUTHS[(value as number) - 1]);
    return row({ look: "faces", values, name, face, low: texts["option.1"], high: texts["option.5"] });
  },
};
export default type;
