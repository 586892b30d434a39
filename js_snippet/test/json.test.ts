import assert from "node:assert/strict";
import { test } from "node:test";
import { now, uuid } from "../src/ids";
import { write } from "../src/json";
import type { Json } from "../src/types";

const values: Json[] = [
  "", "ā \"quoted\" \\ back\nslash\t\0 \u2028 🥾", 0, -1.5, true, false, null, [], {}, [1, "a", [null]], { a: { b: [1] }, "odd \"name\"": "x" },
];

for (const value of values) {
  test(`written as JSON: ${JSON.stringify(value).slice(0, 30)}`, () => assert.deepEqual(JSON.parse(write(value)), value));
}

test("what is undefined isn't written", () => assert.equal(write({ a: undefined, b: 1, c: undefined }), '{"b":1}'));

test("a toJSON that a page put on all arrays changes nothing", () => {
  const prototype = Array.prototype as unknown as { toJSON?: () => string };
  prototype.toJSON = () => "spoilt";
  try {
    assert.equal(write({ events: [1] }), '{"events":[1]}');
  } finally {
    delete prototype.toJSON;
  }
});

test("ids are UUIDs of version 4, and differ", () => {
  const ids = new Set(Array.from({ length: 1000 }, uuid));
  assert.equal(ids.size, 1000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("no two moments are the same, and they go forward", () => {
  const moments = Array.from({ length: 100 }, now);
  assert.deepEqual([...new Set(moments)].sort(), moments);
});
