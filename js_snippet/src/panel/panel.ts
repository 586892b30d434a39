/** The little card (on a phone: a sheet) with one question, and everything around the choices: see `show`. */
import type { Json, Show, Value } from "../types";
import { icon, make } from "./elements";
import { focusOf } from "./focus";
import { followUpOf } from "./follow";
import { radios } from "./radios";
import { snare } from "./snare";
import { theme } from "./theme";
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
/** The server takes no longer time than a day. */
const DAY = 864e5;

const RIGHT_TO_LEFT = /^(ar|ckb|dv|fa|he|iw|ps|sd|ug|ur|yi)\b/i;

/**
 * Shows `question` and says so by `emit`; gives a function that takes the panel away without a word (the page changed).
 *
 * The focus stays where it is; a polite live region announces the question. Escape and the cross close it. The first
 * choice is sent at once; a text that may follow is a later part of the same answer. Thanks, and a pop-up goes away.
 * In an element of the page it waits until its coming moves nothing in sight, and is shown when it is in view.
 */
export const show: Show = (question, type, language, emit, { widget, put, quietly }) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css + (type.css || "") + theme(widget));
  const host = document.createElement("atbalss-panel");
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets[0] = sheet;
  if (!put) host.className = "over";

  const { texts, settings } = question;
  const said = make("div", { class: "said", role: "status", lang: language });
  const cross = make("button", { class: "close", type: "button", "aria-label": texts["close"] }, icon(CROSS));
  const title = make("p", { class: "title", id: "title" }, texts["title"]);
  const more = make("div", {});
  const body = make("div", { class: "body" }, title);
  const card = make(
    "div",
    { class: "card", role: put ? "region" : "dialog", "aria-labelledby": "title", lang: language, dir: RIGHT_TO_LEFT.test(language) ? "rtl" : "ltr" },
    body,
    cross,
  );
  const giveFocusBack = focusOf(host);
  const over = new AbortController();
  const { signal } = over;
  let chosen: Value | undefined;
  let since: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** the text that is asked now */
  let asked: string | undefined;
  let field: HTMLTextAreaElement | undefined;
  let hidden: HTMLInputElement | undefined;

  body.append(
    type.draw({
      texts,
      settings,
      title: "title",
      make,
      icon,
      radios,
      ends: (low = texts["low"], high = texts["high"]) =>
        make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, low), make("span", {}, high)),
      writing,
      choose: safe(choose),
      choosing: safe((value) => keep(value, false)),
      tell: safe(tell),
    }),
    more,
  );
  root.append(said, card);

  on(cross, "click", dismiss);
  on(card, "keydown", (event) => {
    if ((event as KeyboardEvent).key === "Escape") dismiss();
  });
  // A page's own keys ("/" for its search ...) must not act on what is typed here.
  for (let i = 0, keys = ["keydown", "keypress", "keyup"]; i < 3; i++) on(card, keys[i]!, (event) => event.stopPropagation());

  if (put) put(host, title, seen);
  else {
    on(document, "keydown", escape);
    if (visualViewport) on(visualViewport, "resize", aboveKeyboard);
    document.body.append(host);
    seen();
  }
  return away;

  /** `act`, from which nothing goes wrong into the page. */
  function safe<T>(act: (given: T) => void): (given: T) => void {
    return (given) => quietly(() => act(given));
  }

  function on(target: EventTarget, name: string, act: (event: Event) => void): void {
    target.addEventListener(name, safe(act), { signal });
  }

  function seen(): void {
    if (since !== undefined) return;
    since = performance.now();
    say(texts["title"]);
    emit("question.shown");
  }

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
    give({ value, final });
  }

  function tell(text: string): void {
    chosen ??= "";
    give({ text, final: true });
    thank();
  }

  function give(more: { [name: string]: Json }): void {
    seen();
    const took = Math.min(DAY, Math.round(performance.now() - since!));
    emit("answer.given", { ...more, took, trap: !!hidden?.value || undefined });
  }

  function askMore(key: string): void {
    // Another choice, before anything was sent: what is written stays.
    if (key === asked) return;
    asked = key;
    const written = field?.value;
    const form = writing(texts[key], texts[key + "_placeholder"], (told) => {
      if (told) return tell(told);
      if (hidden!.value) keep(chosen!, true);
      thank();
    });
    if (written) field!.value = written;
    form.classList.add("more");
    more.replaceChildren(form);
    // Not away from what a keyboard has just chosen.
    if (!root.querySelector(":focus-visible")) body.scrollTop = body.scrollHeight;
    say(texts[key]);
    // A keyboard that jumps up by itself would hide half of a phone's page.
    if (type.focus && !matchMedia("(pointer: coarse)").matches) field!.focus();
  }

  function writing(label: string | undefined, placeholder: string | undefined, done: (text: string) => void): HTMLElement {
    const box = (field = make("textarea", {
      id: "text",
      rows: 2,
      maxlength: LONGEST_TEXT,
      placeholder,
      enterkeyhint: "send",
      "aria-labelledby": label ? undefined : "title",
    }));
    const send = make("button", { class: "send", type: "submit" }, texts["send"]);
    hidden = snare();
    const form = make("form", {}, label ? make("label", { class: "label", for: "text" }, label) : undefined, box, hidden, send);
    const since = performance.now();
    on(form, "submit", (event) => {
      event.preventDefault();
      if (performance.now() - since >= SECOND_TAP) done(box.value.replace(/\0/g, "").trim());
    });
    on(box, "keydown", (event) => {
      const { key, shiftKey, isComposing } = event as KeyboardEvent;
      if (key !== "Enter" || shiftKey || isComposing) return;
      event.preventDefault();
      send.click();
    });
    return form;
  }

  function thank(): void {
    giveFocusBack();
    body.replaceChildren(make("p", { class: "thanks", id: "title" }, icon(TICK), make("span", {}, texts["thanks"])));
    say(texts["thanks"]);
    // In the page it stays: what lies below would move.
    if (!put) {
      on(document, "visibilitychange", leaveSoon);
      leaveSoon();
    }
  }

  function dismiss(): void {
    if (chosen === undefined) emit("question.dismissed");
    chosen ??= "";
    leave();
  }

  /** Once the thanks were looked at long enough. No timer runs in a hidden tab. */
  function leaveSoon(): void {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(leave, THANKS_FOR);
  }

  function leave(): void {
    giveFocusBack();
    card.classList.add("gone");
    setTimeout(away, LEAVING);
  }

  function away(): void {
    clearTimeout(timer);
    over.abort();
    host.remove();
  }

  function escape(event: Event): void {
    const { key, target, defaultPrevented } = event as KeyboardEvent;
    const field = target as HTMLElement | null;
    if (key !== "Escape" || defaultPrevented) return;
    // In a field of the page, Escape is the page's.
    if (!field?.isContentEditable && !/^(input|textarea|select)$/i.test(field?.tagName || "")) dismiss();
  }

  function say(text: string | undefined): void {
    setTimeout(() => {
      said.textContent = text ?? "";
    }, BEFORE_SAYING);
  }

  function aboveKeyboard(): void {
    const { height, offsetTop, scale } = visualViewport!;
    // Not when somebody looks closer at the page.
    host.style.setProperty("--atbalss-keys", (scale > 1.1 ? 0 : Math.max(0, innerHeight - height - offsetTop)) + "px");
  }
};
