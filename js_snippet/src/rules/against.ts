import type { Question } from "../types";
import type { Reason } from "../reasons";
import { isCheckout } from "./checkout";
import type { Page } from "./page";
import { isDrawn } from "./sample";

/** Names of the question types that there are, each between commas; put in by the build. */
declare const TYPES: string;

/** What speaks against asking, whatever the moment; looked at when a page is entered and again before it is asked. */
export function against(question: Question, { visit, tools, counted, answers, isTaken }: Page): Reason | undefined {
  const { question: name, type, placement, settings } = question;
  const { memory, asked } = tools;
  const wanted = settings["results"];
  if (!TYPES.includes("," + type + ",")) return "unsupported";
  if (!tools.isWhere(question, location)) return "url";
  if (wanted === "none" ? counted !== 0 : wanted && !counted && counted !== undefined) return "results";
  for (let i = 0; !FOUND && answers && i < answers.length; i++) if (answers[i] === name) return "answered";
  if (asked[name] || (placement === "search" && asked["/search"] && !memory?.allowed())) return "asked";
  if (isTaken) return "another";
  if ((FOUND || visit.kind !== "order") && isCheckout(document, location)) return "checkout";
  return memory?.blocks(question, visit.reply!.widget || {}) || (isDrawn(question, visit, memory) ? undefined : "sampled");
}
