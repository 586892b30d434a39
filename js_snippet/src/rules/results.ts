const COUNTED =
  "[class*=result i][class*=count i],[id*=product i][id*=count i],[class*=product i][class*=count i]," +
  "[class*=search i][class*=count i],.toolbar-amount,.total-products";
const MENTIONED = /(\d+)\+? ?(?:results?|products?|items?|rezult|prec[eēi]|prek|toode|toote|tulemus|товар|результат)/i;
const NOTHING =
  /\bno (?:products?|results?|items?|matches)[^.!?]{0,30}(?:found|match)|nothing (?:was )?found|returned no|netika atrast|nav atrast|neatrad|nav rezult|nerast|nerado|rezultatų nėra|ei leitud|ei leidnud|tulemusi (?:pole|ei)|не найден|не нашл|нет результатов/i;
const READ_AT_MOST = 20000;

/** How many results the page says it found for `words`, in the texts that shop systems print; undefined when unsure. */
export function resultsOf(doc: Document, words: string): number | undefined {
  const counted = doc.querySelectorAll(COUNTED);
  for (let i = 0; i < counted.length && i < 20; i++) {
    const number = biggestNumber(plain(counted[i]!.textContent, words));
    if (number !== undefined) return number;
  }
  const main = doc.querySelector<HTMLElement>("main,[role=main],#content,#main") || doc.body;
  return mentionedCount((main.innerText || "").slice(0, READ_AT_MOST), words);
}

/** The count that running text mentions: "12 results", "no products found". */
export function mentionedCount(text: string, words: string): number | undefined {
  const told = plain(text, words);
  const mentioned = MENTIONED.exec(told);
  if (mentioned) return +mentioned[1]!;
  return NOTHING.test(told) ? 0 : undefined;
}

/** "Showing 1-12 of 57" is 57. */
export function biggestNumber(text: string): number | undefined {
  const found = text.length < 200 ? text.match(/\d+/g) : null;
  if (!found) return undefined;
  let biggest = 0;
  for (let i = 0; i < found.length; i++) biggest = Math.max(biggest, +found[i]!);
  return biggest;
}

/** Without the searched words (they may hold numbers), and with "1 234" or "1,234" as 1234. */
export function plain(text: string | null, words: string): string {
  return (text || "").split(words).join(" ").replace(/(\d)[\s.,'’](?=\d{3}(?!\d))/g, "$1");
}
