/**
 * What is remembered of a visitor: a random number, and of each question how often and when it was shown and answered.
 * Kept as JSON of one fixed shape, which is read by pattern, because a page may have changed JSON.parse; whatever else
 * stands there is nothing. At most 50 questions, none for longer than the longest wave (a year at least).
 */
import { hash } from "../hash";
import type { Memory, Question, Widget } from "../types";

/** One question, as it is kept. All times are in ms since 1970, 0: never. */
export type Row = [
  question: string,
  /** how often it was shown */
  count: number,
  /** the last time it was shown */
  shown: number,
  answered: number,
  /** the delay before it is asked: when it began, and when it was last looked at */
  since: number,
  seen: number,
];
export const COUNT = 1;
export const SHOWN = 2;
export const ANSWERED = 3;
const SINCE = 4;
export const SEEN = 5;

/** As it is written. */
export interface Kept {
  v: 1;
  /** the visitor's number */
  n: number;
  /** for how many days a row is kept */
  d: number;
  /** the one that changed last is the last */
  q: Row[];
}

const MOST_ROWS = 50;
const YEAR = 365;
const HOUR = 3600000;
const DAY = 24 * HOUR;
const FORGOTTEN = HOUR / 2;
/** cool-down of the search placement, and of everything together, in hours */
const COOLDOWN = 24;

export function fresh(n: number): Kept {
  return { v: 1, n, d: YEAR, q: [] };
}

/** What `text` says; undefined when it isn't ours. Rows that are too old, or of a clock that was wrong, are left out. */
export function parse(text: string, now: number): Kept | undefined {
  const head = /^\{"v":1,"n":(\d+),"d":(\d+),"q":\[/.exec(text);
  if (!head) return undefined;
  const kept: Kept = { v: 1, n: +head[1]!, d: +head[2]!, q: [] };
  text.replace(/\["([\w.-]+)",(\d+),(\d+),(\d+),(\d+),(\d+)\]/g, (_, question, count, shown, answered, since, seen) => {
    const age = now - Math.max(shown, answered);
    if (age > -HOUR && (age < kept.d * DAY || now - seen < FORGOTTEN)) {
      kept.q[kept.q.length] = [question, +count, +shown, +answered, +since, +seen];
    }
    return "";
  });
  return kept;
}

/** The row of `question`, made if there is none; it is now the last. */
export function rowOf(kept: Kept, question: string): Row {
  const rows = kept.q;
  let row: Row = [question, 0, 0, 0, 0, 0];
  kept.q = [];
  for (let i = 0; i < rows.length; i++) {
    if (rows[i]![0] === question) row = rows[i]!;
    else if (i > rows.length - MOST_ROWS) kept.q[kept.q.length] = rows[i]!;
  }
  kept.q[kept.q.length] = row;
  return row;
}

/** The delay of `row`, in ms, which begins now unless it was looked at not long ago. */
export function delayOf(row: Row, now: number): number {
  if (now - row[SEEN] > FORGOTTEN) row[SINCE] = now;
  row[SEEN] = now;
  return now - row[SINCE];
}

/** What speaks against asking this visitor now. */
export function whyNot(kept: Kept, { question, placement, settings }: Question, widget: Widget, now: number): ReturnType<Memory["blocks"]> {
  const most = settings["most"] as number | undefined;
  const wave = settings["every_days"] as number | undefined;
  // An answer ends the wave; whether it ends the question too, the owner says.
  const once = settings["until_answered"] ?? (!wave && (placement === "page" || placement === "product"));
  const pause = (settings["cooldown_hours"] as number | undefined) ?? (placement === "search" ? COOLDOWN : 0);
  let last = 0;
  for (let i = 0; i < kept.q.length; i++) {
    const row = kept.q[i]!;
    const age = now - row[SHOWN];
    last = Math.max(last, row[SHOWN]);
    if (row[0] !== question) continue;
    if (row[COUNT] >= most!) return "cap";
    if (once && row[ANSWERED]) return "answered";
    if (age < wave! * DAY) return "wave";
    if (age < pause * HOUR) return "cooldown";
  }
  return placement !== "order" && now - last < (widget.cooldown_hours ?? COOLDOWN) * HOUR ? "cooldown_all" : undefined;
}

/** 0..99: the share of visitors that this one belongs to, for each question anew. */
export function drawOf({ n }: Kept, question: string): number {
  return hash(n + "\n" + question) % 100;
}
