const IN_PATH = /^\/(?:[^/]+\/)?(lv|lt|et|ee|ru|en|pl|de|fi)(?:[-_][a-z]+)?(?:\/|$)/i;

export interface LanguageClues {
  /** lang of <html> */
  page: string | null | undefined;
  /** path of the page's address */
  path: string;
  /** query string of the page's address */
  query: string;
  /** data-lang of the script tag: for shops whose pages don't say it */
  tag: string | undefined;
  /** the browser's own language */
  browser: string | undefined;
}

/** The language to ask in: the first that a clue names. Whether we speak it is the server's to say. */
export function chooseLanguage({ page, path, query, tag, browser }: LanguageClues): string {
  const given = new URLSearchParams(query);
  // Estonian shops often write the country, /ee/, where the others write the language.
  const inPath = IN_PATH.exec(path)?.[1]!.toLowerCase();
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
function primary(tag: string | null | undefined): string | undefined {
  return /^\s*([a-z]{2,3})(?![a-z])/i.exec(tag || "")?.[1]!.toLowerCase();
}
