/** The little card (on a phone: a sheet) with one question, and everything around the choices: see `show`. */
import type { Emit, Question, QuestionType, Value } from "../types";
import { nothing, quietly } from "../quietly";
import { icon, make } from "./elements";
import { isInside, rememberFocus } from "./focus";
import { followUpOf } from "./follow";
import { whileSeen } from "./patience";
import { radios } from "./radios";
import css from "./panel.css";

const CROSS = "M6 6l12 12M18 6L6 18";
const TICK = "M5 12.5l4.5 4.5L19 7.5";
const LONGEST_TEXT = 2000;
/** After this the live region is known to the screen reader, so that what is put into it is said. */
const BEFORE_SAYING = 150;
const THANKS_FOR = 4000;
/** The card grows upwards, so its last button comes to lie under a finger that may be tapping twice. */
const SECOND_TAP = 500;
const LEAVING = 180;

/**
 * Shows `question` and says so by `emit`; gives a function that takes the panel away without a word (the page changed).
 *
 * The focus stays where it is; a polite live region announces the question. Escape and the cross close it. The first
 * choice is sent at once; a text that may follow is a later part of the same answer. Thanks, and it goes away.
 */
export function show(question: Question, type: QuestionType, language: string, emit: Emit): () => void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css + (type.css || ""));
  const host = document.createElement("atbalss-panel");
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets[0] = sheet;

  const { texts, settings } = question;
  const said = make("div", { class: "said", role: "status" });
  const cross = make("button", { class: "close", type: "button", "aria-label": texts["close"] }, icon(CROSS));
  const title = make("p", { class: "title", id: "title" }, texts["title"]);
  const card = make("div", { class: "card", role: "dialog", "aria-labelledby": "title", lang: language });
  const more = make("div", {});
  const focus = rememberFocus(host);
  let chosen: Value | undefined;
  let stop: () => void = nothing;

  const choices = type.draw({
    texts,
    settings,
    title: "title",
    make,
    icon,
    radios,
    ends: (low = texts["low"], high = texts["high"]) =>
      make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, low), make("span", {}, high)),
    writing,
    choose: (value) => quietly(() => choose(value)),
    choosing: (value) => quietly(() => keep(value, false)),
    tell: (text) => quietly(() => tell(text)),
  });
  card.append(title, choices, more, cross);
  root.append(said, card);

  on(cross, "click", dismiss);
  on(card, "keydown", (event) => {
    if ((event as KeyboardEvent).key === "Escape") dismiss();
  });
  // A page's own keys ("/" for its search ...) must not act on what is typed here.
  for (let i = 0, keys = ["keydown", "keypress", "keyup"]; i < 3; i++) on(card, keys[i]!, (event) => event.stopPropagation());
  document.addEventListener("keydown", escape);
  visualViewport?.addEventListener("resize", aboveKeyboard);

  document.body.append(host);
  say(texts["title"]);
  emit("question.shown");
  return away;

  function choose(value: Value): void {
    if (value === chosen) return;
    const key = followUpOf(settings["follow_up"] ?? type.followUp, value);
    const goesOn = !!key && !!texts[key];
    keep(value, !goesOn);
    if (goesOn) askMore(key);
    else thank();
  }

  function keep(value: Value, final: boolean): void {
    chosen = value;
    emit("answer.given", { value, final });
  }

  function tell(text: string): void {
    emit("answer.given", { text, final: true });
    thank();
  }

  function askMore(key: string): void {
    const text = texts[key]!;
    const placeholder = texts[key + "_placeholder"];
    const label = more.querySelector("label");
    if (label) {
      // Another choice, before anything was sent: what is written stays.
      if (label.textContent === text) return;
      label.textContent = text;
      more.querySelector("textarea")!.placeholder = placeholder ?? "";
    } else {
      const form = writing(text, placeholder, (told) => (told ? tell(told) : thank()));
      form.classList.add("more");
      more.append(form);
      card.scrollTop = card.scrollHeight;
    }
    say(text);
    // A keyboard that jumps up by itself would hide half of a phone's page.
    if (type.focus && !matchMedia("(pointer: coarse)").matches) more.querySelector("textarea")!.focus();
  }

  function writing(label: string | undefined, placeholder: string | undefined, done: (text: string) => void): HTMLElement {
    const field = make("textarea", {
      id: "text",
      rows: 2,
      maxlength: LONGEST_TEXT,
      placeholder,
      "aria-labelledby": label ? undefined : "title",
    }) as HTMLTextAreaElement;
    const send = make("button", { class: "send", type: "submit" }, texts["send"]);
    const form = make("form", {}, label ? make("label", { for: "text" }, label) : undefined, field, send);
    const since = performance.now();
    on(form, "submit", (event) => {
      event.preventDefault();
      if (performance.now() - since >= SECOND_TAP) done(field.value.replace(/\0/g, "").trim());
    });
    on(field, "keydown", (event) => {
      const { key, shiftKey, isComposing } = event as KeyboardEvent;
      if (key !== "Enter" || shiftKey || isComposing) return;
      event.preventDefault();
      send.click();
    });
    return form;
  }

  function thank(): void {
    const wasInside = isInside(root);
    const thanks = make("p", { class: "thanks", id: "title" }, icon(TICK), make("span", {}, texts["thanks"]));
    if (wasInside) focus.giveBack();
    title.replaceWith(thanks);
    choices.remove();
    more.remove();
    say(texts["thanks"]);
    stop = whileSeen(THANKS_FOR, leave);
    chosen = chosen ?? "";
  }

  function dismiss(): void {
    if (chosen === undefined) emit("question.dismissed");
    chosen = chosen ?? "";
    leave();
  }

  function leave(): void {
    if (isInside(root)) focus.giveBack();
    card.classList.add("gone");
    setTimeout(away, LEAVING);
  }

  function away(): void {
    stop();
    document.removeEventListener("keydown", escape);
    visualViewport?.removeEventListener("resize", aboveKeyboard);
    host.remove();
  }

  function escape(event: KeyboardEvent): void {
    const field = event.target as HTMLElement | null;
    if (event.key !== "Escape" || event.defaultPrevented) return;
    // In a field of the page, Escape is the page's.
    if (!field?.isContentEditable && !/^(input|textarea|select)$/i.test(field?.tagName || "")) quietly(dismiss);
  }

  function say(text: string | undefined): void {
    setTimeout(() => {
      said.textContent = text ?? "";
    }, BEFORE_SAYING);
  }

  function aboveKeyboard(): void {
    const { height, offsetTop } = visualViewport!;
    host.style.setProperty("--keyboard", Math.max(0, innerHeight - height - offsetTop) + "px");
  }
}

function on(target: EventTarget, name: string, act: (event: Event) => void): void {
  target.addEventListener(name, (event) => quietly(() => act(event)));
}
