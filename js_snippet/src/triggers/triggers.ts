/** What has to happen before a question is due: an element is there, the page was scrolled, somebody leaves ... */
import type { Way } from "../rules/way";

/** Comes back when it happened; never, when the page is left before. */
export type Triggers = (way: Way) => Promise<void>;

export const triggers: Triggers = async (way) => {
  const { settings } = way.question;
  const { trigger, selector, inline } = settings;
  await present(selector, way, "selector");
  await present(inline, way, "inline_missing");
  if (trigger === "event") await told(way);
};

/** Until what the selector names is on the page. Nothing polls: the page says when it changes. */
function present(selector: unknown, { signal, note }: Way, why: "selector" | "inline_missing"): Promise<void> {
  return new Promise((done) => {
    const isThere = (): boolean => !selector || !!document.querySelector(selector as string);
    if (isThere()) return done();
    note(why);
    const observer = new MutationObserver(() => {
      if (!isThere()) return;
      observer.disconnect();
      done();
    });
    observer.observe(document, { childList: true, subtree: true, attributes: true });
    signal.addEventListener("abort", () => observer.disconnect());
  });
}

/** Until the page pushes the event of its own that the question waits for. */
function told({ question: { settings }, page: { visit, tools }, signal, note }: Way): Promise<void> {
  return new Promise((done) => {
    const watch = new AbortController();
    let from = 0;
    const look = (): void => {
      for (; from < visit.pushed.length; from++) {
        const one = visit.pushed[from]!;
        if (one.event !== settings["event"]) continue;
        watch.abort();
        return done();
      }
    };
    note("waiting_event");
    tools.bell.addEventListener("push", look, { signal: watch.signal });
    signal.addEventListener("abort", () => watch.abort());
    look();
  });
}
