/**
 * What is remembered of a visitor who allows it: how often and when each question was asked, the visitor's draw for
 * samples, how long a delay has run, and answers on their way. All of it is in keys of localStorage that begin with our
 * name. Before there is consent nothing is used and nothing is written; when it is taken back, all of them are gone in
 * the same moment.
 */
import type { Json, Keeper, MakeMemory } from "../types";
import { nothing } from "../quietly";
import { ANSWERED, COUNT, delayOf, drawOf, fresh, parse, rowOf, SEEN, SHOWN, whyNot, type Kept, type Row } from "./caps";
import { consent } from "./consent";
import type { Queue } from "./queue";
import { keysOf, put, read } from "./store";

const KEY = "atbalss";
/** begins the keys of events */
const QUEUE = "atbalss-";

export const memory: MakeMemory = (tools, widget, told) => {
  const { bell, quietly, write } = tools;
  /** in place of what is kept, until the page is left */
  const unkept = fresh(0);
  let isOn = false;
  /** Somebody took our key away while we used it, as another tab does when the shopper withdraws there. */
  let isLost = false;
  let longest = 0;
  let loading: Promise<Queue> | undefined;
  let events: Queue | undefined;
  const keeper: Keeper = { keep: (sent) => look() && events!.keep(sent), done: (sent) => events!.done(sent) };
  const said = consent(tools, widget, told, () => quietly(look));
  addEventListener("pagehide", () => isOn && events?.letGo());
  look();

  return {
    allowed: () => !!look(),
    draw(question) {
      const kept = look();
      return kept && drawOf(kept, question);
    },
    blocks(question, settings) {
      const kept = look();
      longest = Math.max(longest, (question.settings["every_days"] as number) || 0);
      return kept && whyNot(kept, question, settings, Date.now());
    },
    shown(question) {
      change(question, (row, now) => {
        row[COUNT]++;
        row[SHOWN] = now;
        row[SEEN] = 0;
      });
      if (isOn) withQueue(nothing); // an answer may follow
    },
    answered(question) {
      change(question, (row, now) => (row[ANSWERED] = now));
    },
    since: (question) => change(question, delayOf),
  };

  function change<T>(question: string, work: (row: Row, now: number) => T): T {
    const kept = look() || unkept;
    const result = work(rowOf(kept, question), Date.now());
    save(kept);
    return result;
  }

  /** What is kept, if anything may be. Acts on what has changed: begins, pauses, or deletes everything. */
  function look(): Kept | undefined {
    const may = said();
    const text = read(KEY);
    isLost = may === true && !text && (isLost || isOn);
    const kept = may === true && !isLost ? parse(text, Date.now()) || begin() : undefined;
    if (may === false && text) {
      const keys = keysOf(KEY);
      const texts: string[] = [];
      for (let i = 0; i < keys.length; i++) {
        texts[i] = read(keys[i]!);
        put(keys[i]!, "");
      }
      if (texts[1]) withQueue((queue) => queue.sendLast(texts));
    }
    if (isOn !== !!kept) {
      isOn = !!kept;
      tools.keeper = kept && events && keeper;
      if (kept && keysOf(QUEUE)[0]) withQueue((queue) => queue.resend());
      bell.dispatchEvent(new Event("note"));
    }
    return kept;
  }

  /** Most visitors send nothing that must be kept. */
  function withQueue(work: (queue: Queue) => void): void {
    loading ||= tools.load<typeof import("./queue")>("queue").then(({ queue }) => {
      events = queue(tools, QUEUE);
      tools.keeper = isOn ? keeper : undefined;
      return events;
    });
    quietly(() => loading!.then(work));
  }

  function begin(): Kept | undefined {
    const kept = fresh(crypto.getRandomValues(new Uint32Array(1))[0]!);
    return save(kept) ? kept : undefined;
  }

  function save(kept: Kept): boolean {
    if (kept === unkept) return false;
    kept.d = Math.max(kept.d, longest);
    return put(KEY, write(kept as unknown as Json));
  }
};
