const IN_PATH = /^\/([^/]+\/)?(lv|lt|et|ee|ru|en|pl|de|fi)([-_][a-z]+)?(\/|$)/i;

type Clue = string | null | undefined;

/**
 * The language to ask in: the first that a clue names. Whether we speak it is the server's to say. The clues: `lang` of
 * <html>, the page's address, data-lang of the script tag (for shops whose pages don't say it), the browser's own.
 */
export function chooseLanguage(page: Clue, path: string, query: string, tag: Clue, browser: Clue): string {
  const given = new URLSearchParams(query);
  // Estonian shops often write the country, /ee/, where the others write the language.
  const inPath = IN_PATH.exec(path)?.[2]!.toLowerCase();
  return (
    primary(page) ||
    (inPath === "ee" ? "et" : inPath) ||
    primary(given.get("lang") || given.get("language") || given.get("locale")) ||
    primary(tag) ||
    primary(browser) ||
    "en"
  );
}

/** "lv" of "lv-LV". */
function primary(tag: Clue): string | undefined {
  return /^\s*([a-z]{2,3})(?![a-z])/i.exec(tag || "")?.[1]!.toLowerCase();
}
