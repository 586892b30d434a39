/** What has to happen before a question is due: an element is there, the page was scrolled, somebody leaves ... */
import type { Reason } from "../reasons";
import type { Way } from "../rules/way";
import { exit } from "./exit";
import { whenIdle } from "./idle";

/** Comes back when it happened; never, when the page is left before. */
export type Triggers = (way: Way) => Promise<void>;
/** Calls `done` once; everything it started ends with `signal`. */
export type Start = (way: Way, signal: AbortSignal, done: () => void) => void;

const STARTS: { [trigger: string]: [Start, Reason] } = {
  scroll: [scroll, "waiting_scroll"],
  exit: [exit, "waiting_exit"],
  idle: [idle, "waiting_idle"],
  event: [event, "waiting_event"],
};

export const triggers: Triggers = async (way) => {
  const { trigger, selector, inline } = way.question.settings as { [name: string]: string };
  if (selector) await until(way, "selector", (_way, signal, done) => present(selector, signal, done));
  const start = STARTS[trigger!];
  if (start) await until(way, start[1], start[0]);
  if (inline) await until(way, "inline_missing", (_way, signal, done) => present(inline, signal, done));
};

/** Until what `start` watches for happens, which ends the watching, as the end of the way does. */
function until(way: Way, why: Reason, start: Start): Promise<void> {
  return new Promise((done) => {
    const watch = new AbortController();
    let isDone = false;
    way.signal.addEventListener("abort", () => watch.abort());
    start(way, watch.signal, () => {
      isDone = true;
      watch.abort();
      done();
    });
    if (!isDone) way.note(why);
  });
}

/** What the selector names is on the page. Nothing polls: the page says when it changes. */
function present(selector: string, signal: AbortSignal, done: () => void): void {
  const look = (): void => {
    if (document.querySelector(selector)) done();
  };
  try {
    look();
  } catch {
    return; // no selector at all: nothing is ever on the page that it names
  }
  if (signal.aborted) return;
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true, attributes: true });
  signal.addEventListener("abort", () => observer.disconnect());
}

/** So many per cent of the page have been seen, or all of it. */
function scroll({ question: { settings } }: Way, signal: AbortSignal, done: () => void): void {
  const share = (settings["scroll"] as number) || 50;
  const { documentElement: whole } = document;
  const look = (): void => {
    if ((scrollY + innerHeight) * 100 >= whole.scrollHeight * share) done();
  };
  addEventListener("scroll", look, { passive: true, capture: true, signal });
  // Where there is nothing to scroll, all of it is seen.
  if (whole.scrollHeight <= innerHeight) done();
}

/** Nobody touched anything for so many seconds, while the page was seen. */
function idle({ question: { settings } }: Way, signal: AbortSignal, done: () => void): void {
  whenIdle(1000 * ((settings["idle"] as number) || 30), signal, done);
}

/** The page pushed the event of its own that the question waits for. */
function event({ question: { settings }, page: { visit, tools } }: Way, signal: AbortSignal, done: () => void): void {
  const match = (settings["match"] || {}) as { [property: string]: unknown };
  const names = Object.keys(match);
  let from = 0;
  const look = (): void => {
    for (; from < visit.pushed.length && !signal.aborted; from++) {
      const one = visit.pushed[from]!;
      let is = one.event === settings["event"];
      for (let i = 0; i < names.length; i++) is &&= one[names[i]!] === match[names[i]!];
      if (is) done();
    }
  };
  tools.bell.addEventListener("push", look, { signal });
  look();
}
