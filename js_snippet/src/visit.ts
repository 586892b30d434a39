/**
 * What happens on a page to ask on: the search is reported and so is each click on a result, the server is asked for
 * its questions, and at a good moment the first fitting one is shown. One that was due and found no good moment is
 * reported as skipped, with the reason, when the page is left.
 */
import type { Emit, Question, QuestionType } from "./types";
import { now, uuid } from "./ids";
import { chooseLanguage } from "./language";
import { nothing, quietly } from "./quietly";
import type { Page } from "./rules/context";
import { cardsOf, watchClicks } from "./rules/clicks";
import { isSomethingElse, resultsOf } from "./rules/finder";
import { change, goodMoment, inTheWayOf, isCheckout, type Reason } from "./rules/manners";
import { transport, type Sent } from "./transport";

/** The hash in each chunk's file name, put in by the build: of "panel" and of every question type. */
declare const CHUNKS: { [name: string]: string };

/** How long a page is left in peace before it is asked about, in ms. */
const AFTER_ORDER = 1000;
const AFTER_NOTHING_FOUND = 1500;
const AFTER_RESULTS = 4000;

interface Reply {
  lang: string;
  questions?: Question[];
  answered?: string[];
}

export interface Visits {
  /** This is now the page. */
  enter(page: Page): Promise<void>;
  /** It no longer is: a panel that is open goes away. */
  leave(): void;
}

/** For the shop with site key `shop` at the server whose addresses begin with `base`. */
export function visits(base: string, shop: string, tagLanguage: string | undefined): Visits {
  const api = `${base}v1/shops/${encodeURIComponent(shop)}/`;
  const send = transport(api + "answers", refuse);
  /** Our server takes nothing from this page: nobody is asked for what would be thrown away. */
  let refused = false;
  /** Asked since the page was loaded. In a page that never loads anew, nobody is asked the same thing twice. */
  const asked: { [question: string]: boolean } = {};
  let leaving = new AbortController();
  let close = nothing;
  /** Says what the page that is left has yet to say. */
  let lastWords = nothing;
  addEventListener("pagehide", () => quietly(() => lastWords()));

  return { enter, leave };

  /** The owner looks into the console first, and the browser's own line there says only "403". */
  function refuse({ headers }: Response): void {
    if (!refused) console.warn("Atbalss: " + headers.get("X-Atbalss-Reason"));
    refused = true;
  }

  function leave(): void {
    leaving.abort();
    lastWords();
    close();
    lastWords = close = nothing;
  }

  async function enter({ order, search }: Page): Promise<void> {
    leave();
    leaving = new AbortController();
    const { signal } = leaving;
    const placement = order ? "order" : "search";
    const language = chooseLanguage({
      page: document.documentElement.lang,
      path: location.pathname,
      query: location.search,
      tag: tagLanguage,
      browser: navigator.language,
    });
    const about: Sent = { placement, page: { url: (location.origin + location.pathname).slice(0, 2048), lang: language } };
    const tell = (type: string, more?: Sent): void => send({ id: uuid(), type, at: now(), ...about, ...more });
    let results: number | undefined;
    if (search) {
      results = search.results;
      let first = 1;
      if (search.found || results === undefined) {
        if (search.found && isSomethingElse(document)) return;
        const told = resultsOf(document, search.query, cardsOf(document).length);
        results ??= told.results;
        first = told.first || 1;
      }
      const searched: Sent = { id: uuid(), query: search.query, results };
      about["search"] = searched;
      tell("search.performed");
      watchClicks(document, signal, (place, product) =>
        tell("result.clicked", { product, search: { ...searched, position: place + first - 1 } }),
      );
    }

    const reply = await get(`ask?lang=${language}&placement=${placement}`);
    const question = await choose(reply?.questions, placement, results, order?.token);
    if (!question || refused || signal.aborted) return;
    const which = { question: question.question, question_version: question.version };
    let skipped: Reason | undefined;
    const skip = (reason: Reason | undefined): void => {
      if (reason) tell("question.skipped", { ...which, reason });
    };
    if (!order && isCheckout(document, location)) return skip("checkout");
    const mine = leaving;
    lastWords = () => {
      if (!skipped) return;
      skip(skipped);
      skipped = undefined;
      mine.abort(); // said is said, should the page come back
    };
    const wait = (ms: number): Promise<number> => goodMoment(ms, signal, (why) => (skipped = why));
    await wait(patience(question, results));
    const panel = load<typeof import("./panel/panel")>("panel");
    const type = load<{ default: QuestionType }>(question.type);
    type.catch(nothing);
    const { show } = await panel;
    const form = (await type).default;
    const lift = await wait(0);
    if (signal.aborted || refused || asked[question.question]) return;

    asked[question.question] = true;
    const answer = { ...which, answer: uuid(), order_token: order?.token };
    /** Not told before it is sure that the panel isn't covered. */
    let shown: Sent | undefined;
    let isUsed = false;
    const sayShown = (): void => {
      if (shown) send(shown);
      shown = undefined;
    };
    const emit: Emit = (name, more) => {
      const event = { id: uuid(), type: name, at: now(), ...about, ...answer, ...more };
      if (name === "question.shown") shown = event;
      else {
        sayShown();
        isUsed = true;
        send(event);
      }
    };
    lastWords = sayShown;
    close = show(question, form, reply!.lang, emit);
    const host = document.querySelector("atbalss-panel") as HTMLElement;
    if (lift) host.style.setProperty("--atbalss-lift", lift + "px");

    await drawn();
    while (!signal.aborted && host.isConnected && !isUsed) {
      const why = document.hidden ? undefined : inTheWayOf(host);
      if (why) {
        if (shown) skip(why);
        shown = undefined;
        close();
        return;
      }
      sayShown();
      await change(signal);
    }
  }

  /** The first question that fits this page, that we can draw, and that this order hasn't answered. */
  async function choose(
    all: Question[] | undefined,
    placement: string,
    results: number | undefined,
    token: string | undefined,
  ): Promise<Question | undefined> {
    let answered: string[] | undefined;
    let known = !token;
    for (let i = 0; all && i < all.length; i++) {
      const question = all[i]!;
      if (question.placement !== placement || !fits(question, results) || !CHUNKS[question.type] || asked[question.question]) continue;
      // When the server can't say, the shopper is asked: it knows a second answer to the same order.
      if (!known) answered = (await get("asked", token))?.answered;
      known = true;
      if (!contains(answered, question.question)) return question;
    }
    return undefined;
  }

  async function get(path: string, body?: string): Promise<Reply | undefined> {
    try {
      const reply = await fetch(api + path, { credentials: "omit", ...(body ? { method: "POST", body } : {}) });
      if (reply.ok) return await reply.json();
      if (reply.status < 429) refuse(reply);
      return undefined;
    } catch {
      return undefined;
    }
  }

  function load<T>(chunk: string): Promise<T> {
    return import(`${base}widget/${chunk}-${CHUNKS[chunk]}.js`);
  }
}

function contains(list: string[] | undefined, wanted: string): boolean {
  for (let i = 0; list && i < list.length; i++) if (list[i] === wanted) return true;
  return false;
}

/** A question may be for searches that found nothing only (`results: "none"`), or for the others (`"some"`). */
function fits({ settings: { results } }: Question, found: number | undefined): boolean {
  return results === "none" ? found === 0 : results !== "some" || found !== 0;
}

/** Until what was added to the page stands in its place. */
function drawn(): Promise<unknown> {
  return new Promise((done) => setTimeout(done, 50));
}

/** `results` is undefined on an order page, and when the page didn't tell. */
function patience({ settings, placement }: Question, results: number | undefined): number {
  const seconds = settings["delay"];
  if (typeof seconds === "number") return seconds * 1000;
  if (placement === "order") return AFTER_ORDER;
  return results === 0 ? AFTER_NOTHING_FOUND : AFTER_RESULTS;
}
