import type { Memory, Question, Visit } from "../types";

/** Put in by the build: true in the file for results of a search, where no order is asked about. */
declare const FOUND: boolean;

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

/** 32 bits in which every bit of the text counts (FNV-1a, stirred as MurmurHash3 does at its end). */
export function hash(text: string): number {
  let bits = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
