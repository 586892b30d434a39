/** What an owner reads about every reason: all there, in every language, and every reason really given by the code. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { REASONS, type Reason } from "../src/reasons";
import type { Question, Reply, Tools, Visit } from "../src/types";
import { fill, reportOf, stateOf } from "../src/why/report";
import { WORDS, wordsFor } from "../src/why/words/all";
import { en } from "../src/why/words/en";

const LANGUAGES = ["lv", "lt", "et", "ru", "en"];

/** Every text by its path, as "reasons.url.is". */
function leaves(tree: object, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(tree)) {
    if (typeof value === "string") found.set(path + name, value);
    else for (const [below, text] of leaves(value, path + name + ".")) found.set(below, text);
  }
  return found;
}

const marks = (text: string): string[] => (text.match(/\{[a-z_]+\}|`[^`]*`/g) ?? []).sort();

test("the table has every reason and no other, in the five languages", () => {
  assert.deepEqual(Object.keys(WORDS).sort(), [...LANGUAGES].sort());
  for (const [language, words] of Object.entries(WORDS)) {
    assert.deepEqual(Object.keys(words.reasons).sort(), [...REASONS].sort(), language);
  }
});

test("each language says all that the others say, with the same to be put in and the same settings named", () => {
  const wanted = leaves(en);
  for (const [language, words] of Object.entries(WORDS)) {
    const texts = leaves(words);
    assert.deepEqual([...texts.keys()].sort(), [...wanted.keys()].sort(), language);
    for (const [path, text] of texts) {
      assert.deepEqual(marks(text), marks(wanted.get(path)!), `${language} ${path}`);
      assert.ok(text.trim() === text && text.length > 0, `${language} ${path}`);
      if (language !== "en" && path !== "tag" && !/^\{\w+\}$/.test(text)) assert.notEqual(text, wanted.get(path), `${language} ${path}`);
      if (/^(reasons|page|consent|undecided|refused_order)|only_you/.test(path)) assert.match(text, /\.$/, `${language} ${path}`);
    }
    assert.equal(words.tag, language);
  }
});

test("every letter belongs to its language", () => {
  const letters: { [language: string]: RegExp } = {
    lv: /^[a-pr-vzāčēģīķļņšūž]+$/i,
    lt: /^[a-pr-vyząčęėįšųūž]+$/i,
    et: /^[a-pr-vyzõäöüšž]+$/i,
    ru: /^[а-яё]+$/i,
  };
  const names = /atbals\w*|global privacy control|csp|cookie/gi;
  for (const [language, alphabet] of Object.entries(letters)) {
    for (const [path, text] of leaves(WORDS[language]!)) {
      if (path === "tag") continue;
      const words = text.replace(/`[^`]*`|\{[a-z_]+\}/g, " ").replace(names, " ").match(/\p{L}+/gu) ?? [];
      assert.deepEqual(words.filter((word) => !alphabet.test(word)), [], `${language} ${path}`);
    }
  }
});

/** The sources that decide, without the list itself and the texts. */
function sources(folder: string): string {
  let all = "";
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) all += entry.name === "words" ? "" : sources(path);
    else if (/\.ts$/.test(entry.name) && !/^(reasons|types)\.ts$/.test(entry.name)) all += readFileSync(path, "utf8").replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
  }
  return all;
}

test("every reason of the list is given somewhere", () => {
  const code = sources("src");
  assert.deepEqual(REASONS.filter((reason) => !code.includes(`"${reason}"`)), []);
});

// --- the report

const question = (name: string, more: Partial<Question> = {}): Question => ({
  question: name,
  version: 1,
  type: "yes_no",
  placement: "search",
  settings: {},
  texts: { title: `${name}?` },
  ...more,
});

Object.defineProperty(globalThis, "location", {
  value: { href: "https://shop.example/a?q=b", host: "shop.example", pathname: "/a", search: "?q=b" },
});

// Older Nodes have none.
if (!("navigator" in globalThis)) Object.defineProperty(globalThis, "navigator", { value: {} });

interface Case {
  notes?: [string, Reason][];
  own?: Reply;
  all?: Reply;
  visit?: Partial<Visit>;
  refused?: number;
  results?: number;
  words?: typeof en;
}

function report({ notes = [], own, all, visit, refused, results, words = en }: Case) {
  const tools = { base: "https://ours.example/", shop: "pk_1", notes, refused } as unknown as Tools;
  const here = { kind: "search", language: "en", context: { search: { query: "b" } }, reply: own, questions: [], ...visit } as unknown as Visit;
  return reportOf(tools, here, results, all, words);
}

test("a question without a note of its own is paused, or for another place, or not decided", () => {
  const { questions } = report({
    own: { lang: "en", questions: [question("mine")] },
    all: { lang: "en", questions: [question("theirs", { placement: "order" }), question("mine")], paused: ["rests"], unscheduled: ["later"] },
  });
  assert.deepEqual(
    questions.map(({ question, reason }) => [question, reason]),
    [["mine", undefined], ["theirs", "placement"], ["rests", "paused"], ["later", "unscheduled"]],
  );
  assert.equal(questions[0]!.sentence, "Nothing has been decided about this question yet.");
  assert.match(questions[1]!.sentence, /another place: order confirmation\./);
});

test("before the page's own questions are known none is called one of another place", () => {
  const { questions } = report({ all: { lang: "en", questions: [question("theirs", { placement: "order" })] } });
  assert.equal(questions[0]!.reason, undefined);
});

test("the last note counts, each change is a step, and what was decided on comes first", () => {
  const own = { lang: "en", questions: [question("a"), question("b", { settings: { delay: 2.5 } })] };
  const { questions } = report({ own, notes: [["b", "waiting_delay"], ["b", "typing"], ["b", "typing"], ["b", "shown"]] });
  assert.deepEqual(questions[0], {
    question: "b",
    title: "b?",
    reason: "shown",
    sentence: "The question was shown on this page.",
    steps: [
      { reason: "waiting_delay", sentence: "The question comes in a moment: it waits for 2.5 s. The setting `delay` changes that." },
      { reason: "typing", sentence: en.reasons.typing.is + " " + en.reasons.typing.todo },
      { reason: "shown", sentence: "The question was shown on this page." },
    ],
  });
});

test("texts that the page's reply spared come from the whole list", () => {
  const own = { lang: "en", questions: [{ ...question("a", { placement: "page" }), texts: undefined as unknown as Question["texts"] }] };
  assert.equal(report({ own }).questions[0]!.title, "a");
  assert.equal(report({ own, all: { lang: "en", questions: [question("a")] } }).questions[0]!.title, "a?");
});

test("nothing is left open in any sentence about a question that has every setting", () => {
  const settings = {
    results: "none", where: [{ contains: "/x" }, { is: "/y", not: true }, { like: "/z/*" }], selector: "#s", inline: "#i", event: "e",
    scroll: 20, idle: 10, delay: 3, sample: 5, most: 2, every_days: 90, cooldown_hours: 12,
  }; // prettier-ignore
  for (const words of Object.values(WORDS)) {
    for (const reason of REASONS) {
      const row = report({ words, notes: [["a", reason]], own: { lang: "en", questions: [question("a", { settings })] } }).questions[0]!;
      const about = report({ words, notes: [["", reason]], refused: 403 }).page;
      const onPage = ["no_page", "refused", "unknown_shop", "unreachable"].includes(reason);
      const { sentence } = onPage ? about : row;
      assert.doesNotMatch(sentence, /undefined|\{[a-z_]+\}|: \.|“”|„“|„”|«»|  | ,|\( ?%?\)/, `${words.tag} ${reason}`);
    }
  }
  const where = report({ notes: [["a", "url"]], own: { lang: "en", questions: [question("a", { settings })] } }).questions[0]!;
  assert.match(where.sentence, /contains \/x, not is \/y, like \/z\/\*/);
});

test("what the page was taken for", () => {
  assert.match(report({ results: 12 }).page.sentence, /search for “b”\. Number of results: 12\./);
  assert.match(report({}).page.sentence, /could not be read/);
  assert.match(report({ visit: { kind: "product", context: {} } }).page.sentence, /page of a product/);
  assert.equal(reportOf({ notes: [] } as unknown as Tools, undefined, undefined, undefined, en).page.sentence, "The page is being looked at.");
});

test("a page of another shop and an order that proves nothing are refused in different words", () => {
  assert.match(report({ notes: [["", "refused"]], refused: 403 }).page.sentence, /shop\.example is not among the shop's domains/);
  const order = { kind: "order", context: { order: { token: "t" } } } as Partial<Visit>;
  assert.match(report({ notes: [["", "refused"]], refused: 422, visit: order }).page.sentence, /order token/);
  assert.match(report({ notes: [["", "refused"]], refused: 403, visit: order }).page.sentence, /domains/);
  assert.match(report({ notes: [["", "refused"]], refused: 415 }).page.sentence, /\(status 415\)/);
  assert.equal(report({ refused: 403 }).page.reason, "refused");
  assert.equal(report({ refused: 404 }).page.reason, "unknown_shop");
});

test("the owner's language: the first of the browser's that there are words for", () => {
  assert.equal(wordsFor(["de-DE", "lt-LT", "en"]).tag, "lt");
  assert.equal(wordsFor(["ru"]).tag, "ru");
  assert.equal(wordsFor(["fi", "de"]).tag, "en");
  assert.equal(wordsFor([]).tag, "en");
});

test("numbers are written as the language writes them, and what stands in a text is only put in once", () => {
  assert.equal(fill("{delay} s", { delay: 1.5 }, "lv"), "1,5 s");
  assert.equal(fill("“{query}”", { query: "{results} $& $1" }), "“{results} $& $1”");
});

test("a reason that may pass is no refusal", () => {
  assert.deepEqual(["shown", "waiting_scroll", "typing", "selector", undefined].map((r) => stateOf(r as Reason)), ["shown", "waits", "waits", "waits", "waits"]);
  assert.deepEqual(["sampled", "cap", "url", "placement", "checkout"].map((r) => stateOf(r as Reason)), ["not", "not", "not", "not", "not"]);
});
