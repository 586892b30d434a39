import type { Sent, Tools } from "./types";
import { write } from "./json";

/** Browsers let 64 KiB and 15 keepalive requests be under way at once; the server takes 64 KiB a request. */
const MOST_BYTES = 60000;
const MOST_REQUESTS = 15;
/** No event is larger than a fifth of what a request may hold: see the lengths in the server's contract. */
const MOST_EVENTS = 4;
const MOST_TRIES = 12;
const LONGEST_WAIT = 60000;
const TIME_OUT = 20000;
/** How long an event that is patient waits for company. */
const COMPANY = 800;

/**
 * Gives a function that sends events to `url`. Each event goes out at once, by a request that outlives the page; one
 * that is patient goes with the next, or soon after. What the server couldn't take (no network, 5xx, 429) is sent again,
 * unchanged but for `sent_at`, after a growing wait with jitter, or as late as Retry-After says; any other reply is
 * final. When the page is left or hidden, what still waits goes at once, and by beacon what is more than browsers keep
 * alive otherwise (not sooner: blockers swallow beacons). An event may arrive twice, never under two ids.
 */
export function transport(url: string, tools: Tools): Tools["send"] {
  const { quietly } = tools;
  /** new ones that still look for company */
  let fresh: Sent[] = [];
  let company: ReturnType<typeof setTimeout> | undefined;
  /** those that the server couldn't take */
  let failed: Sent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;
  let flying = 0;
  let requests = 0;
  let isLeaving = false;

  async function post(events: Sent[]): Promise<void> {
    const body = write({ sent_at: new Date().toISOString(), events });
    const size = new Blob([body]).size;
    const keepalive = flying + size <= MOST_BYTES && requests < MOST_REQUESTS;
    let wait: number | undefined = 0;
    tools.keeper?.keep(events);
    if (!keepalive && isLeaving) navigator.sendBeacon?.(url, body);
    flying += size;
    requests++;
    try {
      // A string goes as text/plain, which needs no preflight.
      const reply = await fetch(url, { method: "POST", body, credentials: "omit", keepalive, signal: AbortSignal.timeout(TIME_OUT) });
      const { ok, status } = reply;
      wait = status === 429 || status > 499 ? 1000 * +reply.headers.get("Retry-After")! || 0 : undefined;
      if (wait === undefined && !ok) tools.refuse(reply);
    } catch {
      // no network, or a reply that never came
    }
    flying -= size;
    requests--;
    if (wait === undefined) {
      tries = wait = 0;
      tools.keeper?.done(events);
    } else add(events, failed);
    if (failed.length && !timer && tries < MOST_TRIES) {
      const backOff = Math.min(LONGEST_WAIT, 1000 * 2 ** tries++) * (0.5 + Math.random() / 2);
      timer = setTimeout(() => quietly(resend), Math.max(wait, backOff));
    }
  }

  /** As many as fit into one request; the others follow when that is through. */
  function resend(): void {
    clearTimeout(timer);
    timer = undefined;
    failed = postSome(failed);
  }

  function flush(): void {
    clearTimeout(company);
    company = undefined;
    while (fresh.length) fresh = postSome(fresh);
  }

  /** Posts the first of `events`, as many as one request may hold; gives the others. */
  function postSome(events: Sent[]): Sent[] {
    const batch: Sent[] = [];
    const rest: Sent[] = [];
    for (let i = 0; i < events.length; i++) add([events[i]!], i < MOST_EVENTS ? batch : rest);
    if (batch.length) quietly(() => post(batch));
    return rest;
  }

  function leave(): void {
    isLeaving = true;
    flush();
    while (failed.length) resend();
    isLeaving = false;
  }

  addEventListener("pagehide", () => quietly(leave));
  addEventListener("visibilitychange", () => quietly(() => document.hidden && leave()));
  addEventListener("online", () => quietly(resend));
  return (event, patient) => {
    add([event], fresh);
    if (!patient) flush();
    else company ||= setTimeout(() => quietly(flush), COMPANY);
  };
}

function add(events: Sent[], list: Sent[]): void {
  for (let i = 0; i < events.length; i++) list[list.length] = events[i]!;
}
