const SPOKEN = /^(lv|lt|et|ru|en|pl|de|fi)$/;

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

/** The language to ask in: the first clue that names one we speak. */
export function chooseLanguage(clues: LanguageClues): string {
  const inQuery = new URLSearchParams(clues.query);
  // Estonian shops often write the country, /ee/, where the others write the language.
  const inPath = /^\/(?:[^/]+\/)?(lv|lt|et|ee|ru|en|pl|de|fi)(?:[-_][a-z]+)?(?:\/|$)/i.exec(clues.path)?.[1];
  return (
    spoken(clues.page) ||
    spoken(inPath === "ee" ? "et" : inPath) ||
    spoken(inQuery.get("lang") || inQuery.get("language") || inQuery.get("locale")) ||
    spoken(clues.tag) ||
    spoken(clues.browser) ||
    "en"
  );
}

function spoken(tag: string | null | undefined): string | undefined {
  const primary = (tag || "").trim().toLowerCase().replace(/[-_].*/, "");
  return SPOKEN.test(primary) ? primary : undefined;
}
