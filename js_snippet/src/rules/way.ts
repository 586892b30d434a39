import type { Question } from "../types";
import type { Reason } from "../reasons";
import { against } from "./against";
import { calm, change, openDialog } from "./manners";
import type { Page } from "./page";

/** The way of one question on one page. Whatever is started for it ends with `signal`. */
export interface Way {
  question: Question;
  page: Page;
  signal: AbortSignal;
  /** what all events of this question say */
  which: { question: string; question_version: number; placement: string };
  end(): void;
  note(why: Reason): void;
  /** Reports that the question was for this page and due, and not shown. */
  skip(why: Reason): void;
  /** Whether nothing speaks against asking; if something does, the way ends. */
  isFree(): boolean;
  /** Notes what keeps a question that is due (undefined: nothing): that is said when the page is left. */
  keep(why: Reason | undefined): void;
  /** see manners */
  calm(): Promise<void>;
  change(by?: Element): Promise<void>;
  hasDialog(): boolean;
  /** what to say when the page is left */
  lastWords?: (() => void) | undefined;
}

/** The reasons that are counted for the owner: the question was for this page, and a limit kept it. */
const COUNTED = /^(sam|cap|wav|coo|che)/;

export function wayOf(question: Question, page: Page): Way {
  const { visit, tools } = page;
  const own = new AbortController();
  const { signal } = own;
  const which = { question: question.question, question_version: question.version, placement: question.placement };
  const end = (): void => own.abort();
  const way: Way = {
    question,
    page,
    signal,
    which,
    end,
    calm: () => calm(way),
    change: (by) => change(signal, by),
    hasDialog: () => !!openDialog(),
    note: (why) => tools.note(question.question, why),
    skip: (reason) => visit.tell("question.skipped", { ...which, reason }),
    isFree() {
      if (signal.aborted || tools.refused) return false;
      const why = against(question, page);
      if (why) {
        way.note(why);
        if (COUNTED.test(why)) way.skip(why);
        end();
      }
      return !why;
    },
    keep(why) {
      if (why) way.note(why);
      way.lastWords =
        why &&
        (() => {
          way.skip(why);
          end(); // said is said, should the page come back
        });
    },
  };
  const leave = (): void => {
    const say = way.lastWords;
    way.lastWords = undefined;
    if (say) tools.quietly(say);
  };
  visit.signal.addEventListener("abort", () => {
    leave();
    end();
  });
  addEventListener("pagehide", leave, { signal });
  if (visit.signal.aborted) end();
  return way;
}
