import type { Question, QuestionType, Show } from "../types";
import type { Triggers } from "../triggers/triggers";
import type { Page } from "./page";
import { patience } from "./patience";
import { stand } from "./stand";
import { wayOf, type Way } from "./way";

/** One question on one page: its trigger, its delay, its turn, a good moment, and the panel. It may end anywhere. */
export async function ask(question: Question, page: Page): Promise<void> {
  const way = wayOf(question, page);
  if (!way.isFree()) return;
  if (isBesides(question)) await (await page.load<{ triggers: Triggers }>("triggers")).triggers(way);
  way.note("waiting_delay");
  await way.moment(patience(question, page.results) - (page.memory?.since(question.question) || 0));
  page.turn = inTurn(page.turn, way);
  await page.turn;
}

/** Those that are due come one after the other: the next one when something speaks against the one before. */
async function inTurn(before: Promise<unknown>, way: Way): Promise<void> {
  await before;
  if (way.isFree()) await bring(way);
}

/** Whether something has to happen, or to be in the page, before the question is due. */
function isBesides({ settings: { trigger, selector, inline } }: Question): boolean {
  return !!((trigger && trigger !== "load") || isMissing(selector) || isMissing(inline));
}

function isMissing(selector: unknown): boolean {
  return !!selector && !document.querySelector(selector as string);
}

/** Fetches what the question needs, and shows it at the next good moment. */
async function bring(way: Way): Promise<void> {
  const { question, page } = way;
  const panel = page.load<{ show: Show }>("panel");
  const type = page.load<{ default: QuestionType }>(question.type);
  page.tools.quietly(() => type); // it may fail before anybody waits for it
  const whole = question.texts ? question : await withTexts(question, page);
  const { show } = await panel;
  const form = (await type).default;
  const lift = await way.moment(0);
  if (whole && way.isFree()) await stand(way, whole, form, show, lift);
}

/** Questions for pages of every kind come without their texts, because most pages don't ask. */
async function withTexts({ question }: Question, { visit, tools }: Page): Promise<Question | undefined> {
  return (await tools.get(`ask?lang=${visit.language}&question=${question}`))?.questions?.[0];
}
