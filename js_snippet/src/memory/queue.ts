/**
 * Events that the server has yet to confirm, kept over page loads: at most 100, for 7 days, the oldest dropped first.
 * An answer is kept before it is sent, anything else once it could not be sent. The page that keeps an event has hold of
 * it for as long as it tries; what nobody has hold of is taken over by the next page view, by one tab alone.
 *
 * One line is one event: until when others leave it alone, when it was kept, and the event as JSON. Whatever doesn't
 * look like that is dropped.
 */
import type { Keeper, Sent, Tools } from "../types";
import { nothing } from "../quietly";
import { put, read } from "./store";

export interface Queue extends Keeper {
  /** Sends what nobody has hold of. */
  resend(): void;
  /** This page goes: what it couldn't send is left to the next one, the later the older it is. */
  letGo(): void;
  /** Nothing is kept any more, `text` is what was: what nobody has hold of is sent once from memory. */
  sendLast(text: string): void;
}

/** Gives the new `until` of a line, undefined to take it out. */
type Change = (id: string, until: number, at: number, json: string) => number | undefined;

const KEY = "atbalss-queue";
const LINE = /(\d+) (\d+) (\{"id":"([^"]+)[^\n]*)\n/g;
const MOST = 100;
const LONGEST = 7 * 86400000;
/** Longer than a page tries. One that crashed has let go after this, ms. */
const HOLD = 600000;
const LONGEST_REST = 900000;
/** A request has room for these, whatever they say. */
const TOGETHER = 10;

export function queue({ quietly, send, write }: Tools): Queue {
  /** the events that this page has hold of, or sent before */
  const mine: { [id: string]: boolean } = {};

  return {
    keep(events) {
      let text = read(KEY);
      for (let i = 0; i < events.length; i++) {
        const id = events[i]!["id"] as string;
        if ((mine[id] || events[i]!["type"] === "answer.given") && text.indexOf(id) < 0) text += `0 ${Date.now()} ${write(events[i])}\n`;
        mine[id] = true;
      }
      put(KEY, changed(text, (id, until) => (mine[id] ? Date.now() + HOLD : until)));
    },
    done(events) {
      const gone: { [id: string]: boolean } = {};
      for (let i = 0; i < events.length; i++) gone[events[i]!["id"] as string] = true;
      put(KEY, changed(read(KEY), (id, until) => (gone[id] ? undefined : until)));
    },
    resend() {
      const act = (): Promise<void> => sendFree(read(KEY), (rest) => put(KEY, rest));
      quietly(() => (navigator.locks ? navigator.locks.request("atbalss", act) : act()));
    },
    letGo() {
      const now = Date.now();
      const rest = (at: number): number => Math.floor(Math.min(LONGEST_REST, (now - at) / 2) * (0.5 + Math.random() / 2));
      put(KEY, changed(read(KEY), (id, until, at) => (mine[id] ? now + rest(at) : until)));
    },
    sendLast: (text) => quietly(() => sendFree(text, nothing)),
  };

  /** Takes hold of what is free in `text` and sends it; `save` gets the text as it is then. */
  async function sendFree(text: string, save: (text: string) => void): Promise<void> {
    const now = Date.now();
    let free = "";
    const held = changed(text, (id, until, _, json) => {
      if (until > now) return until;
      free += (free && ",") + json;
      mine[id] = true;
      return now + HOLD;
    });
    save(held);
    // Read as a reply would be, because a page may have changed JSON.parse.
    const events = (await new Response("[" + free + "]").json()) as Sent[];
    for (let i = 1; i <= events.length; i++) send(events[i - 1]!, i < events.length && i % TOGETHER > 0);
  }
}

function changed(text: string, to: Change): string {
  const now = Date.now();
  let tooMany = text.split("\n").length - 1 - MOST;
  let lines = "";
  text.replace(LINE, (_, until, at, json, id) => {
    const then = tooMany-- > 0 || Math.abs(now - at) > LONGEST ? undefined : to(id, +until, +at, json);
    if (then !== undefined) lines += `${then} ${at} ${json}\n`;
    return "";
  });
  return lines;
}
