/**
 * The script a shop puts on every page. It looks what page this is, asks the server what to ask there, and loads the
 * rest only when there is something: the chunk `rules` for questions whose page this is, `search` on results of a
 * search. Nothing of ours is kept in the browser.
 */
import type { Pushed, ReportSearch, Rules, Sent, Tools, Visit, Why } from "./types";
import { asker } from "./ask";
import { kindOf, readBlock, readContext } from "./context";
import { now, uuid } from "./ids";
import { write } from "./json";
import { chooseLanguage } from "./language";
import { isWhere } from "./match";
import { quietly } from "./quietly";
import { seen } from "./seen";
import { transport } from "./transport";

/** File names of chunks, put in by the build; "" when there is no such chunk. */
declare const RULES: string;
declare const SEARCH: string;
declare const WHY: string;

/** Pages that change without loading draw themselves some time after their address. */
const AFTER_NAVIGATION = 1000;

quietly(() => {
  const page = window as unknown as { atbalss?: unknown; navigation?: EventTarget };
  const script = (document.currentScript || document.querySelector("script[data-shop^=pk_]")) as HTMLScriptElement | null;
  const queue = page.atbalss as { live?: boolean } | undefined;
  const { shop, host, lang, consent } = script ? script.dataset : {};
  if (!script || !shop || queue?.live === true) return;

  const base = (host || script.src.replace(/[?#].*/, "").replace(/[^/]*$/, "")).replace(/\/*$/, "/");
  const api = `${base}v1/shops/${encodeURIComponent(shop)}/`;
  const isWhyAsked = /[?&]atbalss_why=1/.test(location.search);
  const tools: Tools = {
    base,
    shop,
    tagConsent: consent,
    bell: new EventTarget(),
    notes: [],
    note(question, reason) {
      tools.notes[tools.notes.length] = [question, reason];
      tools.bell.dispatchEvent(new Event("note"));
    },
    load: (file) => import(base + "widget/" + file),
    isWhere,
    uuid,
    now,
    write,
    quietly,
    send: (event, patient) => send(event, patient),
    get: (question, body) => get(question, body),
  };
  const send = transport(api + "answers", tools);
  const get = asker(api, tools);

  let visit: Visit | undefined;
  let leaving: AbortController | undefined;
  let enter: ReturnType<Rules> | undefined;
  let pushed: Pushed[] = [];
  let said: Pushed | undefined;
  /** what was pushed on the page before */
  let stale: Pushed | undefined;
  let current = "";
  let path = location.pathname;
  let timer: ReturnType<typeof setTimeout>;

  const look = (): void => quietly(come);
  const leave = (): void => {
    leaving?.abort();
    current = "";
    stale = said;
    pushed = [];
    tools.notes = [];
  };
  /** Another path is another page, and nothing of ours stays on it; other parameters may be the same search, sorted. */
  const moved = (): void =>
    quietly(() => {
      if (location.pathname !== path) leave();
      path = location.pathname;
      clearTimeout(timer);
      timer = setTimeout(look, AFTER_NAVIGATION);
    });
  const push = (one: Pushed): void =>
    quietly(() => {
      if (typeof one.consent === "boolean") tools.consent = one.consent;
      else if (typeof one.event === "string") pushed[pushed.length] = one;
      else {
        said = one;
        if (document.readyState !== "loading") look();
      }
      tools.bell.dispatchEvent(new Event("push"));
    });
  /** Tells the owner why a question is or isn't asked here. */
  const why = async (): Promise<void> => {
    const { why } = await tools.load<{ why: Why }>(WHY);
    const { context, kind, reply, language } = visit!;
    why({ context, kind, reply, notes: tools.notes, language, refused: !!tools.refused }, tools);
  };

  if (Array.isArray(queue)) for (let i = 0; i < queue.length; i++) push(queue[i]);
  page.atbalss = { live: true, push, why: () => quietly(why) };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", look);
  else look();
  addEventListener("popstate", moved);
  document.addEventListener("turbo:before-cache", leave); // Turbo keeps a copy of the page, as it is now
  document.addEventListener("turbo:load", look);
  if (page.navigation?.addEventListener) page.navigation.addEventListener("currententrychange", moved);
  else {
    patch("pushState");
    patch("replaceState");
  }

  function patch(name: "pushState" | "replaceState"): void {
    const theirs = history[name];
    history[name] = function (this: History) {
      theirs.apply(this, arguments as unknown as Parameters<History["pushState"]>);
      moved();
    };
  }

  /** Somebody is on a page: unless it is still the same, everything begins anew. */
  async function come(): Promise<void> {
    await seen();
    const { pathname, origin, search } = location;
    const context = readContext(document, location, await readBlock(document), said === stale ? undefined : said);
    const kind = kindOf(context);
    const key = kind + " " + (context.order ? context.order.token : context.search ? context.search.query : pathname + search);
    if (key === current) return;
    // Filters and sorting change the parameters while a question stands there: that stays.
    if (visit && !visit.signal.aborted && kind === visit.kind && kind !== "search" && document.querySelector("atbalss-panel")) return;
    leaving?.abort();
    current = key;
    tools.notes = [];
    leaving = new AbortController();
    const { signal } = leaving;
    const language = chooseLanguage({ page: document.documentElement.lang, path: pathname, query: search, tag: lang, browser: navigator.language });
    const about: Sent = {
      placement: kind,
      page: { url: (origin + pathname).slice(0, 2048), lang: language },
      product: context.product?.id,
    };
    const tell: Visit["tell"] = (type, more, patient) => send({ id: uuid(), type, at: now(), ...about, ...more }, patient);
    const here: Visit = (visit = { kind, context, language, signal, pushed, questions: [], about, tell });
    if (context.search) {
      here.results = tools.load<{ search: ReportSearch }>(SEARCH).then(({ search }) => (signal.aborted ? undefined : search(here, tools)));
      quietly(() => here.results);
    }
    const reply = (here.reply = await get(`ask?lang=${language}&placement=${kind}${isWhyAsked ? "&why=1" : ""}`));
    if (signal.aborted) return;
    match(here);
    if (here.questions.length && !tools.refused) {
      enter = enter || (await tools.load<{ rules: Rules }>(RULES)).rules(tools);
      if (!signal.aborted) quietly(() => enter!(here));
    } else if (reply) tools.note("", "no_page");
    if (isWhyAsked) await why();
  }

  /** Picks the questions whose page this is. */
  function match({ kind, reply, questions }: Visit): void {
    const all = reply?.questions;
    for (let i = 0; all && i < all.length; i++) {
      const question = all[i]!;
      const why = question.placement !== kind && question.placement !== "page" ? "placement" : isWhere(question, location) ? undefined : "url";
      if (why) tools.note(question.question, why);
      else questions[questions.length] = question;
    }
  }
});
