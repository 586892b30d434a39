/** The box in the page. It takes no focus, stands away from the question's corner, and goes by its cross or by Escape. */
import type { Tools } from "../types";
import { icon, make } from "../panel/elements";
import { stateOf, type Report, type Row } from "./report";
import type { Words } from "./words/words";
import css from "./why.css";

const CROSS = "M6 6l12 12M18 6L6 18";
const CHEVRON = "M6 15l6-6 6 6";
const HOST = "atbalss-why";

/** What is drawn of one question, and what it was drawn from. */
interface Drawn {
  element: HTMLElement;
  state: HTMLElement;
  title: HTMLElement;
  code: HTMLElement;
  sentence: HTMLElement;
  more: HTMLElement;
  steps: HTMLElement;
  from: string;
}

/**
 * Opens the box; gives what is to be called whenever something changed. `look` gives the newest report, `isOther` tells
 * whether questions stand in the other corner.
 */
export function drawBox(words: Words, look: () => Report, isOther: () => boolean, { quietly }: Tools): () => void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  const host = make(HOST, {});
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets[0] = sheet;

  const page = make("p", { class: "page" });
  const consent = make("p", { class: "consent soft" });
  const list = make("div", { class: "list" });
  const said = make("div", { class: "said", "aria-live": "polite" });
  const fold = make("button", { class: "fold", type: "button", "aria-expanded": "true", "aria-label": words.fold }, icon(CHEVRON));
  const cross = make("button", { class: "close", type: "button", "aria-label": words.close }, icon(CROSS));
  const body = make("div", { class: "body", tabindex: 0, role: "group", "aria-labelledby": "title" }, page, list, consent, inCode("p", "soft", words.only_you));
  const title = make("h2", { id: "title" }, words.title);
  const box = make("section", { class: "box", "aria-labelledby": "title", lang: words.tag, dir: "ltr" }, make("header", {}, title, fold, cross), body, said);
  root.append(box);

  const drawn: { [question: string]: Drawn } = {};
  let isClosed = false;
  let isDue = false;

  fold.addEventListener("click", () => {
    body.hidden = !body.hidden;
    fold.setAttribute("aria-expanded", "" + !body.hidden);
  });
  cross.addEventListener("click", () => quietly(close));
  box.addEventListener("keydown", (event) => {
    // What is pressed here isn't for the page, nor for the question.
    event.stopPropagation();
    if (event.key === "Escape") quietly(close);
  });
  document.addEventListener("keydown", escape);
  document.addEventListener("turbo:before-cache", takeAway);
  return () => quietly(drawSoon);

  /** Many things happen at once when a page is entered: drawn once. */
  function drawSoon(): void {
    if (isDue || isClosed) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      quietly(() => draw(look()));
    }, 30);
  }

  function draw(report: Report): void {
    if (isClosed) return;
    if (!host.isConnected) document.body.append(host);
    host.classList.toggle("other", isOther());
    write(page, report.page.sentence);
    page.dataset["reason"] = report.page.reason || "";
    write(consent, report.consent.sentence);
    const rows = report.questions;
    const names = Object.keys(drawn);
    for (let i = 0; i < names.length; i++) if (!isIn(rows, names[i]!)) forget(names[i]!);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const known = (drawn[row.question] ??= place());
      if (list.children[i] !== known.element) list.insertBefore(known.element, list.children[i] || null);
      fill(known, row);
    }
  }

  function place(): Drawn {
    const state = make("span", {});
    const title = make("h3", {});
    const code = make("code", {});
    const sentence = make("p", {});
    const steps = make("ol", {});
    const more = make("details", {}, make("summary", {}, words.history), steps);
    const element = make("article", {}, make("div", { class: "head" }, state, code), title, sentence, more);
    return { element, state, title, code, sentence, more, steps, from: "" };
  }

  function fill(known: Drawn, row: Row): void {
    const { question, reason, title, sentence, steps } = row;
    let from = title + "\n" + sentence;
    for (let i = 0; i < steps.length; i++) from += "\n" + steps[i]!.reason;
    if (known.from === from) return;
    const state = words.states[stateOf(reason)];
    if (known.from && reason) said.textContent = `${title}: ${state}. ${sentence}`;
    known.from = from;
    known.element.dataset["question"] = question;
    known.element.dataset["reason"] = reason || "";
    known.state.className = "state " + stateOf(reason);
    known.state.textContent = state;
    known.title.textContent = title;
    known.code.textContent = question + (reason ? " · " + reason : "");
    write(known.sentence, sentence);
    known.more.hidden = steps.length < 2;
    known.steps.replaceChildren();
    for (let i = 0; i < steps.length; i++) known.steps.append(inCode("li", "", steps[i]!.sentence));
  }

  function forget(question: string): void {
    drawn[question]!.element.remove();
    delete drawn[question];
  }

  function escape(event: KeyboardEvent): void {
    const field = event.target as HTMLElement | null;
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("atbalss-panel")) return;
    if (!field?.isContentEditable && !/^(input|textarea|select)$/i.test(field?.tagName || "")) quietly(close);
  }

  function takeAway(): void {
    host.remove();
  }

  function close(): void {
    isClosed = true;
    document.removeEventListener("keydown", escape);
    document.removeEventListener("turbo:before-cache", takeAway);
    host.remove();
  }
}

/** Puts text in, in which `this` is set as what is written in settings and pages. */
function write(element: HTMLElement, text: string): void {
  if (element.textContent === text.replace(/`/g, "")) return;
  element.replaceChildren();
  const parts = text.split("`");
  for (let i = 0; i < parts.length; i++) element.append(i % 2 ? make("code", {}, parts[i]) : parts[i]!);
}

function inCode(name: string, look: string, text: string): HTMLElement {
  const element = make(name, look ? { class: look } : {});
  write(element, text);
  return element;
}

function isIn(rows: Row[], name: string): boolean {
  for (let i = 0; i < rows.length; i++) if (rows[i]!.question === name) return true;
  return false;
}
