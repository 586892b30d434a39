import type { Question, Sent } from "../types";
import type { Reason } from "../reasons";
import { against } from "./against";
import { goodMoment } from "./manners";
import type { Page } from "./page";

/** The way of one question on one page. Whatever is started for it ends with `signal`. */
export interface Way {
  question: Question;
  page: Page;
  signal: AbortSignal;
  /** what all events of this question say */
  which: Sent;
  end(): void;
  note(why: Reason): void;
  /** Reports that the question was for this page and due, and not shown. */
  skip(why: Reason): void;
  /** Whether nothing speaks against asking; if something does, the way ends. */
  isFree(): boolean;
  /** Comes back at a good moment, once the page was looked at for `ms`: see manners. */
  moment(ms: number): Promise<number>;
  /** Said when the page is left; not said when there is nothing to say. */
  lastWords: (() => void) | undefined;
}

/** It ends with the page. One that is due then, and waits for a good moment, is reported as skipped. */
export function wayOf(question: Question, page: Page): Way {
  const { visit, tools } = page;
  const own = new AbortController();
  const { signal } = own;
  const which = { question: question.question, question_version: question.version, placement: question.placement };
  const way: Way = {
    question,
    page,
    signal,
    which,
    end: () => own.abort(),
    note: (why) => tools.note(question.question, why),
    skip: (reason) => visit.tell("question.skipped", { ...which, reason }),
    isFree() {
      const is = !signal.aborted && !tools.refused;
      const what = is && against(question, page);
      if (!what) return is;
      way.note(what.why);
      if (what.isCounted) way.skip(what.why);
      own.abort();
      return false;
    },
    moment: (ms) =>
      goodMoment(ms, signal, !!question.settings["inline"], (why) => {
        way.lastWords = why && (() => way.skip(why));
        if (why) way.note(why);
      }),
    lastWords: undefined,
  };
  const leave = (): void => tools.quietly(() => {
    const say = way.lastWords;
    way.lastWords = undefined;
    say?.();
    return say;
  });
  visit.signal.addEventListener("abort", () => {
    leave();
    own.abort();
  });
  addEventListener("pagehide", leave, { signal });
  return way;
}
