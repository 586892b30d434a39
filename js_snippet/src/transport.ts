import type { Sent, Tools } from "./types";
import { refuse } from "./ask";
import { write } from "./json";
import { quietly } from "./quietly";

/** Browsers let 64 KiB and 15 keepalive requests be under way at once; the server takes 64 KiB and 50 events a request. */
const MOST_BYTES = 60000;
const MOST_REQUESTS = 15;
const MOST_EVENTS = 50;
const MOST_TRIES = 12;
const LONGEST_WAIT = 60000;
const TIME_OUT = 20000;
/** How long an event that is patient waits for company. */
const COMPANY = 800;

/**
 * Gives a function that sends events to `url`. Each event goes out at once, by a request that outlives the page; one
 * that is patient goes with the next, or soon after. What the server couldn't take (no network, 5xx, 429) is sent again,
 * unchanged but for `sent_at`, after a growing wait with jitter, or as late as Retry-After says; any other reply is
 * final. When the page is left or hidden, what still waits goes by beacon. An event may arrive twice, never under two
 * ids.
 */
export function transport(url: string, tools: Tools): Tools["send"] {
  /** new ones that still look for company */
  let fresh: Sent[] = [];
  let company: ReturnType<typeof setTimeout> | undefined;
  /** those that the server couldn't take */
  let waiting: Sent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;
  let flying = 0;
  let requests = 0;

  async function post(events: Sent[]): Promise<void> {
    const body = bodyOf(events);
    const size = bytes(body);
    let wait = -1;
    flying += size;
    requests++;
    tools.keeper?.keep(events);
    try {
      const reply = await fetch(url, {
        method: "POST",
        body, // a string goes as text/plain, which needs no preflight
        mode: "cors",
        credentials: "omit",
        keepalive: flying <= MOST_BYTES && requests < MOST_REQUESTS,
        ...(AbortSignal.timeout ? { signal: AbortSignal.timeout(TIME_OUT) } : {}),
      });
      const { status } = reply;
      if (status === 429 || status > 499) wait = 1000 * +reply.headers.get("Retry-After")! || 0;
      else if (!reply.ok) refuse(reply, tools);
    } catch {
      wait = 0; // no network, or a reply that never came
    }
    flying -= size;
    requests--;
    if (wait < 0) {
      tries = 0;
      tools.keeper?.done(events);
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
    quietly(() => post(batch));
  }

  function go(): void {
    clearTimeout(company);
    company = undefined;
    const batch = fresh;
    fresh = [];
    if (batch.length) quietly(() => post(batch));
  }

  function leave(): void {
    go();
    // They stay in `waiting`: the page may come back, and the server knows an event by its id.
    for (let from = 0; from < waiting.length; ) {
      const batch = take(waiting, from);
      if (!navigator.sendBeacon?.(url, bodyOf(batch))) return;
      from += batch.length;
    }
  }

  addEventListener("pagehide", leave);
  addEventListener("visibilitychange", () => document.hidden && leave());
  addEventListener("online", resend);
  return (event, patient) => {
    fresh[fresh.length] = event;
    if (!patient) go();
    else company = company ?? setTimeout(go, COMPANY);
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
