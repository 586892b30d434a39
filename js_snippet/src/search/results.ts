/** How many results a page says it found, read from the texts that shop systems print, in the languages around here. */

/** Whatever language this is in, its biggest number is the count. */
const COUNTED = ".woocommerce-result-count,.toolbar-amount,.total-products";
const MAIN = "main,[role=main],#content,#main";
/** In these stand names of products, filters and choices. */
const NAMES = "a,li,article,label,header,footer,aside";

const THINGS = "(?:result|product|item|artik|rezult|prec|preč|prek|produ[kc]t|tood|toot|tulem|товар|результат|wynik|ergebni|treffer)";
const FOUND = "(?:found|find|match|atr[ao]|rast[aio]|leit|leid|найд|нашл|znale|gefund)";
const NOT = "(?:\\bno |nothing|\\bnot |n[’']t |\\bnav |netika|ne(?=atr)|ne(?=ra[ds])|\\bei |нет |не |nie |brak|keine)";
/** "1-12 of 57", in a few languages. */
const RANGE = /(\d+)\D{1,12}\d+\D{0,3}(?:\bof\b|\bno\b|iš|из|\bvon\b|\bz\b|kokku|\/)\D{0,4}(\d+)/i;
const BEFORE = RegExp(`(\\d+)\\+? ?(?:search )?${THINGS}`, "i");
const AFTER = RegExp(`(?:${THINGS}|${FOUND})[^\\d\\s:(]*[ :(]{1,3}(\\d+)\\b(?![-–.,]\\d)`, "i");
const NOTHING = RegExp(`${NOT}.{0,20}(?:${THINGS}|${FOUND}|rad)|(?:${THINGS})\\S* (?:pole|nėra)`, "i");
const LONGEST = 200;
const READ_AT_MOST = 1000;

export interface Told {
  /** undefined when the page doesn't say, or we aren't sure */
  results?: number | undefined;
  /** number of the first result on this page of the list */
  first?: number | undefined;
}

/** What the page says of the search for `words`; `seen` is the number of results that stand on it. */
export function resultsOf(doc: Document, words: string, seen: number): Told {
  const counted = plain(doc.querySelector(COUNTED)?.textContent, words);
  const most = biggestNumber(counted);
  if (most !== undefined) return { results: most, first: firstOf(counted) };
  const main = doc.querySelector<HTMLElement>(MAIN) || doc.body;
  const blocks = main.querySelectorAll<HTMLElement>("h1,h2,p,div,span,form");
  for (let i = -1; i < blocks.length && i < READ_AT_MOST; i++) {
    const block = blocks[i] || main;
    if (block.textContent!.length > 2 * LONGEST || block.closest(NAMES) || block.querySelector(NAMES) || !block.getClientRects().length) continue;
    const text = plain(block.innerText, words);
    const results = text.length < LONGEST ? countIn(text) : undefined;
    if (results !== undefined) return { results, first: firstOf(text) };
  }
  // Nothing said: then what is seen, when it is all there is.
  const pages = main.querySelector("[rel=next],[class*=pagination i],[class*=pager i],.page-numbers");
  return { results: (!pages && seen) || undefined };
}

/** The count that running text without the searched words mentions: "12 results", "no products found". */
export function countIn(told: string): number | undefined {
  const range = RANGE.exec(told);
  if (range) return +range[2]!;
  const number = BEFORE.exec(told) || AFTER.exec(told);
  const nothing = NOTHING.exec(told);
  if (nothing && !(number && number.index < nothing.index)) return 0;
  return number ? +number[1]! : undefined;
}

/** "Showing 1-12 of 57" is 57. */
export function biggestNumber(text: string): number | undefined {
  let biggest: number | undefined;
  if (text.length < LONGEST) text.replace(/\d+/g, (digits) => "" + (biggest = Math.max(biggest ?? 0, +digits)));
  return biggest;
}

/** Without the searched words (they may hold numbers), and with "1 234" or "1,234" as 1234. */
export function plain(text: string | null | undefined, words: string): string {
  return (text || "").replaceAll(words, " ").replace(/(\d)[\s.,'’](?=\d{3}(?!\d))/g, "$1");
}

/** "Showing 13-24 of 57" begins with the 13th. */
function firstOf(text: string): number | undefined {
  const range = RANGE.exec(text);
  return range ? +range[1]! : undefined;
}
