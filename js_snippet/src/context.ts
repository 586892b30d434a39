import type { Context, Kind } from "./types";
import { foundQuery } from "./query";

const LONGEST_QUERY = 500;
/** of a token, and of whatever else a page says */
const LONGEST = 4096;
const LONGEST_ID = 191;
/** What only the page of one product has. */
const PRODUCT = "[property='og:type'][content^=product],body.single-product,body#product,#product-product";
const ARTICLE = ",[property='og:type'][content=article],body.single";

/**
 * What the page says of itself. Each thing (token, query, count, id) comes from the first of these that has it:
 * data-atbalss-* attributes, the JSON block, what was pushed; the words of a search may also be found on the page,
 * unless it says of itself that it is something else.
 */
export function readContext(doc: Document, address: Location, block: unknown, pushed: unknown): Context {
  const said = (group: string, name: string, attribute = name, where = "", longest = LONGEST): string | undefined => {
    attribute = "data-atbalss-" + attribute;
    // Numbers are as good as texts: shops have both for ids.
    const fit = (value: unknown): string | undefined => {
      const words = /^[ns]/.test(typeof value) ? ("" + value).trim() : "";
      return words.length <= longest ? words : "";
    };
    const inside = (from: unknown): unknown => (from as Record<string, Record<string, unknown>> | undefined)?.[group]?.[name];
    return fit(doc.querySelector(`${where}[${attribute}]`)?.getAttribute(attribute)) || fit(inside(block)) || fit(inside(pushed)) || undefined;
  };
  const token = said("order", "token", "order-token");
  if (token) return { order: { token } };
  const query = queryOf(said("search", "query"));
  const results = countOf(said("search", "results"));
  if (query) return { search: { query, results } };
  // Results are lists of products: only what the whole page says of itself is its product.
  const id = said("product", "id", "product", "body", LONGEST_ID);
  const words = !id && queryOf(foundQuery(doc, address));
  if (words && !doc.querySelector(PRODUCT + ARTICLE)) return { search: { query: words, results, found: true } };
  return id || doc.querySelector(PRODUCT) ? { product: { id } } : {};
}

/** The context says one thing or nothing. */
export function kindOf(context: Context): Kind {
  return (Object.keys(context)[0] as Kind) || "page";
}

/** The words of a search as the server takes them: one line, not endless. */
export function queryOf(words: string | undefined): string | undefined {
  return words?.replace(/[\0-\x20\x7f]+/g, " ").slice(0, LONGEST_QUERY).trim();
}

export function countOf(said: string | undefined): number | undefined {
  return /^\d{1,15}$/.test(said!) ? +said! : undefined;
}

/** What the page's JSON block says. Read as a reply would be, because a page may have changed JSON.parse. */
export async function readBlock(doc: Document): Promise<unknown> {
  try {
    return await new Response(doc.querySelector("script[data-atbalss]")?.textContent).json();
  } catch {
    return undefined; // there is none, or it is no JSON
  }
}
