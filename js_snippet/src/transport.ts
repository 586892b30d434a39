import type { Json } from "./types";
import { nothing } from "./quietly";
import { write } from "./json";

export type Sent = { [name: string]: Json };

/** Browsers let 64 KiB of keepalive requests be under way at once; the server takes 64 KiB and 50 events a request. */
const MOST_BYTES = 60000;
const MOST_EVENTS = 50;
const MOST_TRIES = 12;
const LONGEST_WAIT = 60000;
const TIME_OUT = 20000;

/**
 * Gives a function that sends events to `url`. Each event goes out at once, by a request that outlives the page.
 * What the server couldn't take (no network, 5xx, 429) is sent again, unchanged but for `sent_at`, after a growing
 * wait with jitter, or as late as Retry-After says; any other reply is final, and a refusal is handed to `refused`. When
 * the page is left, what still waits
 * goes by beacon. An event may arrive twice, never under two ids.
 */
export function transport(url: string, refused: (reply: Response) => void): (event: Sent) => void {
  let waiting: Sent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;
  let flying = 0;

  async function post(events: Sent[]): Promise<void> {
    const body = bodyOf(events);
    const size = bytes(body);
    flying += size;
    let wait: number | undefined = 0;
    try {
      const reply = await fetch(url, {
        method: "POST",
        body, // a string goes as text/plain, which needs no preflight
        mode: "cors",
        credentials: "omit",
        keepalive: flying <= MOST_BYTES,
        ...(AbortSignal.timeout ? { signal: AbortSignal.timeout(TIME_OUT) } : {}),
      });
      wait = reply.status === 429 || reply.status > 499 ? 1000 * +reply.headers.get("Retry-After")! || 0 : undefined;
      if (wait === undefined && !reply.ok) refused(reply);
    } catch {
      // no network, or a reply that never came
    }
    flying -= size;
    if (wait === undefined) {
      tries = 0;
      if (waiting.length) again(0);
    } else {
      for (let i = 0; i < events.length; i++) waiting[waiting.length] = events[i]!;
      again(wait);
    }
  }

  function again(atLeast: number): void {
    if (timer !== undefined || tries >= MOST_TRIES) return;
    const backOff = Math.min(LONGEST_WAIT, 1000 * 2 ** tries++) * (0.5 + Math.random() / 2);
    timer = setTimeout(resend, Math.max(atLeast, backOff));
  }

  function resend(): void {
    clearTimeout(timer);
    timer = undefined;
    const batch = take(waiting, 0);
    if (!batch.length) return;
    waiting = rest(waiting, batch.length);
    post(batch).catch(nothing);
  }

  function leave(): void {
    // They stay in `waiting`: the page may come back, and the server knows an event by its id.
    for (let from = 0; from < waiting.length; ) {
      const batch = take(waiting, from);
      if (!navigator.sendBeacon?.(url, bodyOf(batch))) return;
      from += batch.length;
    }
  }

  addEventListener("pagehide", leave);
  addEventListener("online", () => waiting.length && resend());
  return (event) => {
    post([event]).catch(nothing);
  };
}

function bodyOf(events: Sent[]): string {
  return write({ sent_at: new Date().toISOString(), events });
}

function bytes(text: string): number {
  return new Blob([text]).size;
}

/** From `from` on, as many events as one request may hold: one at least. */
function take(events: Sent[], from: number): Sent[] {
  const batch: Sent[] = [];
  for (let i = from, size = 100; i < events.length && batch.length < MOST_EVENTS; i++) {
    size += bytes(write(events[i])) + 1;
    if (size > MOST_BYTES && batch.length) break;
    batch[batch.length] = events[i]!;
  }
  return batch;
}

function rest(events: Sent[], from: number): Sent[] {
  const left: Sent[] = [];
  for (let i = from; i < events.length; i++) left[left.length] = events[i]!;
  return left;
}
