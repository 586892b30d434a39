const PARAMETERS = "q s query search search_query keyword keywords keys term text phrase";
/** Begins a word, so that "research" is none. */
const PATH = /(^|[^a-z]|catalog|product|site)(search|mekl|paiesk|ieskot|otsi|poisk|suche|w?y?szuk|haku|recherche|busca|zoek)/i;
/** What shop systems write on the body of a page of results. */
const MARK = /(^| )(template-|page-|catalog)?search(-(no-)?results?)?(-index)?( |$)/;

/** The searched words, from the address of a page that looks like one of results. */
export function foundQuery(doc: Document, address: Location): string | undefined {
  const given = new URLSearchParams(address.search);
  // Where one file serves every page, only what it is told counts: a product page may carry the words that led to it.
  const route = given.get("route") || given.get("controller") || given.get("dispatch");
  const marked = MARK.test(doc.body?.id + " " + doc.body?.className);
  const likely = marked || PATH.test(route || address.pathname);
  const names = PARAMETERS.split(" ");
  for (let i = 0; i < names.length; i++) {
    const words = given.get(names[i]!)?.trim();
    if (words && (likely || (!route && isRepeated(doc, names[i]!, words)))) return words;
  }
  const last = marked && /\/search\/([^/]+)\/?$/.exec(address.pathname);
  return last ? decodeURIComponent(last[1]!.replace(/\+/g, " ")) : undefined;
}

/** Results pages keep the words in their search field; a campaign link with `?s=` doesn't, and a filter is ticked. */
function isRepeated(doc: Document, name: string, words: string): boolean {
  const fields = doc.querySelectorAll<HTMLInputElement>(`input[name=${name}]:not([type=checkbox],[type=radio])`);
  for (let i = 0; i < fields.length; i++) if (fields[i]!.value.trim() === words) return true;
  return false;
}
