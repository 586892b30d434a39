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
/** what becomes known later of the page `of` */
let later: { of: Visit; results?: number | undefined; done: Promise<unknown> } | undefined;

/** `visit` gives the page that is seen now. With `isShown` the box is opened, else the console gets the report. */
export async function why(tools: Tools, visit: () => Visit | undefined, isShown?: boolean): Promise<Report> {
  const words = wordsFor(navigator.languages);
  const report = (): Report => {
    const here = visit();
    learn(tools, here);
    return reportOf(tools, here, later?.results, here && shops[here.language], words);
  };
  if (isShown && !draw) {
    draw = drawBox(words, report, () => visit()?.reply?.widget?.position === "start", tools);
    tools.bell.addEventListener("note", draw);
    tools.bell.addEventListener("push", draw);
    draw();
  }
  learn(tools, visit());
  await later?.done;
  const told = report();
  if (!isShown) console.log(inLines(told));
  return told;
}

/** Begins to ask for what the report of `here` needs; the box is drawn again when it is there. */
function learn(tools: Tools, here: Visit | undefined): void {
  // Without a reply there is none to this either.
  if (!here?.reply || later?.of === here) return;
  const now: typeof later = (later = { of: here, done: Promise.resolve() });
  const { language } = here;
  const counted = here.results?.then((results) => (now.results = results)).catch(() => undefined);
  const asked = shops[language] || allQuestions(tools, language).then((reply) => reply && (shops[language] = reply));
  now.done = (async () => {
    await counted;
    await asked;
    draw?.();
  })();
}

/** Those of other pages and those that are paused too. Not by `tools.get`, which would note what goes wrong here. */
async function allQuestions({ base, shop }: Tools, language: string): Promise<Reply | undefined> {
  try {
    const reply = await fetch(`${base}v1/shops/${encodeURIComponent(shop)}/ask?lang=${language}&why=1`, {
      credentials: "omit",
      ...(AbortSignal.timeout ? { signal: AbortSignal.timeout(TIME_OUT) } : {}),
    });
    return reply.ok ? await reply.json() : undefined;
  } catch {
    return undefined;
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
