/**
 * Tells the owner of a shop, in the language of the owner's browser, what was decided on this page and why: as data and
 * in the console, and on wish in a box on the page that follows what happens. Loaded only when asked for; of what it
 * shows nothing is sent.
 */
import type { Reply, Tools, Visit } from "../types";
import { drawBox } from "./box";
import { reportOf, type Report } from "./report";
import { wordsFor } from "./words/all";

export type { Report };

const TIME_OUT = 5000;

/** Draws the box anew; undefined while there is none. */
let draw: (() => void) | undefined;
/** every question of the shop, by the language of the page */
const shops: { [language: string]: Reply } = {};
/** what becomes known later of a page */
let later: { of?: Visit; counting?: Promise<unknown>; results?: number | undefined; asking?: Promise<unknown> } = {};

/** `visit` gives the page that is seen now. With `isShown` the box is opened, else the console gets the report. */
export async function why(tools: Tools, visit: () => Visit | undefined, isShown?: boolean): Promise<Report> {
  const words = wordsFor(navigator.languages);
  const report = (): Report => {
    const here = visit();
    learn(tools, here);
    return reportOf(tools, here, later.results, here && shops[here.language], words);
  };
  if (isShown && !draw) {
    draw = drawBox(words, report, () => visit()?.reply?.widget?.position === "start", tools);
    tools.bell.addEventListener("note", draw);
    tools.bell.addEventListener("push", draw);
    draw();
  }
  learn(tools, visit());
  await later.counting;
  await later.asking;
  const told = report();
  if (!isShown) console.log(inLines(told));
  return told;
}

/** Begins to find out what the report of `here` needs; the box is drawn again when it is there. */
function learn(tools: Tools, here: Visit | undefined): void {
  if (later.of !== here) later = here ? { of: here } : {};
  const now = later;
  if (here?.results) {
    now.counting ??= here.results
      .then((results) => (now.results = results))
      .catch(() => undefined)
      .then(() => draw?.());
  }
  // Where the page got no reply there is none to this either.
  if (here?.reply) now.asking ??= askAll(tools, here.language).then(() => draw?.());
}

/** Those of other pages and those that rest too. Not by `tools.get`, which would note what goes wrong here. */
async function askAll({ base, shop }: Tools, language: string): Promise<void> {
  if (shops[language]) return;
  try {
    const reply = await fetch(`${base}v1/shops/${encodeURIComponent(shop)}/ask?lang=${language}&why=1`, {
      credentials: "omit",
      ...(AbortSignal.timeout ? { signal: AbortSignal.timeout(TIME_OUT) } : {}),
    });
    if (reply.ok) shops[language] = await reply.json();
  } catch {
    // then it is told what the page's own reply has
  }
}

function inLines({ page, consent, questions }: Report): string {
  let text = "Atbalss\n" + page.sentence + "\n" + consent.sentence;
  for (let i = 0; i < questions.length; i++) {
    const { question, reason, sentence } = questions[i]!;
    text += `\n${question}${reason ? ` (${reason})` : ""}: ${sentence}`;
  }
  return text;
}
