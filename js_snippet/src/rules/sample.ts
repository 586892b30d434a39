import { hash } from "../hash";
import type { Memory, Question, Visit } from "../types";

/** Of the searches of people that we can't recognise, one in three is asked about. */
const SEARCHES = 33;

/** Whether this page view belongs to the share that `question` is asked in. Looking again gives the same. */
export function isDrawn({ question, placement, settings }: Question, visit: Visit, memory: Memory | undefined): boolean {
  const share = (settings["sample"] as number | undefined) ?? (placement === "search" && !memory?.allowed() ? SEARCHES : 100);
  return (memory?.draw(question) ?? hash(question + "\n" + seedOf(visit)) % 100) < share;
}

/** What stands for the visitor where nothing is kept: the order, or the same words or page on the same day. */
function seedOf({ context: { order, search } }: Visit): string {
  if (!FOUND && order) return orderOf(order.token);
  return (search ? search.query.toLowerCase().normalize() : location.pathname) + "\n" + new Date().toISOString().slice(0, 10);
}

/** The order that a token is about, so that a token made anew draws the same; the token itself when it doesn't tell. */
export function orderOf(token: string): string {
  try {
    return /"order":\s*"((?:[^"\\]|\\.)*)"/.exec(atob(token.split(".")[2]!.replace(/-/g, "+").replace(/_/g, "/")))![1]!;
  } catch {
    return token;
  }
}
