import type { Context, Kind } from "./types";
import { foundQuery } from "./query";

const LONGEST_QUERY = 500;
const LONGEST_TOKEN = 4096;
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
  const said = (group: string, name: string, attribute: string, longest: number, where = ""): string | undefined =>
    text(doc.querySelector(`${where}[data-atbalss-${attribute}]`)?.getAttribute("data-atbalss-" + attribute), longest) ??
    text(inside(block, group, name), longest) ??
    text(inside(pushed, group, name), longest);
  const token = said("order", "token", "order-token", LONGEST_TOKEN);
  if (token) return { order: { token } };
  const query = queryOf(said("search", "query", "query", Infinity));
  const results = countOf(said("search", "results", "results", LONGEST_ID));
  if (query) return { search: { query, results } };
  // Results are lists of products: only what the whole page says of itself is its product.
  const id = said("product", "id", "product", LONGEST_ID, "body");
  const words = id ? undefined : queryOf(foundQuery(doc, address));
  if (words && !doc.querySelector(PRODUCT + ARTICLE)) return { search: { query: words, results, found: true } };
  return id || doc.querySelector(PRODUCT) ? { product: { id } } : {};
}

export function kindOf({ order, search, product }: Context): Kind {
  return order ? "order" : search ? "search" : product ? "product" : "page";
}

/** The words of a search as the server takes them: one line, not endless. */
export function queryOf(words: string | undefined): string | undefined {
  return words?.replace(/[\0-\x20\x7f]+/g, " ").trim().slice(0, LONGEST_QUERY).trim() || undefined;
}

export function countOf(said: string | undefined): number | undefined {
  const number = said ? +said : -1;
  return Number.isInteger(number) && number >= 0 ? number : undefined;
}

/** Numbers are as good as texts: shops have both for ids. */
function text(value: unknown, longest: number): string | undefined {
  const words = typeof value === "string" || typeof value === "number" ? ("" + value).trim() : "";
  return words && words.length <= longest ? words : undefined;
}

function inside(from: unknown, group: string, name: string): unknown {
  return (from as Record<string, Record<string, unknown>> | null | undefined)?.[group]?.[name];
}

/** What the page's JSON block says. Read as a reply would be, because a page may have changed JSON.parse. */
export async function readBlock(doc: Document): Promise<unknown> {
  const block = doc.querySelector('script[type="application/json"][data-atbalss]');
  try {
    return block && (await new Response(block.textContent).json());
  } catch {
    return null;
  }
}
