import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseLanguage } from "../src/language";

interface LanguageClues {
  page: string;
  path: string;
  query: string;
  tag: string | undefined;
  browser: string | undefined;
}

const NONE: LanguageClues = { page: "", path: "/", query: "", tag: undefined, browser: undefined };
const cases: [string, Partial<LanguageClues>, string][] = [
  ["the page's lang is first", { page: "lv", path: "/ru/", query: "?lang=lt", tag: "et", browser: "en" }, "lv"],
  ["with its region", { page: "lv-LV" }, "lv"],
  ["however it is written", { page: " RU_ru " }, "ru"],
  ["then the path", { path: "/lt/paieska", query: "?lang=ru", tag: "et", browser: "en" }, "lt"],
  ["below a folder", { path: "/shop/ru/search" }, "ru"],
  ["with its region in the path", { path: "/en-gb/search" }, "en"],
  ["the Estonian shops' country", { path: "/ee/otsing" }, "et"],
  ["a word that only begins so is none", { path: "/etc/rules", browser: "lv" }, "lv"],
  ["then the parameter", { query: "?lang=ru", tag: "et", browser: "en" }, "ru"],
  ["then the script tag", { tag: "et", browser: "en" }, "et"],
  ["then the browser", { browser: "lt-LT" }, "lt"],
  ["a page in any other language: what to do then is the server's to say", { page: "sv", browser: "lv-LV" }, "sv"],
  ["of three letters", { page: "ltg" }, "ltg"],
  ["nonsense is as good as nothing", { page: "english", query: "?lang=-", tag: "1", browser: "fr" }, "fr"],
  ["nothing at all", {}, "en"],
  ["the neighbours' languages too", { page: "fi-FI" }, "fi"],
];

for (const [name, clues, expected] of cases) {
  test(`language: ${name}`, () => {
    const { page, path, query, tag, browser } = { ...NONE, ...clues };
    assert.equal(chooseLanguage(page, path, query, tag, browser), expected);
  });
}
