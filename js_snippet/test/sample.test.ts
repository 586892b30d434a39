import assert from "node:assert/strict";
import { test } from "node:test";
import { hash } from "../src/hash";
import { isDrawn, orderOf } from "../src/rules/sample";
import type { Memory, Question, Visit } from "../src/types";

const question = (name: string, placement: string, settings: {} = {}) => ({ question: name, placement, settings }) as unknown as Question;
const searchFor = (query: string) => ({ context: { search: { query } } }) as unknown as Visit;
const orderWith = (token: string) => ({ context: { order: { token } } }) as unknown as Visit;
const token = (order: string, jti: string) => "v1.kid." + Buffer.from(JSON.stringify({ site: "pk", order, jti })).toString("base64url") + ".mac";
const remembering = (draw: number, allowed = true) => ({ allowed: () => allowed, draw: () => (allowed ? draw : undefined) }) as unknown as Memory;

// FNV-1a over UTF-16 units and the last steps of MurmurHash3, reckoned by hand with whole numbers of any size.
const expected = ["", "a", "zābaki"].map((text) => {
  const word = 2n ** 32n;
  let bits = 0x811c9dc5n;
  for (let i = 0; i < text.length; i++) bits = ((bits ^ BigInt(text.charCodeAt(i))) * 0x01000193n) % word;
  bits = ((bits ^ (bits >> 16n)) * 0x85ebca6bn) % word;
  bits = ((bits ^ (bits >> 13n)) * 0xc2b2ae35n) % word;
  return Number(bits ^ (bits >> 16n));
});

test("the hash is the same in every browser", () => assert.deepEqual(["", "a", "zābaki"].map(hash), expected));

test("of 10,000 searches without consent every hundredth gets its share, and one in three is asked about", () => {
  const slots = new Array<number>(100).fill(0);
  let asked = 0;
  for (let i = 0; i < 10_000; i++) {
    slots[hash(`search-found\nquery ${i}\n2026-11-22`) % 100]!++;
    if (isDrawn(question("search-found", "search"), searchFor("query " + i), undefined)) asked++;
  }
  const spread = slots.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
  // Chi-square with 99 degrees of freedom is above 149 once in a thousand times; what is drawn here never changes.
  assert.ok(spread < 149, `chi-square ${spread}`);
  assert.ok(asked > 3100 && asked < 3500, `${asked} of 10,000`);
});

test("two questions draw apart", () => {
  let both = 0;
  for (let i = 0; i < 1000; i++) {
    const visit = searchFor("query " + i);
    if (isDrawn(question("a", "search", { sample: 50 }), visit, undefined) && isDrawn(question("b", "search", { sample: 50 }), visit, undefined)) both++;
  }
  assert.ok(both > 200 && both < 300, `${both}`);
});

test("the same words draw the same, however they are written", () => {
  const drawn = (query: string) => isDrawn(question("search-found", "search"), searchFor(query), undefined);
  for (let i = 0; i < 50; i++) {
    assert.equal(drawn(`Zābaki ${i}`), drawn(`zābaki ${i}`));
    assert.equal(drawn(`z\u0061\u0304baki ${i}`), drawn(`zābaki ${i}`));
  }
});

test("an order draws the same whatever token names it", () => {
  for (let i = 0; i < 50; i++) {
    const drawn = (jti: string) => isDrawn(question("order-rating", "order", { sample: 50 }), orderWith(token("A-" + i, jti)), undefined);
    assert.equal(drawn("one"), drawn("two"));
  }
});

test("the order of a token", () => {
  assert.equal(orderOf(token("A-1001", "x")), "A-1001");
  assert.equal(orderOf("v1.1.claims.mac"), "v1.1.claims.mac");
  assert.equal(orderOf("nonsense"), "nonsense");
});

test("everybody is asked where the owner says so, after an order, and nobody below the share", () => {
  for (let i = 0; i < 200; i++) {
    assert.ok(isDrawn(question("a", "search", { sample: 100 }), searchFor("q" + i), undefined));
    assert.ok(isDrawn(question("a", "order"), orderWith(token("A" + i, "x")), undefined));
  }
});

test("who is remembered keeps the same draw, and is asked about every search unless the owner says otherwise", () => {
  assert.ok(isDrawn(question("a", "search"), searchFor("x"), remembering(99)));
  assert.ok(isDrawn(question("a", "search", { sample: 20 }), searchFor("x"), remembering(19)));
  assert.ok(!isDrawn(question("a", "search", { sample: 20 }), searchFor("x"), remembering(20)));
});

test("who took consent back is nobody we know", () => {
  let asked = 0;
  for (let i = 0; i < 1000; i++) if (isDrawn(question("a", "search"), searchFor("q" + i), remembering(0, false))) asked++;
  assert.ok(asked > 250 && asked < 420, `${asked}`);
});
