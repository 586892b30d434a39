/** The little card (on a phone: a sheet) with one question, and everything around the choices: see `show`. */
import type { Desk, Form, Json, RowForm, Show, Value, Words } from "../types";
import { make } from "./elements";
import { focusOf } from "./focus";
import { followUpOf } from "./follow";
import css from "./panel.css";

/** After this the live region is known to the screen reader, so that what is put into it is said. */
const BEFORE_SAYING = 150;
const THANKS_FOR = 4000;
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
export const show: Show = (question, type, language, emit, { dress, rows, put, quietly, fetchWords }) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync((dress ? dress(css) : css) + (rows ? rows.css : "") + (type.css || ""));
  const host = document.createElement("atbalss-panel");
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets[0] = sheet;
  if (!put) host.className = "over";

  const { texts, settings } = question;
  const said = make("div", { class: "said", role: "status", lang: language });
  const cross = make("button", { class: "close", type: "button", "aria-label": texts["close"] });
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
  let writer: Words | undefined;
  const desk: Desk = { make, texts, root, more, on, say, finish };

  const form: Form = {
    texts,
    settings,
    title: "title",
    make,
    writing,
    choose: safe(choose),
    choosing: safe((value) => keep(value, false)),
    tell: safe(tell),
  };
  body.append(type.draw({ ...form, ...rows?.furnish(form) } as Form & RowForm), more);
  root.append(said, card);

  on(cross, "click", dismiss);
  on(card, "keydown", (event) => {
    if ((event as KeyboardEvent).key === "Escape") dismiss();
  });
  // A page's own keys ("/" for its search ...) must not act on what is typed here.
  for (let i = 0, keys = ["keydown", "keypress", "keyup"]; i < 3; i++) on(card, keys[i]!, (event) => event.stopPropagation());
  for (let i = 0, signs = ["pointerenter", "pointerdown", "focusin"]; i < 3; i++) on(card, signs[i]!, wake);

  if (put) put(host, title, seen);
  else {
    on(document, "keydown", escape);
    document.body.append(host);
    seen();
  }
  return away;

  /** `act`, from which nothing goes wrong into the page. */
  function safe<T>(act: (given: T) => unknown): (given: T) => void {
    return (given) => quietly(() => act(given));
  }

  function on(target: EventTarget, name: string, act: (event: Event) => unknown): void {
    target.addEventListener(name, safe(act), { signal });
  }

  function seen(): void {
    if (since !== undefined) return;
    since = performance.now();
    say(texts["title"]);
    emit("question.shown");
  }

  async function choose(value: Value): Promise<void> {
    if (value === chosen) return;
    const key = followUpOf(settings["follow_up"] ?? type.followUp, value);
    const goesOn = !!key && !!texts[key];
    keep(value, !goesOn);
    if (!goesOn) return thank();
    try {
      await wake();
    } catch {
      // Thanks then: what was tapped is on its way.
    }
    if (chosen !== value || signal.aborted) return;
    if (writer) writer.askMore(key, type.focus);
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
    emit("answer.given", { ...more, took, trap: desk.isTrap || undefined });
  }

  /** What came after the choice is written; nothing is an answer too. */
  function finish(text: string): void {
    if (text) return tell(text);
    if (desk.isTrap) keep(chosen!, true);
    thank();
  }

  function writing(label: string | undefined, placeholder: string | undefined, done: (text: string) => void): HTMLElement {
    const place = make("div", {});
    quietly(async () => place.append((await wake()).drawForm(label, placeholder, done)));
    return place;
  }

  /** Fetches what is needed to write. */
  async function wake(): Promise<Words> {
    const { words } = await fetchWords();
    return (writer ??= words(desk));
  }

  function thank(): void {
    giveFocusBack();
    body.replaceChildren(make("p", { class: "thanks", id: "title" }, texts["thanks"]));
    say(texts["thanks"]);
    // In the page it stays: what lies below would move.
    if (!put) {
      on(document, "visibilitychange", leaveSoon);
      leaveSoon();
    }
  }

  function dismiss(): void {
    if (chosen === undefined && host.isConnected) emit("question.dismissed");
    chosen ??= "";
    leave();
  }

  /** Once the thanks were looked at long enough. No timer runs in a hidden tab. */
  function leaveSoon(): void {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(safe(leave), THANKS_FOR);
  }

  function leave(): void {
    giveFocusBack();
    card.classList.add("gone");
    setTimeout(safe(away), LEAVING);
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
    setTimeout(
      safe(() => (said.textContent = text ?? "")),
      BEFORE_SAYING,
    );
  }
};
