/**
 * What happens on a page to ask on: the search is reported, the server is asked for its questions, and at a good
 * moment the first fitting one is shown.
 */
import type { Context, Emit, Question, QuestionType } from "./types";
import { now, uuid } from "./ids";
import { chooseLanguage } from "./language";
import { nothing } from "./quietly";
import { goodMoment } from "./rules/moment";
import { resultsOf } from "./rules/results";
import { transport, type Sent } from "./transport";

/** File names by chunk, put in by the build: "panel" and every question type. */
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
  /** The page is now one of `context`. */
  enter(context: Context): Promise<void>;
  /** It no longer is: a panel that is open goes away. */
  leave(): void;
}

/** For the shop with site key `shop` at the server whose addresses begin with `base`. */
export function visits(base: string, shop: string, tagLanguage: string | undefined): Visits {
  const api = `${base}v1/shops/${encodeURIComponent(shop)}/`;
  const send = transport(api + "answers");
  /** Asked since the page was loaded. In a page that never loads anew, nobody is asked the same thing twice. */
  const asked: { [question: string]: boolean } = {};
  let visit = 0;
  let close = nothing;

  return {
    enter,
    leave() {
      visit++;
      close();
      close = nothing;
    },
  };

  async function enter({ order, search }: Context): Promise<void> {
    const mine = ++visit;
    const placement = order ? "order" : "search";
    const language = chooseLanguage({
      page: document.documentElement.lang,
      path: location.pathname,
      query: location.search,
      tag: tagLanguage,
      browser: navigator.language,
    });
    const about: Sent = { placement, page: { url: (location.origin + location.pathname).slice(0, 2048), lang: language } };
    const results = search && (search.results ?? resultsOf(document, search.query));
    if (search) {
      about["search"] = { id: uuid(), query: search.query, results };
      send({ id: uuid(), type: "search.performed", at: now(), ...about });
    }

    const reply = await get("ask?lang=" + language);
    const question = await choose(reply?.questions, placement, order?.token);
    if (!question) return;
    await goodMoment(patience(question, results));
    const panel = load<typeof import("./panel/panel")>("panel");
    const type = load<{ default: QuestionType }>(question.type);
    type.catch(nothing);
    const { show } = await panel;
    const form = (await type).default;
    if (mine !== visit || asked[question.question]) return;

    asked[question.question] = true;
    about["question"] = question.question;
    about["question_version"] = question.version;
    about["answer"] = uuid();
    about["order_token"] = order?.token;
    const emit: Emit = (name, more) => send({ id: uuid(), type: name, at: now(), ...about, ...more });
    close = show(question, form, reply!.lang, emit);
  }

  /** The first question for this placement that we can draw and that this order hasn't answered. */
  async function choose(all: Question[] | undefined, placement: string, token: string | undefined): Promise<Question | undefined> {
    let answered: string[] | undefined;
    let known = !token;
    for (let i = 0; all && i < all.length; i++) {
      const question = all[i]!;
      if (question.placement !== placement || !CHUNKS[question.type] || asked[question.question]) continue;
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
      return reply.ok ? await reply.json() : undefined;
    } catch {
      return undefined;
    }
  }

  function load<T>(chunk: string): Promise<T> {
    return import(`${base}widget/${CHUNKS[chunk]}`);
  }
}

function contains(list: string[] | undefined, wanted: string): boolean {
  for (let i = 0; list && i < list.length; i++) if (list[i] === wanted) return true;
  return false;
}

/** `results` is undefined on an order page, and when the page didn't tell. */
function patience({ settings, placement }: Question, results: number | undefined): number {
  const seconds = settings["delay"];
  if (typeof seconds === "number") return seconds * 1000;
  if (placement === "order") return AFTER_ORDER;
  return results === 0 ? AFTER_NOTHING_FOUND : AFTER_RESULTS;
}
