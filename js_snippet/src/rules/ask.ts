import type { Question, QuestionType } from "../types";
import type { stand as Stand } from "../stand/stand";
import { looked } from "./manners";
import type { Page } from "./page";
import { patience } from "./patience";
import { remember } from "./remember";
import { wayOf, type Way } from "./way";

/** One question on one page: its trigger, its delay, its turn, a good moment, and the panel. It may end anywhere. */
export async function ask(question: Question, page: Page): Promise<void> {
  const way = wayOf(question, page);
  if (!way.isFree()) return;
  if (isBesides(question)) await page.triggers!(way);
  way.note("waiting_delay");
  await looked(patience(question, page.counted) - (page.tools.memory?.since(question.question) || 0), way);
  await way.calm();
  // Those that are due come one after the other: the next one when something speaks against the one before.
  await (page.turn = inTurn(page.turn, way));
}

async function inTurn(before: Promise<void> | undefined, way: Way): Promise<void> {
  const { tools, visit } = way.page;
  await tools.quietly(() => before); // what went wrong with one is no matter of the next
  await remember(tools, visit); // consent may have been given meanwhile
  if (way.isFree()) await bring(way);
}

/** Whether something has to happen, or to be in the page, before the question is due. */
export function isBesides({ settings: { trigger, selector, inline } }: Question): boolean {
  return !!((trigger && trigger !== "load") || isMissing(selector) || isMissing(inline));
}

function isMissing(selector: unknown): boolean {
  try {
    return !!selector && !document.querySelector(selector as string);
  } catch {
    return true; // no selector at all is this question's fault, and no matter of the others
  }
}

/** Fetches what the question needs, and shows it. */
async function bring(way: Way): Promise<void> {
  const { question, page } = way;
  const { tools, visit } = page;
  const panel = tools.load<{ stand: typeof Stand }>("panel");
  const type = tools.load<{ default: QuestionType }>(question.type);
  tools.quietly(() => type); // it may fail before anybody waits for it
  // Questions for pages of every kind come without their texts, because most pages don't ask.
  const whole = question.texts ? question : (await tools.ask(`ask?lang=${visit.language}&question=${question.question}`))?.questions?.[0];
  const { stand } = await panel;
  const form = (await type).default;
  if (whole) await stand(way, whole, form);
}
