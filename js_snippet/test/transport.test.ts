import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { quietly } from "../src/quietly";
import { transport } from "../src/transport";
import type { Sent, Tools } from "../src/types";

/** A browser in which time stands still until a test moves it. */
let posts: { url: string; body: { sent_at: string; events: Sent[] }; init: RequestInit }[];
let beacons: { body: string }[];
let replies: (() => Promise<Response>)[];
let timers: { act: () => void; ms: number; id: number }[];
let listeners: { [name: string]: () => void };
let tools: Tools;
let refusals: number[];
const real = { fetch: globalThis.fetch, setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, random: Math.random };

const status = (code: number, headers: Record<string, string> = {}) => async () => new Response(null, { status: code, headers });
const away = async () => Promise.reject(new TypeError("Failed to fetch"));
const settled = () => new Promise<void>((done) => setImmediate(done));
const ids = (index: number) => posts[index]!.body.events.map((event) => event["id"]);

beforeEach(() => {
  posts = [];
  beacons = [];
  replies = [];
  timers = [];
  listeners = {};
  refusals = [];
  tools = { quietly, refuse: (reply: Response) => void refusals.push(reply.status) } as unknown as Tools;
  const world = globalThis as unknown as Record<string, unknown>;
  world["fetch"] = (url: string, init: RequestInit) => {
    posts.push({ url, body: JSON.parse(init.body as string), init });
    return (replies.shift() ?? status(202))();
  };
  let last = 0;
  world["setTimeout"] = (act: () => void, ms: number) => {
    timers.push({ act, ms, id: ++last });
    return last;
  };
  world["clearTimeout"] = (id: number) => {
    timers = timers.filter((timer) => timer.id !== id);
  };
  world["document"] = { hidden: true };
  world["addEventListener"] = (name: string, act: () => void) => {
    listeners[name] = act;
  };
  Object.defineProperty(globalThis, "navigator", {
    configurable: true,
    value: { sendBeacon: (_url: string, body: string) => beacons.push({ body }) > 0 },
  });
  Math.random = () => 1;
});

afterEach(() => {
  Object.assign(globalThis, { fetch: real.fetch, setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
  Math.random = real.random;
});

async function tick(): Promise<number> {
  const timer = timers.shift()!;
  timer.act();
  await settled();
  return timer.ms;
}

test("an event goes at once, as plain text, without credentials, outliving the page", async () => {
  transport("https://ours/answers", tools)({ id: "a" });
  assert.deepEqual(posts.map((post) => [post.url, post.body.events]), [["https://ours/answers", [{ id: "a" }]]]);
  const { method, credentials, keepalive, headers } = posts[0]!.init;
  assert.deepEqual({ method, credentials, keepalive, headers }, { method: "POST", credentials: "omit", keepalive: true, headers: undefined });
  assert.ok(Math.abs(Date.parse(posts[0]!.body.sent_at) - Date.now()) < 60000);
  await settled();
  assert.equal(timers.length, 0);
});

for (const [name, failure] of Object.entries({ 503: status(503), 500: status(500), 429: status(429), "no network": away })) {
  test(`sent again, the same event, after ${name}`, async () => {
    replies = [failure, failure];
    transport("/", tools)({ id: "a", at: "then" });
    await settled();
    assert.deepEqual([await tick(), await tick()], [1000, 2000]);
    assert.deepEqual(posts.map((post) => post.body.events), [1, 2, 3].map(() => [{ id: "a", at: "then" }]));
    assert.equal(timers.length, 0);
  });
}

for (const code of [202, 400, 403, 404, 413, 422]) {
  test(`${code} is final`, async () => {
    replies = [status(code)];
    transport("/", tools)({ id: "a" });
    await settled();
    listeners["pagehide"]!();
    assert.deepEqual([timers.length, posts.length, beacons.length], [0, 1, 0]);
  });
}

test("Retry-After is waited for, whatever the back-off would be", async () => {
  replies = [status(503, { "Retry-After": "17" })];
  transport("/", tools)({ id: "a" });
  await settled();
  assert.equal(timers[0]!.ms, 17000);
});

test("a refusal is told; what may succeed later and what did succeed is not", async () => {
  for (const code of [202, 429, 503, 403, 422]) {
    replies = [status(code)];
    transport("/", tools)({ id: "a" });
    await settled();
  }
  assert.deepEqual(refusals, [403, 422]);
});

test("what is patient goes with the next, in the same moment, or by itself soon after", async () => {
  const send = transport("/", tools);
  send({ id: "a" }, true);
  assert.equal(posts.length, 0);
  send({ id: "b" });
  assert.deepEqual(posts.map((_, index) => ids(index)), [["a", "b"]]);
  assert.equal(timers.length, 0);
  send({ id: "c" }, true);
  send({ id: "d" }, true);
  assert.deepEqual(timers.map(({ ms }) => ms), [800]);
  await tick();
  assert.deepEqual(ids(1), ["c", "d"]);
  send({ id: "e" }, true);
  listeners["pagehide"]!();
  assert.deepEqual(ids(2), ["e"]);
});

test("who keeps events is told before each try and after the last", async () => {
  const told: string[] = [];
  const say = (what: string) => (events: Sent[]) => void told.push(what + events.map((event) => event["id"]));
  tools.keeper = { keep: say("keep "), done: say("done ") };
  replies = [status(503), status(202), status(422)];
  const send = transport("/", tools);
  send({ id: "a" });
  await settled();
  assert.deepEqual(told, ["keep a"]);
  await tick();
  send({ id: "b" });
  await settled();
  assert.deepEqual(told, ["keep a", "keep a", "done a", "keep b", "done b"]);
});

test("the wait grows, has jitter and an end", async () => {
  replies = Array.from({ length: 50 }, () => away);
  transport("/", tools)({ id: "a" });
  await settled();
  const waits = [];
  while (timers.length) waits.push(await tick());
  assert.deepEqual(waits.slice(0, 8), [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
  assert.equal(waits.length, 12);
  Math.random = () => 0;
  replies = [away];
  transport("/", tools)({ id: "b" });
  await settled();
  assert.equal(timers[0]!.ms, 500);
});

test("what waited goes together, in requests of 64 KiB at most", async () => {
  const count = 30;
  replies = Array.from({ length: count }, () => away);
  const send = transport("/", tools);
  // As large as an event can be: a text, an address, words and an order token.
  for (let i = 0; i < count; i++) send({ id: "" + i, text: "ā".repeat(2000), url: "x".repeat(2048), query: "ā".repeat(500), order_token: "x".repeat(4096) });
  await settled();
  posts = [];
  while (timers.length) await tick();
  assert.deepEqual(posts.flatMap((_, index) => ids(index)).sort(), Array.from({ length: count }, (_, i) => "" + i).sort());
  assert.ok(posts.length < count / 2);
  for (const { init } of posts) assert.ok(Buffer.byteLength(init.body as string) <= 65536);
});

test("more than browsers keep alive goes without keepalive rather than not at all", () => {
  const send = transport("/", tools);
  for (let i = 0; i < 8; i++) send({ id: "" + i, text: "x".repeat(9000) });
  assert.deepEqual(posts.map((post) => post.init.keepalive), [true, true, true, true, true, true, false, false]);
});

test("more than 15 at once go without keepalive, whatever they weigh", () => {
  const send = transport("/", tools);
  for (let i = 0; i < 17; i++) send({ id: "" + i });
  assert.deepEqual(posts.map((post) => post.init.keepalive), Array.from({ length: 17 }, (_, i) => i < 15));
});

for (const [how, act] of Object.entries({ left: "pagehide", hidden: "visibilitychange" })) {
  test(`when the page is ${how}, what waits goes at once, with the same ids, and waits on if that fails`, async () => {
    replies = [away, away, away];
    const send = transport("/", tools);
    send({ id: "a" });
    send({ id: "b" });
    await settled();
    listeners[act]!();
    assert.deepEqual(ids(2), ["a", "b"]);
    assert.equal(posts[2]!.init.keepalive, true);
    await settled();
    listeners["online"]!();
    await settled();
    assert.deepEqual(ids(3), ["a", "b"]);
    listeners[act]!();
    assert.equal(posts.length, 4);
  });
}

test("a page that is seen again sends nothing because of it", async () => {
  replies = [away];
  transport("/", tools)({ id: "a" });
  await settled();
  (globalThis as unknown as { document: { hidden: boolean } }).document.hidden = false;
  listeners["visibilitychange"]!();
  assert.equal(posts.length, 1);
});

test("when the page is left, what is more than browsers keep alive goes by beacon, too", async () => {
  replies = Array.from({ length: 20 }, () => away);
  const send = transport("/", tools);
  for (let i = 0; i < 8; i++) send({ id: "" + i, text: "x".repeat(13000) });
  await settled();
  posts = [];
  listeners["pagehide"]!();
  assert.deepEqual(posts.map((post) => post.init.keepalive), [true, false]);
  assert.deepEqual(beacons.map(({ body }) => JSON.parse(body).events.map((event: Sent) => event["id"])), [["4", "5", "6", "7"]]);
});
