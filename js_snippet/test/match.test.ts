import assert from "node:assert/strict";
import { test } from "node:test";
import { isWhere, type UrlRule } from "../src/match";
import type { Question } from "../src/types";

function fits(address: string, ...where: UrlRule[]): boolean {
  return isWhere({ settings: { where } } as unknown as Question, new URL(address, "https://shop.example") as unknown as Location);
}

const cases: [string, string, UrlRule[], boolean][] = [
  ["no rule: everywhere", "/any", [], true],
  ["is: the path", "/thanks", [{ is: "/thanks" }], true],
  ["is: nothing before or behind it", "/lv/thanks/more", [{ is: "/thanks" }], false],
  ["is: what campaigns hang on doesn't matter", "/thanks?utm_source=mail", [{ is: "/thanks" }], true],
  ["is: parameters that the rule names do", "/index.php?route=checkout/success", [{ is: "/index.php?route=checkout/success" }], true],
  ["is: and no others", "/index.php?route=common/home", [{ is: "/index.php?route=checkout/success" }], false],
  ["is: a star is a star", "/a", [{ is: "/*" }], false],
  ["contains: anywhere in the path", "/lv/apavi/zabaki", [{ contains: "apavi" }], true],
  ["contains: and in the parameters", "/search?q=apavi", [{ contains: "q=apavi" }], true],
  ["contains: not in the host", "/", [{ contains: "shop" }], false],
  ["like: a star for anything", "/lv/apavi/zabaki", [{ like: "/*/apavi/*" }], true],
  ["like: from the beginning", "/lv/apavi", [{ like: "apavi*" }], false],
  ["like: to the end", "/lv/apavi/zabaki", [{ like: "*/apavi" }], false],
  ["like: a star may stand for nothing", "/apavi/", [{ like: "/apavi/*" }], true],
  ["like: parts don't overlap", "/aba", [{ like: "/ab*ba" }], false],
  ["like: the last part is the last", "/ab/ab", [{ like: "/*ab" }], true],
  ["like: dots and brackets are only themselves", "/aXb", [{ like: "/a.b" }], false],
  ["like: parameters only where the rule names some", "/p?x=1", [{ like: "/p" }], true],
  ["like: with parameters", "/p?a=1&x=1", [{ like: "/p?*x=1" }], true],
  ["asking why changes nothing", "/p?x=1&atbalss_why=1", [{ is: "/p?x=1" }], true],
  ["asking why first changes nothing", "/p?atbalss_why=1&x=1", [{ is: "/p?x=1" }], true],
  ["asking why in between changes nothing", "/p?a=1&atbalss_why=1&x=1", [{ is: "/p?a=1&x=1" }], true],
  ["the whole address", "/thanks", [{ is: "https://shop.example/thanks" }], true],
  ["of another host", "/thanks", [{ is: "https://other.example/thanks" }], false],
  ["letters as owners write them", "/z%C4%81baki", [{ is: "/zābaki" }], true],
  ["and as addresses spell them", "/zābaki", [{ contains: "/z%C4%81" }], true],
  ["what isn't an address' spelling is taken as it is", "/100%25", [{ contains: "%" }], true],
  ["one rule of many is enough", "/b", [{ is: "/a" }, { is: "/b" }], true],
  ["none of many", "/c", [{ is: "/a" }, { is: "/b" }], false],
  ["not: ruled out", "/cart", [{ contains: "cart", not: true }], false],
  ["not: all the others", "/shoes", [{ contains: "cart", not: true }], true],
  ["not: comes before any other", "/lv/cart", [{ like: "/lv/*" }, { contains: "cart", not: true }], false],
  ["not: and the others still need a rule", "/et/shoes", [{ like: "/lv/*" }, { contains: "cart", not: true }], false],
];
for (const [name, address, where, expected] of cases) {
  test(`where: ${name}`, () => assert.equal(fits(address, ...where), expected));
}

test("where: many stars take no longer than few", () => {
  const before = performance.now();
  assert.equal(fits("/" + "a".repeat(2000), { like: "*a".repeat(149) + "*b" }), false);
  assert.ok(performance.now() - before < 1000);
});
