const PARAMETERS = ["q", "s", "query", "search", "search_query", "keyword", "keywords", "term", "text"];
const PATH = /search|mekl|paiesk|ieskot|otsi|poisk|suche|szuk|haku/i;

/** The searched words, from the address of a page that looks like one of results. */
export function foundQuery(doc: Document, address: Location): string | undefined {
  const given = new URLSearchParams(address.search);
  const route = address.pathname + " " + given.get("route") + " " + given.get("controller");
  for (let i = 0; i < PARAMETERS.length; i++) {
    const words = given.get(PARAMETERS[i]!)?.trim();
    if (words && (PATH.test(route) || isRepeated(doc, PARAMETERS[i]!, words))) return words;
  }
  return undefined;
}

/** Results pages keep the words in their search field; a filter or a campaign link with `?s=` doesn't. */
function isRepeated(doc: Document, name: string, words: string): boolean {
  const fields = doc.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`);
  for (let i = 0; i < fields.length; i++) if (fields[i]!.value.trim() === words) return true;
  return false;
}
