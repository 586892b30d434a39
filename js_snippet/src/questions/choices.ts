/** Any of the options that the owner named. Each tick is kept at once; the button says that it is all. */
import type { Form, Question, QuestionType } from "../types";

const options = (settings: Question["settings"]): string[] => (settings["options"] || []) as string[];

const type: QuestionType = {
  values(settings) {
    const alone: string[][] = [];
    for (let i = 0, all = options(settings); i < all.length; i++) alone[i] = [all[i]!];
    return alone;
  },
  followUp: "never",
  focus: true,
  css:
    ".list .send{margin-block-start:4px}.tick:has(:checked){border-color:var(--front)}" +
    "input{flex:none;font:inherit;inline-size:1.25em;block-size:1.25em;margin:0;accent-color:var(--accent)}" +
    ".tick:has(:focus-visible){outline:3px solid var(--accent);outline-offset:2px}.tick :focus-visible{outline:0}",
  draw({ texts, settings, title, make, choose, choosing }: Form): HTMLElement {
    const send = make("button", { class: "send", type: "submit" }, texts["send"]);
    const group = make("div", { class: "list", role: "group", "aria-labelledby": title });
    const form = make("form", {}, group);
    const all = options(settings);
    const boxes: HTMLInputElement[] = [];
    const ticked = (): string[] => {
      const found: string[] = [];
      for (let i = 0; i < all.length; i++) if (boxes[i]!.checked) found[found.length] = all[i]!;
      return found;
    };
    for (let i = 0; i < all.length; i++) {
      const box = (boxes[i] = make("input", { type: "checkbox" }));
      box.addEventListener("change", () => choosing(ticked()));
      group.append(make("label", { class: "tick" }, box, make("span", {}, texts["option." + all[i]] || all[i])));
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = ticked();
      if (!chosen[0]) return boxes[0]?.focus();
      choose(chosen);
      // Sent: should a text follow, it has the card for itself.
      form.remove();
    });
    group.append(send);
    return form;
  },
};
export default type;
