/** All that is needed to say something in words; fetched when somebody is about to answer. */
import type { Desk, Words } from "../types";
import { snare } from "./snare";
import css from "./words.css";

const LONGEST_TEXT = 2000;
/** The card grows upwards, so its last button comes to lie under a finger that may be tapping twice. */
const SECOND_TAP = 500;

/** Furnishes the panel once. */
export function words(desk: Desk): Words {
  const { make, texts, on, say, root, more } = desk;
  const host = root.host as HTMLElement;
  /** the text that is asked now */
  let asked: string | undefined;
  let field: HTMLTextAreaElement;
  root.adoptedStyleSheets[1] = new CSSStyleSheet();
  root.adoptedStyleSheets[1].replaceSync(css);
  if (visualViewport) on(visualViewport, "resize", aboveKeyboard);
  return { drawForm, askMore };

  function drawForm(label: string | undefined, placeholder: string | undefined, done: (text: string) => void): HTMLElement {
    const box = (field = make("textarea", {
      id: "text",
      rows: 2,
      maxlength: LONGEST_TEXT,
      placeholder,
      enterkeyhint: "send",
      "aria-labelledby": label ? undefined : "title",
    }));
    const send = make("button", { class: "send", type: "submit" }, texts["send"]);
    const hidden = snare(make);
    const form = make("form", {}, label ? make("label", { class: "label", for: "text" }, label) : undefined, box, hidden, send);
    const since = performance.now();
    on(form, "submit", (event) => {
      event.preventDefault();
      if (performance.now() - since < SECOND_TAP) return;
      desk.isTrap = !!hidden.value;
      done(box.value.replace(/\0/g, "").trim());
    });
    on(box, "keydown", (event) => {
      const { key, shiftKey, isComposing } = event as KeyboardEvent;
      if (key !== "Enter" || shiftKey || isComposing) return;
      event.preventDefault();
      send.click();
    });
    return form;
  }

  function askMore(key: string, takesFocus: boolean): void {
    // Another choice, before anything was sent: what is written stays.
    if (key === asked) return;
    const written = asked && field.value;
    asked = key;
    const form = drawForm(texts[key], texts[key + "_placeholder"], desk.finish);
    if (written) field.value = written;
    form.classList.add("more");
    more.replaceChildren(form);
    // Not away from what a keyboard has just chosen.
    if (!root.querySelector(":focus-visible")) more.parentElement!.scrollTop = 1e5;
    say(texts[key]);
    // A keyboard that jumps up by itself would hide half of a phone's page.
    if (takesFocus && !matchMedia("(pointer: coarse)").matches) field.focus();
  }

  function aboveKeyboard(): void {
    const { height, offsetTop, scale } = visualViewport!;
    // Not when somebody looks closer at the page.
    host.style.setProperty("--atbalss-keys", (scale > 1.1 ? 0 : Math.max(0, innerHeight - height - offsetTop)) + "px");
  }
}
