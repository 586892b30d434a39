import assert from "node:assert/strict";
import { test } from "node:test";
import { countOf, queryOf, readContext } from "../src/context";
import { biggestNumber, countIn, plain } from "../src/search/results";

interface Page {
  attributes?: { [name: string]: string };
  inputs?: { [name: string]: string };
}

/** As much of a document as the rules look at. */
function doc({ attributes = {}, inputs = {} }: Page = {}): Document {
  return {
    querySelector: (selector: string) => {
      const name = /^\[(data-atbalss-[a-z-]+)\]$/.exec(selector)?.[1];
      return name !== undefined && name in attributes ? { getAttribute: () => attributes[name] } : null;
    },
    querySelectorAll: (selector: string) => {
      const name = /^input\[name=(.+?)\]/.exec(selector)?.[1];
      return name !== undefined && name in inputs ? [{ value: inputs[name] }] : [];
    },
  } as unknown as Document;
}

function at(address: string): Location {
  return new URL(address, "https://shop.example") as unknown as Location;
}

const read = (page: Page, address = "/", block?: unknown, pushed?: unknown) => readContext(doc(page), at(address), block, pushed);

test("a page that says nothing is not asked on", () => {
  assert.deepEqual(read({}), {});
  assert.deepEqual(read({}, "/shoes?size=38&sort=price"), {});
  assert.deepEqual(read({ attributes: { "data-atbalss-query": "  " } }), {});
});

test("attributes come before the block, the block before what was pushed", () => {
  const attributes = { "data-atbalss-query": "boots", "data-atbalss-results": "3" };
  const block = { search: { query: "block", results: 4 } };
  const pushed = { search: { query: "pushed", results: 5 } };
  assert.deepEqual(read({ attributes }, "/", block, pushed), { search: { query: "boots", results: 3 } });
  assert.deepEqual(read({}, "/", block, pushed), { search: { query: "block", results: 4 } });
  assert.deepEqual(read({}, "/", null, pushed), { search: { query: "pushed", results: 5 } });
});

test("each thing comes from the first that has it", () => {
  const attributes = { "data-atbalss-query": "boots" };
  assert.deepEqual(read({ attributes }, "/", { search: { results: 0 } }), { search: { query: "boots", results: 0 } });
});

test("an order comes before a search", () => {
  const attributes = { "data-atbalss-query": "boots", "data-atbalss-order-token": " v1.1.a.b " };
  assert.deepEqual(read({ attributes }), { order: { token: "v1.1.a.b" } });
  assert.deepEqual(read({}, "/", { order: { token: "t" } }), { order: { token: "t" } });
});

test("nonsense is as good as nothing", () => {
  for (const nonsense of [null, 1, "x", [], { search: null }, { search: "x" }, { search: { query: {} } }, { order: { token: {} } }]) {
    assert.deepEqual(read({}, "/", nonsense, nonsense), {});
  }
  assert.deepEqual(read({ attributes: { "data-atbalss-order-token": "x".repeat(5000) } }), {});
});

const found: [string, string, Page, string | undefined][] = [
  ["WooCommerce", "/?s=zābaki&post_type=product", { inputs: { s: "zābaki" } }, "zābaki"],
  ["Shopify", "/search?q=red+boots", {}, "red boots"],
  ["PrestaShop", "/lv/mekleet?controller=search&s=zabaki", {}, "zabaki"],
  ["PrestaShop by its controller", "/index.php?controller=search&s=zabaki", {}, "zabaki"],
  ["Magento", "/catalogsearch/result/?q=boots", {}, "boots"],
  ["OpenCart", "/index.php?route=product/search&search=boots", {}, "boots"],
  ["BigCommerce", "/search.php?search_query=boots", {}, "boots"],
  ["Lithuanian path", "/paieska?q=batai", {}, "batai"],
  ["Estonian path", "/otsing?q=saapad", {}, "saapad"],
  ["a campaign link", "/boots?s=newsletter", { inputs: { s: "" } }, undefined],
  ["an empty search", "/search?q=", {}, undefined],
  ["a product that a search led to", "/index.php?route=product/product&search=boots", { inputs: { search: "boots" } }, undefined],
  ["a word that only ends in search", "/research?q=boots", {}, undefined],
];
for (const [name, address, page, query] of found) {
  test(`words found on the page: ${name}`, () => assert.equal(read(page, address).search?.query, query));
}

test("words are one line and not endless", () => {
  assert.equal(queryOf("  red\n\tboots\0 "), "red boots");
  assert.equal(queryOf("x".repeat(600))!.length, 500);
  assert.equal(queryOf(" \n "), "");
});

test("a count is a whole number, or not known", () => {
  assert.deepEqual(["12", "0", "12.5", "-1", "many", "", undefined].map(countOf), [12, 0, undefined, undefined, undefined, undefined, undefined]);
  for (const [said, count] of [[7, 7], [" 0 ", 0], [NaN, undefined], [null, undefined], [{}, undefined]]) {
    assert.deepEqual(read({}, "/", { search: { query: "boots", results: said } }), { search: { query: "boots", results: count } });
  }
});

const counts: [string, number | undefined][] = [
  ["Showing 1–12 of 57 results", 57],
  ["Items 1-12 of 1,234", 1234],
  ["Показано 1 234 товара", 1234],
  ["There are 3 products.", 3],
  ["sorted by price", undefined],
];
for (const [text, expected] of counts) {
  test(`a shop's count: ${text}`, () => assert.equal(biggestNumber(plain(text, "boots")), expected));
}

const mentions: [string, string, number | undefined][] = [
  ["12 results for “boots”", "boots", 12],
  ["Search: 501 jeans. 7 products", "501 jeans", 7],
  ["Atrasti 14 rezultāti", "zābaki", 14],
  ["Rasta 21 prekė", "batai", 21],
  ["Leiti 5 toodet", "saapad", 5],
  ["Найдено 8 товаров", "сапоги", 8],
  ["No products were found matching your selection.", "x", 0],
  ["Your search returned no results", "x", 0],
  ["Nekas netika atrasts", "x", 0],
  ["Nieko nerasta", "x", 0],
  ["Midagi ei leitud", "x", 0],
  ["Ничего не найдено", "x", 0],
  ["Deja, pagal jūsų užklausą prekių nerasta.", "x", 0],
  ["Neatradām nevienu preci", "x", 0],
  ["Rezultatų nėra", "x", 0],
  ["Tulemusi pole", "x", 0],
  ["Kahjuks me ei leidnud midagi", "x", 0],
  ["К сожалению, товаров не найдено", "x", 0],
  ["Нет результатов", "x", 0],
  ["Nie znaleziono produktów", "x", 0],
  ["Keine Ergebnisse gefunden", "x", 0],
  ["Sorry, but nothing matched your search terms.", "x", 0],
  ["We couldn’t find any results", "x", 0],
  ["There is no product that matches the search criteria.", "x", 0],
  ["Rodoma nuo 1 iki 15 iš 22 (2 puslapių)", "x", 22],
  ["Rāda no 16 līdz 22 no 22 (2 lapas)", "x", 22],
  ["Näitan 1 kuni 15, kokku 22", "x", 22],
  ["Показано с 1 по 12 из 57", "x", 57],
  ["Znaleziono: 16", "x", 16],
  ["Prekių: 7", "x", 7],
  ["0 results found", "x", 0],
  ["Delivery in 3 days", "x", undefined],
  ["Your order is not yet complete", "x", undefined],
  ["Welcome to our shop", "x", undefined],
];
for (const [text, words, expected] of mentions) {
  test(`a count in running text: ${text}`, () => assert.equal(countIn(plain(text, words)), expected));
}
