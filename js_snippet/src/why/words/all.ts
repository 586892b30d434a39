import type { Words } from "./words";
import { en } from "./en";
import { et } from "./et";
import { lt } from "./lt";
import { lv } from "./lv";
import { ru } from "./ru";

export const WORDS: { [language: string]: Words } = { lv, lt, et, ru, en };

/** The words of the first language of an owner's browser that we know. */
export function wordsFor(languages: readonly string[]): Words {
  for (let i = 0; i < languages.length; i++) {
    const known = WORDS[languages[i]!.slice(0, 2).toLowerCase()];
    if (known) return known;
  }
  return en;
}
