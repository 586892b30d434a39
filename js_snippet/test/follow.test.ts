import assert from "node:assert/strict";
import { test } from "node:test";
import { followUpOf } from "../src/panel/follow";
import type { Value } from "../src/types";

const BRANCHES = [{ when: [1, 2], text: "follow_up_low" }, { when: [5] }];

for (const [setting, value, key] of [
  ["never", "no", undefined],
  ["always", 3, "follow_up"],
  ["no", "no", "follow_up"],
  ["no", "yes", undefined],
  [BRANCHES, 2, "follow_up_low"],
  [BRANCHES, 5, "follow_up"],
  [BRANCHES, 4, undefined],
  [[...BRANCHES, { text: "follow_up_rest" }], 4, "follow_up_rest"],
  [[{ when: ["other"] }], ["price", "other"], "follow_up"],
  [[{ when: ["other"] }], ["price"], undefined],
  [[{ when: ["other"] }], [], undefined],
  ["always", [], "follow_up"],
  [null, 1, undefined],
  [undefined, 1, undefined],
  [{}, 1, undefined],
] as [unknown, Value, string | undefined][]) {
  test(`follow-up ${JSON.stringify(setting)} after ${JSON.stringify(value)}`, () => assert.equal(followUpOf(setting, value), key));
}
