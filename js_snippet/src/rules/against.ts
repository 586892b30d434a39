import type { Question } from "../types";
import type { Reason } from "../reasons";
import { isCheckout } from "./checkout";
import type { Page } from "./page";
import { isDrawn } from "./sample";

/** `isCounted`: the owner is told that this kept a question that was for this page. */
export interface Against {
  why: Reason;
  isCounted?: boolean;
}

/** What speaks against asking, whatever the moment; looked at when a page is entered and again before it is asked. */
export function against(question: Question, { visit, tools, memory, results, answered, asked, isTaken, has }: Page): Against | undefined {
  const { question: name, type, placement, settings } = question;
  const wanted = settings["results"];
  const plain = (isSo: unknown, why: Reason): Against | undefined => (isSo ? { why } : undefined);
  const counted = (why: Reason | undefined): Against | undefined => why && { why, isCounted: why !== "answered" };
  return (
    plain(!has(type), "unsupported") ||
    plain(!tools.isWhere(question, location), "url") ||
    plain((wanted === "none" && results !== 0) || (wanted === "some" && results === 0), "results") ||
    plain(contains(answered, name), "answered") ||
    plain(asked[name] || (placement === "search" && !memory?.allowed() && asked["/search"]), "asked") ||
    plain(isTaken, "another") ||
    counted(visit.kind !== "order" && isCheckout(document, location) ? "checkout" : undefined) ||
    counted(memory?.blocks(question, visit.reply!.widget || {})) ||
    counted(isDrawn(question, visit, memory) ? undefined : "sampled")
  );
}

function contains(list: string[] | undefined, wanted: string): boolean {
  for (let i = 0; list && i < list.length; i++) if (list[i] === wanted) return true;
  return false;
}
