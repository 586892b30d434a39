import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { write } from "../src/json";
import { memory as make } from "../src/memory/memory";
import * as chunk from "../src/memory/queue";
import type { Json, Memory, Question, Sent, Tools, Widget } from "../src/types";

/** A browser with storage, locks and a clock that stands still until a test moves it. Each `open` is a page in a tab. */
let storage: Map<string, string>;
let clock: number;
let broken: boolean;
let locks: { request(name: string, act: () => unknown): Promise<unknown> } | undefined;
let held: Promise<unknown>;
let consents: boolean;
const real = { now: Date.now, random: Math.random };
const world = globalThis as unknown as { [name: string]: unknown };

beforeEach(() => {
  storage = new Map();
  clock = Date.parse("2026-11-22T10:00:00Z");
  broken = false;
  consents = true;
  held = Promise.resolve();
  locks = { request: (_, act) => (held = held.then(act)) };
  Date.now = () => clock;
  Math.random = () => 1;
  world["window"] = globalThis;
  world["document"] = { hidden: true };
  world["localStorage"] = {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem(key: string, text: string) {
      if (broken) throw new DOMException("full", "QuotaExceededError");
      storage.set(key, text);
    },
    get length() {
      return storage.size;
    },
    key: (index: number) => [...storage.keys()][index] ?? null,
    removeItem: (key: string) => storage.delete(key),
  };
});

afterEach(() => {
  Date.now = real.now;
  Math.random = real.random;
});

interface Tab {
  memory: Memory;
  tools: Tools;
  /** what was handed to the transport */
  sent: Sent[];
  patience: (boolean | undefined)[];
  loaded: string[];
  look(): boolean;
  leave(): void;
}

let tabs = 0;

function open(widget: Widget = { cooldown_hours: 0 }): Tab {
  const listeners: (() => void)[] = [];
  world["addEventListener"] = (name: string, act: () => void) => name === "pagehide" && listeners.push(act);
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { locks } });
  const sent: Sent[] = [];
  const patience: (boolean | undefined)[] = [];
  const loaded: string[] = [];
  const tools = {
    bell: new EventTarget(),
    write,
    uuid: () => "tab-" + ++tabs,
    quietly: (work: () => unknown) => void work(),
    load: async (file: string) => (loaded.push(file), chunk),
    send(event: Sent, patient?: boolean) {
      sent.push(event);
      patience.push(patient);
      tools.keeper?.keep([event]);
    },
  } as unknown as Tools;
  const memory = make(tools, widget, () => consents || undefined);
  return { memory, tools, sent, patience, loaded, look: () => memory.allowed(), leave: () => listeners.forEach((act) => act()) };
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise<void>((done) => setImmediate(done));
};
const answer = (id: string, more: { [name: string]: Json } = {}): Sent => ({ id, type: "answer.given", ...more });
const lines = (): string[] => [...storage].filter(([key]) => key.startsWith("atbalss-")).map(([, text]) => text);
const ids = (events: Sent[]): Json[] => events.map((event) => event["id"]);
const keptIds = (): string[] => lines().map((line) => JSON.parse(line.replace(/^\d+ \d+ /, "")).id);
const question = (settings: Question["settings"] = {}): Question => ({ question: "q", version: 1, type: "nps", placement: "page", settings, texts: {} });

/** A page on which a question was shown, so that answers can be kept. */
async function ready(): Promise<Tab> {
  const tab = open();
  tab.memory.shown("q");
  await settled();
  return tab;
}

test("an answer is kept before it is sent, and goes when the server has it", async () => {
  const { tools } = await ready();
  tools.keeper!.keep([answer("a", { text: 'two\nlines "and" \u2028 more }' }), answer("b")]);
  assert.deepEqual(keptIds(), ["a", "b"]);
  tools.keeper!.keep([answer("a")]);
  assert.deepEqual(keptIds(), ["a", "b"]);
  tools.keeper!.done([answer("a")]);
  assert.deepEqual(keptIds(), ["b"]);
  tools.keeper!.done([answer("b")]);
  assert.deepEqual(lines(), []);
});

test("anything else is kept when it is tried again", async () => {
  const { tools } = await ready();
  const search = { id: "s", type: "search.performed" };
  tools.keeper!.keep([search]);
  assert.deepEqual(keptIds(), []);
  tools.keeper!.keep([search]);
  assert.deepEqual(keptIds(), ["s"]);
});

test("the chunk of the queue comes only when there is something to keep", async () => {
  const tab = open();
  await settled();
  assert.deepEqual([tab.loaded, tab.tools.keeper], [[], undefined]);
  tab.memory.shown("q");
  await settled();
  tab.memory.shown("q");
  await settled();
  assert.deepEqual(tab.loaded, ["queue"]);
});

test("the next page sends what was left, the same events; the page after that too, after a rest", async () => {
  const first = await ready();
  const given = answer("a", { text: 'ā "quoted"\n' });
  first.tools.keeper!.keep([given]);
  first.leave();
  clock += 1000;
  const second = open();
  await settled();
  assert.deepEqual(second.sent, [given]);
  second.leave();
  const between = open();
  await settled();
  assert.deepEqual(between.sent, []); // it rests for half its age
  clock += 600;
  const third = open();
  await settled();
  assert.deepEqual(third.sent, [given]);
  third.leave();
  const rest = Number(lines()[0]!.split(" ")[0]) - clock;
  assert.equal(rest, 800);
});

test("the rest grows to a quarter of an hour and no further", async () => {
  const first = await ready();
  first.tools.keeper!.keep([answer("a")]);
  clock += 5 * 86400000;
  first.leave();
  assert.equal(Number(lines()[0]!.split(" ")[0]) - clock, 900000);
});

test("what another tab is sending is left to it, until that tab must have crashed", async () => {
  const first = await ready();
  first.tools.keeper!.keep([answer("a")]);
  const second = open();
  await settled();
  assert.deepEqual(second.sent, []);
  clock += 11 * 60000;
  const third = open();
  await settled();
  assert.deepEqual(ids(third.sent), ["a"]);
});

for (const withLocks of [true, false]) {
  test(`of tabs that open together one sends, ${withLocks ? "under one lock" : "where there are no locks too"}`, async () => {
    if (!withLocks) locks = undefined;
    const first = await ready();
    first.tools.keeper!.keep([answer("a"), answer("b")]);
    first.leave();
    clock += 1;
    const opened = [open(), open(), open()];
    await settled();
    assert.deepEqual(opened.flatMap(({ sent }) => ids(sent)).sort(), ["a", "b"]);
  });
}

test("what is sent again goes in groups", async () => {
  const first = await ready();
  first.tools.keeper!.keep(Array.from({ length: 25 }, (_, i) => answer("id-" + i)));
  first.leave();
  clock += 1;
  const second = open();
  await settled();
  assert.equal(second.sent.length, 25);
  assert.deepEqual(second.patience.flatMap((patient, i) => (patient ? [] : [i])), [9, 19, 24]);
});

test("a hundred events, for seven days, the oldest dropped first", async () => {
  const { tools } = await ready();
  for (let i = 0; i < 130; i++, clock++) tools.keeper!.keep([answer(`id-${i}-`)]);
  assert.equal(lines().length, 100);
  assert.deepEqual([keptIds().sort()[0], keptIds().includes("id-30-"), keptIds().includes("id-29-")], ["id-100-", true, false]);
  clock += 8 * 86400000;
  tools.keeper!.keep([answer("new")]);
  assert.deepEqual(keptIds(), ["new"]);
});

test("what isn't ours in the queue is dropped", async () => {
  const first = await ready();
  first.tools.keeper!.keep([answer("a")]);
  first.leave();
  storage.set("atbalss-x", "nonsense");
  storage.set("atbalss-y", `0 2 {"id":"b"}`);
  storage.set("atbalss-z", "");
  clock += 1;
  const second = open();
  await settled();
  assert.deepEqual(ids(second.sent), ["a"]);
  assert.equal(lines().length, 1);
});

test("withdrawal deletes everything at once, and sends what nobody else is sending once, from memory", async () => {
  const first = await ready();
  const other = await ready();
  first.tools.keeper!.keep([answer("left")]);
  first.leave();
  other.tools.keeper!.keep([answer("of another tab")]);
  consents = false;
  const third = open({ consent: "never" });
  assert.equal(storage.size, 0);
  await settled();
  assert.deepEqual([ids(third.sent), ids(other.sent)], [["left"], []]);
  assert.deepEqual([other.look(), storage.size], [false, 0]);
  assert.equal(third.tools.keeper, undefined);
});

test("who gives consent again begins anew", async () => {
  const tab = await ready();
  tab.memory.answered("q");
  const before = storage.get("atbalss")!;
  assert.equal(tab.memory.blocks(question(), { cooldown_hours: 0 }), "answered");
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { locks, globalPrivacyControl: true } });
  assert.equal(tab.look(), false);
  assert.equal(storage.size, 0);
  assert.equal(tab.memory.draw("q"), undefined);
  assert.equal(tab.memory.blocks(question({ most: 1 }), {}), undefined);
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { locks } });
  assert.equal(tab.look(), true);
  assert.equal(tab.memory.blocks(question({ most: 1 }), { cooldown_hours: 0 }), undefined);
  assert.notEqual(storage.get("atbalss"), before);
  assert.ok(tab.tools.keeper);
});

test("what another tab deleted is not written again", async () => {
  const tab = await ready();
  storage.clear();
  tab.memory.answered("q");
  tab.tools.keeper?.keep([answer("a")]);
  assert.deepEqual([tab.look(), storage.size], [false, 0]);
  const other = open(); // consent was given there again
  assert.equal(other.look(), true);
  assert.equal(tab.look(), true);
});

test("nothing is kept before consent, and a delay ends with the page", () => {
  consents = false;
  const tab = open({});
  tab.memory.shown("q");
  tab.memory.answered("q");
  assert.equal(tab.memory.since("q"), 0);
  clock += 700;
  assert.equal(tab.memory.since("q"), 700);
  assert.equal(tab.memory.blocks(question({ most: 1, until_answered: true, every_days: 5 }), {}), undefined);
  assert.deepEqual([tab.look(), tab.memory.draw("q"), storage.size], [false, undefined, 0]);
  assert.equal(open({}).memory.since("q"), 0);
});

test("with consent caps, draw and delay hold on the next page and in the next tab", () => {
  const tab = open();
  const draw = tab.memory.draw("q");
  assert.equal(tab.memory.since("q"), 0);
  tab.memory.shown("r");
  const other = open();
  clock += 700;
  assert.deepEqual([other.memory.draw("q"), other.memory.since("q")], [draw, 700]);
  other.memory.shown("q");
  assert.equal(tab.memory.blocks(question({ most: 2 }), { cooldown_hours: 0 }), undefined);
  tab.memory.shown("q");
  assert.equal(other.memory.blocks(question({ most: 2 }), { cooldown_hours: 0 }), "cap");
  assert.equal(open().memory.since("q"), 0); // once shown, a delay begins anew
});

test("a wave of five years is kept for five years", () => {
  const five = { every_days: 5 * 365 };
  const tab = open();
  tab.memory.blocks(question(five), {});
  tab.memory.shown("q");
  clock += 4 * 365 * 86400000;
  assert.equal(open().memory.blocks(question(five), {}), "wave");
  clock += 366 * 86400000;
  assert.equal(open().memory.blocks(question(five), {}), undefined);
});

test("full storage is no storage", () => {
  broken = true;
  const tab = open();
  assert.deepEqual([tab.look(), tab.memory.draw("q"), tab.tools.keeper], [false, undefined, undefined]);
  assert.doesNotThrow(() => (tab.memory.shown("q"), tab.memory.answered("q"), tab.memory.since("q")));
  broken = false;
  assert.equal(tab.look(), true);
});

test("forbidden storage is no storage", () => {
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    get: () => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    },
  });
  try {
    const tab = open();
    assert.deepEqual([tab.look(), tab.memory.draw("q"), tab.tools.keeper], [false, undefined, undefined]);
    assert.doesNotThrow(() => (tab.memory.shown("q"), tab.memory.answered("q"), tab.memory.since("q"), tab.leave()));
  } finally {
    delete world["localStorage"];
  }
});
