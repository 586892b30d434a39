/** What happens on a page that has questions: each goes its own way (ask.ts), and one at most is shown. */
import type { Rules } from "../types";
import type { Triggers } from "../triggers/triggers";
import { ask, isBesides } from "./ask";
import { remember } from "./remember";
import type { Page } from "./page";

export const rules: Rules = async (tools, visit) => {
  const { questions, context, results, signal } = visit;
  const memorize = (): Promise<void> => remember(tools, visit);
  await memorize();
  tools.bell.addEventListener("push", memorize, { signal });
  const page: Page = { visit, tools, answers: undefined, counted: await results };
  // When the server can't say, the shopper is asked: it knows a second answer to the same order.
  if (!FOUND && context.order && questions.length) page.answers = (await tools.ask("asked", context.order.token))?.answered;
  for (let i = 0; i < questions.length; i++) {
    if (isBesides(questions[i]!)) page.triggers ||= (await tools.load<{ triggers: Triggers }>("triggers")).triggers;
  }
  // All begin in one moment, so that those that are due at once come in their order.
  for (let i = 0; i < questions.length; i++) tools.quietly(() => ask(questions[i]!, page));
};
