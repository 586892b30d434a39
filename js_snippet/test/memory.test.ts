import assert from "node:assert/strict";
import { test } from "node:test";
import { write } from "../src/json";
import { ANSWERED, COUNT, delayOf, drawOf, fresh, parse, rowOf, SEEN, SHOWN, whyNot, type Kept } from "../src/memory/caps";
import type { Json, Question } from "../src/types";

const HOUR = 3600000;
const NOW = Date.parse("2026-11-22T10:00:00Z");

const question = (settings: Question["settings"] = {}, placement = "page", name = "ours"): Question => ({
  question: name,
  version: 1,
  type: "yes_no",
  placement,
  settings,
  texts: {},
});

/** A visitor who was shown the question `count` times, the last time `hours` ago. */
function shown(hours: number, count = 1, name = "ours"): Kept {
  const kept = fresh(1);
  const row = rowOf(kept, name);
  row[COUNT] = count;
  row[SHOWN] = NOW - hours * HOUR;
  return kept;
}

const answered = (hours: number): Kept => {
  const kept = shown(hours);
  rowOf(kept, "ours")[ANSWERED] = NOW - hours * HOUR;
  return kept;
};

const json = (kept: Kept): Json => kept as unknown as Json;
const none = { cooldown_hours: 0 };

for (const [name, kept, settings, placement, expected] of [
  ["nothing is known", fresh(1), { most: 1, every_days: 90, until_answered: true }, "page", undefined],
  ["shown as often as it may", shown(1000, 3), { most: 3 }, "page", "cap"],
  ["shown less often", shown(1000, 2), { most: 3 }, "page", undefined],
  ["answered on a page", answered(1000), {}, "page", "answered"],
  ["answered on a product", answered(1000), {}, "product", "answered"],
  ["answered on a search", answered(1000), {}, "search", undefined],
  ["answered on a search, once is enough", answered(1000), { until_answered: true }, "search", "answered"],
  ["answered on a page, again and again", answered(1000), { until_answered: false }, "page", undefined],
  ["answered in this wave", answered(24 * 89), { every_days: 90 }, "page", "wave"],
  ["answered in the last wave", answered(24 * 90), { every_days: 90 }, "page", undefined],
  ["answered in the last wave, once is enough", answered(24 * 90), { every_days: 90, until_answered: true }, "page", "answered"],
  ["shown in this wave", shown(24 * 89), { every_days: 90 }, "order", "wave"],
  ["shown in the last wave", shown(24 * 90), { every_days: 90 }, "order", undefined],
  ["a search on the same day", shown(23), {}, "search", "cooldown"],
  ["a search on the next day", shown(24), {}, "search", undefined],
  ["a search without cool-down", shown(1), { cooldown_hours: 0 }, "search", undefined],
  ["within the cool-down", shown(47), { cooldown_hours: 48 }, "page", "cooldown"],
  ["after the cool-down", shown(48), { cooldown_hours: 48 }, "page", undefined],
  ["no cool-down on pages unless it is set", shown(1), {}, "page", undefined],
] as [string, Kept, Question["settings"], string, string | undefined][]) {
  test(`against asking: ${name}`, () => {
    assert.equal(whyNot(kept, question(settings, placement), none, NOW), expected);
  });
}

test("another question was shown not long ago: not now, but after an order", () => {
  const kept = shown(23, 1, "other");
  assert.equal(whyNot(kept, question(), {}, NOW), "cooldown_all");
  assert.equal(whyNot(kept, question({}, "order"), {}, NOW), undefined);
  assert.equal(whyNot(kept, question(), { cooldown_hours: 22 }, NOW), undefined);
  assert.equal(whyNot(kept, question(), { cooldown_hours: 0 }, NOW), undefined);
  assert.equal(whyNot(kept, question(), {}, NOW + HOUR), undefined);
});

test("what is written is read again, as JSON of version 1", () => {
  const kept = answered(5);
  rowOf(kept, "other-one_2.x")[SEEN] = NOW - 1000;
  const text = write(json(kept));
  assert.equal(JSON.parse(text).v, 1);
  assert.deepEqual(parse(text, NOW), kept);
});

for (const text of ["", "null", "{}", "[]", '{"v":2,"n":1,"d":365,"q":[]}', '{"v":1,"n":"x","d":365,"q":[]}', '{"v":1', '{"v":1,"n":-1,"d":365,"q":[]}']) {
  test(`not ours: ${text}`, () => assert.equal(parse(text, NOW), undefined));
}

test("rows that are broken are left out, the others stay", () => {
  const text = `{"v":1,"n":7,"d":365,"q":[["a",1,${NOW},0,0,0],["b",1],["c","1",${NOW},0,0,0],["__proto__",1,${NOW},0,0,0],["d",2,${NOW},0,0,0]]}`;
  assert.deepEqual(
    parse(text, NOW)!.q.map((row) => [row[0], row[COUNT]]),
    [["a", 1], ["__proto__", 1], ["d", 2]],
  );
  assert.equal(({} as { [name: string]: unknown })["1"], undefined);
});

test("a question is forgotten after a year, or after the longest wave", () => {
  const left = (days: number, keep: number): number => parse(write(json({ ...shown(days * 24), d: keep })), NOW)!.q.length;
  assert.deepEqual([left(364, 365), left(366, 365), left(366, 730), left(731, 730)], [1, 0, 1, 0]);
});

test("what a clock wrote that was a day ahead is forgotten", () => {
  assert.equal(parse(write(json(shown(-24))), NOW)!.q.length, 0);
  assert.equal(parse(write(json(shown(-0.1))), NOW)!.q.length, 1);
});

test("a delay that began is forgotten after half an hour when nothing else is known", () => {
  const kept = fresh(1);
  delayOf(rowOf(kept, "ours"), NOW);
  const text = write(json(kept));
  assert.equal(parse(text, NOW + 0.4 * HOUR)!.q.length, 1);
  assert.equal(parse(text, NOW + 0.6 * HOUR)!.q.length, 0);
});

test("the delay counts from the trigger, over page loads, and begins anew after half an hour without a page", () => {
  const row = rowOf(fresh(1), "ours");
  assert.equal(delayOf(row, NOW), 0);
  assert.equal(delayOf(row, NOW + 1000), 1000);
  assert.equal(delayOf(row, NOW + 0.4 * HOUR), 0.4 * HOUR);
  assert.equal(delayOf(row, NOW + 0.8 * HOUR), 0.8 * HOUR);
  assert.equal(delayOf(row, NOW + 1.4 * HOUR), 0);
});

test("fifty questions at most, the ones that changed last; never more bytes than 5,000", () => {
  const kept = fresh(4294967295);
  for (let i = 0; i < 80; i++) {
    const row = rowOf(kept, "question-with-a-name-" + i);
    row[COUNT] = 99;
    row[SHOWN] = row[ANSWERED] = NOW;
    rowOf(kept, "question-with-a-name-0");
  }
  assert.ok(kept.q.length <= 50 && kept.q.length > 48);
  const names = kept.q.map((row) => row[0]);
  assert.ok(names.includes("question-with-a-name-0") && names.includes("question-with-a-name-79"));
  assert.ok(!names.includes("question-with-a-name-1"));
  assert.ok(write(json(kept)).length < 5000);
});

test("the draw is the same for one visitor and question, even over visitors, and independent between questions", () => {
  const visitors = Array.from({ length: 20000 }, (_, i) => fresh(Math.imul(i, 2654435761) >>> 0));
  const draws = visitors.map((visitor) => [drawOf(visitor, "search-found"), drawOf(visitor, "search-found-2"), drawOf(visitor, "nps")] as const);
  assert.deepEqual(draws[17], [drawOf(visitors[17]!, "search-found"), drawOf(visitors[17]!, "search-found-2"), drawOf(visitors[17]!, "nps")]);
  const share = (fits: (draw: (typeof draws)[number]) => boolean): number => draws.filter(fits).length / draws.length;
  for (const which of [0, 1, 2] as const) {
    for (const limit of [1, 10, 33, 50, 90]) {
      assert.ok(Math.abs(share((draw) => draw[which] < limit) - limit / 100) < 0.015, `${which} under ${limit}`);
    }
  }
  for (const [a, b] of [[0, 1], [0, 2], [1, 2]] as const) {
    assert.ok(Math.abs(share((draw) => draw[a] < 33 && draw[b] < 33) - 0.33 * 0.33) < 0.015, `${a} with ${b}`);
  }
  assert.ok(draws.flat().every((draw) => Number.isInteger(draw) && draw >= 0 && draw < 100));
});
