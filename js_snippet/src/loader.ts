/**
 * The script a shop puts on every page. It looks what page this is, asks the server what to ask there, and loads the
 * rest only when there is something: the chunk `rules` for questions whose page this is, `search` on results of a
 * search. Nothing of ours is kept in the browser.
 */
import type { Equip, Pushed, ReportSearch, Rules, Sent, Tools, Visit, Why } from "./types";
import { asker } from "./ask";
import { kindOf, readBlock, readContext } from "./context";
import { chooseLanguage } from "./language";
import { isWhere } from "./match";
import { isWhyAsked, quietly } from "./quietly";
import { seen } from "./seen";

/** In the name of every chunk's file, put in by the build. */
declare const HASH: string;

/** What the chunks export, each some of it. */
interface Parts {
  sending: Equip;
  search: ReportSearch;
  rules: Rules;
}

/** Pages that change without loading draw themselves some time after their address. */
const AFTER_NAVIGATION = 1000;

quietly(() => {
  const page = window as unknown as { atbalss?: unknown; navigation?: EventTarget };
  const script = (document.currentScript || document.querySelector("script[data-shop]")) as HTMLScriptElement;
  const queue = page.atbalss as (Pushed[] & { live?: boolean }) | undefined;
  const { shop, host, lang, consent } = script.dataset;
  if (!shop || queue?.live) return;

  const base = (host ? host + "/" : script.src).replace(/\/*[^/]*$/, "/");
  const api = base + `v1/shops/${shop}/`;
  const bell = new EventTarget();
  const ring = (what: string): unknown => bell.dispatchEvent(new Event(what));
  const tools = {
    base,
    shop,
    bell,
    notes: [],
    asked: {},
    tagConsent: consent,
    note(question, reason) {
      tools.notes[tools.notes.length] = [question, reason];
      ring("note");
    },
    /** The owner looks into the console first, and the browser's own line there says only "403". */
    refuse({ headers, status }) {
      if (!tools.refused) console.warn("Atbalss: " + headers.get("X-Atbalss-Reason"));
      tools.refused = status;
      tools.note("", status === 404 ? "unknown_shop" : "refused");
    },
    load: (chunk) => import(`${base}widget/${chunk}-${HASH}.js`),
    isWhere,
    quietly,
  } as Partial<Tools> as Tools;
  const ask = (tools.ask = asker(api, tools));

  let visit: Visit | undefined;
  let leaving: AbortController | undefined;
  /** context and events that were pushed on this page */
  let said: Pushed | undefined;
  let pushed: Pushed[] = [];
  let current = "";
  let path = location.pathname;
  let timer: ReturnType<typeof setTimeout>;

  const look = (): unknown => document.readyState === "loading" || quietly(come);
  const leave = (): void => {
    leaving?.abort();
    current = "";
    said = undefined;
    pushed = [];
  };
  /** Another path is another page, and nothing of ours stays on it; other parameters may be the same search, sorted. */
  const moved = (): void => {
    if (location.pathname !== path) leave();
    path = location.pathname;
    clearTimeout(timer);
    timer = setTimeout(look, AFTER_NAVIGATION);
  };
  const push = (one: Pushed): unknown =>
    quietly(() => {
      if (one.event) pushed[pushed.length] = one;
      else if ("consent" in one) tools.consent = one.consent;
      else {
        said = one;
        look();
      }
      ring("push");
    });
  const why = async (isShown?: boolean): Promise<unknown> =>
    (await tools.load<{ why: Why }>("why")).why(tools, () => visit, isShown);

  for (let i = 0; queue && i < queue.length; i++) push(queue[i]!);
  page.atbalss = { live: true, push, why };
  if (isWhyAsked()) quietly(() => why(true));
  look();
  on("DOMContentLoaded", look);
  on("popstate", moved);
  on("turbo:before-cache", leave); // Turbo keeps a copy of the page, as it is now
  on("turbo:load", look);
  on("currententrychange", moved, page.navigation);
  if (!page.navigation) {
    patch("pushState");
    patch("replaceState");
  }

  function on(name: string, act: () => unknown, target: EventTarget = window): void {
    target.addEventListener(name, () => quietly(act), true);
  }

  function patch(name: "pushState" | "replaceState"): void {
    const theirs = history[name];
    history[name] = function (this: History) {
      theirs.apply(this, arguments as unknown as Parameters<History["pushState"]>);
      quietly(moved);
    };
  }

  /** Somebody is on a page: unless it is still the same, everything begins anew. */
  async function come(): Promise<void> {
    await seen();
    const { pathname, origin, search } = location;
    const context = readContext(document, location, await readBlock(document), said);
    const kind = kindOf(context);
    const key = kind + (context.order?.token || context.search?.query || pathname + search);
    // Filters and sorting change the parameters while a question stands there: that stays.
    if (key === current || (current && kind === visit!.kind && !context.search && document.querySelector("atbalss-panel"))) return;
    leaving?.abort();
    current = key;
    tools.notes = [];
    const { signal } = (leaving = new AbortController());
    const language = chooseLanguage(document.documentElement.lang, pathname, search, lang, navigator.language);
    const about: Sent = { placement: kind, page: { url: (origin + pathname).slice(0, 2048), lang: language }, product: context.product?.id };
    const tell: Visit["tell"] = (type, more, patient) => tools.send({ id: tools.uuid(), type, at: tools.now(), ...about, ...more }, patient);
    const here: Visit = (visit = { kind, context, language, signal, pushed, questions: [], about, tell });
    const reply = (here.reply = await ask(`ask?lang=${language}&placement=${kind}`));
    if (tools.refused || signal.aborted) return;
    const questions = reply?.questions;
    for (let i = 0; questions && i < questions.length; i++) {
      if (isWhere(questions[i]!, location)) here.questions[here.questions.length] = questions[i]!;
      else tools.note(questions[i]!.question, "url");
    }
    if (reply && !here.questions.length) tools.note("", "no_page");
    const isOn = here.questions.length || isKept();
    if (!isOn && !context.search) return;
    const parts = tools.load<Parts>(context.search ? (isOn ? "found" : "search") : "rules");
    quietly(() => parts); // it may fail before anybody waits for it
    if (!tools.uuid) (await (context.search ? parts : tools.load<Parts>("sending"))).sending(tools, api);
    const { search: find, rules } = await parts;
    if (signal.aborted) return;
    if (context.search) await (here.results = find(here, tools));
    if (isOn) await rules(tools, here);
  }
});

/** Whether something of ours is kept in this browser: what is kept is looked after, wherever the visitor goes. */
function isKept(): boolean {
  try {
    return !!localStorage["atbalss"];
  } catch {
    return false;
  }
}
