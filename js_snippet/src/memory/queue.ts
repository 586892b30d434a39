/**
 * Events that the server has yet to confirm, kept over page loads: at most 100, for 7 days, the oldest dropped first.
 * An answer is kept before it is sent, anything else once it could not be sent. The page that keeps an event has hold of
 * it for as long as it tries; what nobody has hold of is taken over by the next page view, by one tab alone.
 *
 * Each event has a key of its own, so that tabs don't write over one another: until when others leave it alone, when it
 * was kept, and the event as JSON. Whatever doesn't look like that is dropped.
 */
import type { Keeper, Sent, Tools } from "../types";
import { keysOf, put, read } from "./store";

export interface Queue extends Keeper {
  /** Sends what nobody has hold of. */
  resend(): void;
  /** This page goes: what it couldn't send is left to the next one, the later the older it is. */
  letGo(): void;
  /** Nothing is kept any more. Of what was, that is sent once from memory which nobody has hold of. */
  sendLast(texts: string[]): void;
}

/** One kept event. */
interface Line {
  key: string;
  until: number;
  at: number;
  json: string;
}

const MOST = 100;
const LONGEST = 7 * 86400000;
/** Longer than a page tries. One that crashed has let go after this, ms. */
const HOLD = 600000;
/** What a page leaves rests for half its age, no longer than this, ms. */
const LONGEST_REST = 900000;
/** A request has room for these, whatever they say. */
const TOGETHER = 10;

/** `prefix` begins the keys. */
export function queue({ quietly, send, write }: Tools, prefix: string): Queue {
  /** the keys of what this page has hold of, or tried to send */
  const mine: { [key: string]: boolean } = {};
  let isLeft = false;
  addEventListener("pageshow", () => (isLeft = false)); // a page may come back as it was

  return {
    keep(events) {
      for (let i = 0; i < events.length; i++) {
        const key = prefix + events[i]!["id"];
        const line = lineOf(key, read(key));
        if (line) hold(line);
        else if (mine[key] || events[i]!["type"] === "answer.given") hold({ key, until: 0, at: Date.now(), json: write(events[i]) });
        mine[key] = true;
        dropOldest(load());
      }
    },
    done(events) {
      for (let i = 0; i < events.length; i++) put(prefix + events[i]!["id"], "");
    },
    resend() {
      const act = (): Promise<void> => sendFree(load(), hold);
      quietly(() => (navigator.locks ? navigator.locks.request("atbalss", act) : act()));
    },
    letGo() {
      isLeft = true; // what is tried while the page goes isn't held either
      for (const key in mine) {
        const line = lineOf(key, read(key));
        if (line) hold(line);
      }
    },
    sendLast(texts) {
      const lines: Line[] = [];
      for (let i = 0; i < texts.length; i++) {
        const line = lineOf("", texts[i]!);
        if (line) lines[lines.length] = line;
      }
      quietly(() => sendFree(lines, () => {}));
    },
  };

  function load(): Line[] {
    const keys = keysOf(prefix);
    const lines: Line[] = [];
    for (let i = 0; i < keys.length; i++) {
      const line = lineOf(keys[i]!, read(keys[i]!));
      if (line) lines[lines.length] = line;
      else put(keys[i]!, "");
    }
    return lines;
  }

  function hold({ key, at, json }: Line): void {
    const now = Date.now();
    const rest = Math.floor(Math.min(LONGEST_REST, (now - at) / 2) * (0.5 + Math.random() / 2));
    put(key, `${now + (isLeft ? rest : HOLD)} ${at} ${json}`);
    mine[key] = true;
  }

  async function sendFree(lines: Line[], take: (line: Line) => void): Promise<void> {
    let free = "";
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      if (line.until > Date.now()) continue;
      take(line);
      free += (free && ",") + line.json;
    }
    // Read as a reply would be, because a page may have changed JSON.parse.
    const events = (await new Response("[" + free + "]").json()) as Sent[];
    for (let i = 1; i <= events.length; i++) send(events[i - 1]!, i < events.length && i % TOGETHER > 0);
  }
}

function lineOf(key: string, text: string): Line | undefined {
  const found = /^(\d+) (\d+) (\{[^]+)/.exec(text);
  return found && Math.abs(Date.now() - +found[2]!) < LONGEST
    ? { key, until: +found[1]!, at: +found[2]!, json: found[3]! }
    : undefined;
}

function dropOldest(lines: Line[]): void {
  let oldest = lines[0];
  for (let i = 1; i < lines.length; i++) if (lines[i]!.at < oldest!.at) oldest = lines[i];
  if (lines.length > MOST) put(oldest!.key, "");
}
