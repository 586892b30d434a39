/**
 * Why a question is or isn't asked on a page: the one list. Each decision is noted under one of these by `Tools.note`;
 * the chunk `why` has a text for each.
 */
export const REASONS = [
  "shown", "no_page", "paused", "unscheduled", "refused", "unknown_shop", "unreachable",
  "url", "placement", "results", "selector", "inline_missing", "inline_room", "unsupported",
  "waiting_delay", "waiting_scroll", "waiting_exit", "waiting_idle", "waiting_event",
  "sampled", "asked", "answered", "cap", "wave", "cooldown", "cooldown_all",
  "checkout", "hidden", "typing", "dialog", "covered", "another",
] as const; // prettier-ignore

export type Reason = (typeof REASONS)[number];

/** Those that are also counted for the owner, as `question.skipped`: the question was due, and manners or a limit kept it. */
export const COUNTED = ["sampled", "cap", "wave", "cooldown", "cooldown_all", "checkout", "hidden", "typing", "dialog", "covered"] as const;
