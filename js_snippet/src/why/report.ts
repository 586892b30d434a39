/** What there is to say of a page and of each question, as plain data in one language. Nothing is decided here. */
import type { Context, Kind, Question, Reply, Tools, Visit } from "../types";
import { patience } from "../rules/patience";
import type { Reason } from "../reasons";
import type { Said, Words } from "./words/words";

/** What `atbalss.why()` gives. Each sentence says what is the case and, where there is something, what to do. */
export interface Report {
  page: {
    address: string;
    /** what it was taken for; not there before it was looked at */
    kind?: Kind;
    query?: string;
    results?: number;
    /** the language it is asked in */
    language?: string;
    /** what holds for the whole page */
    reason?: Reason;
    sentence: string;
  };
  /** whether anything is remembered of the visitor */
  consent: { given: boolean; sentence: string };
  questions: Row[];
}

export interface Row {
  question: string;
  title: string;
  /** not there before anything was decided */
  reason?: Reason;
  sentence: string;
  /** everything that was decided, in order; the last one holds */
  steps: { reason: Reason; sentence: string }[];
}

export type State = "shown" | "waits" | "not";

const PASSING = /^(waiting_.*|selector|inline_.*|hidden|typing|dialog|covered)$/;

/** What the reason means in one word. */
export function stateOf(reason: Reason | undefined): State {
  return reason === "shown" ? "shown" : !reason || PASSING.test(reason) ? "waits" : "not";
}

/** `all`: every question of the shop, and the names of those that are paused or not on at this time, once it is known. */
export function reportOf(tools: Tools, visit: Visit | undefined, results: number | undefined, all: Reply | undefined, words: Words): Report {
  const about = decided(tools.notes, "");
  // Once refused, a page that changes without loading isn't asked about anew.
  const reason = about[about.length - 1] || (tools.refused ? (tools.refused === 404 ? "unknown_shop" : "refused") : undefined);
  const memory = tools.memory?.allowed();
  const rows: Row[] = [];
  const questions = known(visit?.reply, all);
  for (let i = 0; i < questions.length; i++) {
    const row = rowOf(questions[i]!, tools, visit, results, all, words);
    let at = rows.length;
    for (; at && rank(rows[at - 1]!) > rank(row); at--) rows[at] = rows[at - 1]!;
    rows[at] = row;
  }
  const { context, kind, language } = visit || {};
  const taken = words.page[!kind ? "looking" : kind === "search" && results === undefined ? "search_uncounted" : kind];
  let sentence = fill(taken, { query: context?.search?.query, results });
  if (reason) {
    const { host } = location;
    const isOther = reason === "refused" && tools.refused !== 403;
    const said = isOther ? words[context?.order ? "refused_order" : "refused_other"] : words.reasons[reason];
    sentence += " " + whole(said, { host, status: "" + tools.refused, key: tools.shop, server: tools.base }, words);
  }
  return {
    page: {
      address: location.href,
      ...(kind ? { kind } : {}),
      ...asFound(context, results),
      ...(language ? { language } : {}),
      ...(reason ? { reason } : {}),
      sentence,
    },
    consent: { given: !!memory, sentence: words.consent[consentOf(memory, visit)] },
    questions: rows,
  };
}

function consentOf(memory: boolean | undefined, visit: Visit | undefined): keyof Words["consent"] {
  if (memory) return "given";
  if (visit?.reply?.widget?.consent === "never") return "never";
  if ((navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl) return "gpc";
  return memory === undefined ? "none" : "not_given";
}

function rowOf(question: Question, tools: Tools, visit: Visit | undefined, results: number | undefined, all: Reply | undefined, words: Words): Row {
  const { question: name, texts } = question;
  const reasons = decided(tools.notes, name);
  const own = visit?.reply?.questions;
  if (!reasons.length) {
    if (contains(all?.paused, name)) reasons[0] = "paused";
    else if (contains(all?.unscheduled, name)) reasons[0] = "unscheduled";
    else if (own && !questionIn(own, name) && question.placement !== visit.kind && question.placement !== "page") reasons[0] = "placement";
  }
  const values = valuesOf(question, visit, results, words);
  const steps: Row["steps"] = [];
  for (let i = 0; i < reasons.length; i++) {
    const reason = reasons[i]!;
    // A wait for no time is none.
    if (reason === "waiting_delay" && !values["delay"] && reasons[i + 1]) continue;
    steps[steps.length] = { reason, sentence: whole(words.reasons[reason], values, words) };
  }
  const last = steps[steps.length - 1];
  return {
    question: name,
    title: texts?.["title"] || name,
    ...(last ? { reason: last.reason } : {}),
    sentence: last ? last.sentence : words.undecided.is,
    steps,
  };
}

type Values = { [name: string]: string | number | undefined };

/** What stands in the sentences about a question. */
function valuesOf(question: Question, visit: Visit | undefined, results: number | undefined, words: Words): Values {
  const { settings, placement, type } = question;
  const set = settings as { [name: string]: string | number | undefined };
  return {
    type,
    path: address(),
    placement: words.placements[placement as Kind] || placement,
    results: words.results[set["results"] as "none" | "some"],
    where: rulesOf(settings["where"]),
    selector: set["selector"],
    inline: set["inline"],
    event: set["event"],
    scroll: set["scroll"] ?? 50,
    idle: set["idle"] ?? 30,
    delay: patience(question, results) / 1000,
    sample: set["sample"] ?? 33,
    most: set["most"],
    every_days: set["every_days"],
    cooldown_hours: set["cooldown_hours"] ?? 24,
    pause: visit?.reply?.widget?.cooldown_hours ?? 24,
  };
}

/** Without what only we have put there. */
function address(): string {
  return location.pathname + location.search.replace(/([?&])atbalss_why=1(&|$)/, (_, before: string, after: string) => (after ? before : ""));
}

/** The rules as the owner wrote them: `contains /sale, not is /sale/old`. */
function rulesOf(where: unknown): string {
  let text = "";
  const rules = where as { [word: string]: string | boolean }[] | undefined;
  for (let i = 0; rules && i < rules.length; i++) {
    const rule = rules[i]!;
    const word = typeof rule["is"] === "string" ? "is" : typeof rule["contains"] === "string" ? "contains" : "like";
    text += (i ? ", " : "") + (rule["not"] ? "not " : "") + word + " " + rule[word];
  }
  return text;
}

/** One sentence after the other. */
function whole({ is, todo }: Said, values: Values, words: Words): string {
  return fill(todo ? is + " " + todo : is, values, words.tag);
}

/** `text` with what stands for {name}; unknown names stay empty. */
export function fill(text: string, values: Values, tag?: string): string {
  return text.replace(/\{([a-z_]+)\}/g, (_, name: string) => {
    const value = values[name];
    return typeof value === "number" ? value.toLocaleString(tag) : (value ?? "");
  });
}

/** The reasons noted about `question`, each change once. */
function decided(notes: Tools["notes"], question: string): Reason[] {
  const reasons: Reason[] = [];
  for (let i = 0; i < notes.length; i++) {
    const note = notes[i]!;
    if (note[0] === question && note[1] !== reasons[reasons.length - 1]) reasons[reasons.length] = note[1];
  }
  return reasons;
}

/** The questions of this page's reply, then all others, and those that rest by their names. */
function known(own: Reply | undefined, all: Reply | undefined): Question[] {
  const found: Question[] = [];
  const add = (question: Question): void => {
    const before = questionIn(found, question.question);
    if (!before) found[found.length] = question;
    else if (!before.texts) before.texts = question.texts;
  };
  for (let i = 0; own?.questions && i < own.questions.length; i++) add({ ...own.questions[i]! });
  for (let i = 0; all?.questions && i < all.questions.length; i++) add(all.questions[i]!);
  const addResting = (names: string[] | undefined): void => {
    for (let i = 0; names && i < names.length; i++) {
      add({ question: names[i]!, version: 0, type: "", placement: "", settings: {}, texts: {} });
    }
  };
  addResting(all?.paused);
  addResting(all?.unscheduled);
  return found;
}

function questionIn(list: Question[], name: string): Question | undefined {
  for (let i = 0; i < list.length; i++) if (list[i]!.question === name) return list[i];
  return undefined;
}

function contains(list: string[] | undefined, wanted: string): boolean {
  for (let i = 0; list && i < list.length; i++) if (list[i] === wanted) return true;
  return false;
}

/** What was decided on this page comes first, then what isn't decided yet, then what has nothing to do with it. */
function rank({ reason }: Row): number {
  return !reason ? 1 : reason === "placement" ? 2 : reason === "paused" || reason === "unscheduled" ? 3 : 0;
}

function asFound(context: Context | undefined, results: number | undefined): { query?: string; results?: number } {
  const query = context?.search?.query;
  return { ...(query ? { query } : {}), ...(results === undefined ? {} : { results }) };
}
