import type { Question } from "../types";

/** How long a page is left in peace before it is asked about, in ms, counted from the trigger. */
export function patience({ settings, placement }: Question, results: number | undefined): number {
  const { delay, trigger } = settings;
  if (typeof delay === "number") return delay * 1000;
  // Who leaves doesn't wait, and who scrolled has looked.
  if (trigger && trigger !== "load") return 0;
  if (!FOUND && placement === "order") return 1000;
  return placement === "search" ? (results === 0 ? 1500 : 4000) : 2000;
}
