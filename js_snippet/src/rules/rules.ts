/** What happens on a page that has questions: each goes its own way (ask.ts), and one at most is shown. */
import type { Rules } from "../types";
import { ask } from "./ask";
import { memories } from "./memories";
import type { Page } from "./page";

/** The hash in each chunk's file name, put in by the build: of "panel", "triggers", "memory" and of every question type. */
declare const CHUNKS: { [name: string]: string };

export const rules: Rules = (tools) => {
  const has = (chunk: string): boolean => typeof CHUNKS[chunk] === "string";
  const load = <T>(chunk: string): Promise<T> => tools.load<T>(`${chunk}-${CHUNKS[chunk]}.js`);
  const remembered = memories(tools, has, load);
  const asked: Page["asked"] = {};

  return async (visit) => {
    const { questions, context, reply } = visit;
    const memory = await remembered(reply!.widget || {});
    // When the server can't say, the shopper is asked: it knows a second answer to the same order.
    const answered = context.order && (await tools.get("asked", context.order.token))?.answered;
    const results = await visit.results;
    const page: Page = { visit, tools, memory, results, answered, asked, isTaken: false, turn: Promise.resolve(), has, load };
    for (let i = 0; i < questions.length; i++) tools.quietly(() => ask(questions[i]!, page));
  };
};
