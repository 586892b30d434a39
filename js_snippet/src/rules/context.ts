import type { Context, Search } from "../types";
import { foundQuery } from "./query";

const LONGEST_QUERY = 500;
const LONGEST_TOKEN = 4096;

/** `found`: the words are our own find, so the page may yet turn out to be something else. */
export interface Page extends Context {
  search?: (Search & { found?: boolean }) | undefined;
}

/**
 * What the page says of itself. Each thing (token, query, count) comes from the first of these that has it:
 * data-atbalss-* attributes, the JSON block, what was pushed; the words of a search may also be found on the page.
 */
export function readContext(doc: Document, address: Location, block: unknown, pushed: unknown): Page {
  const said = <T>(group: string, name: string, attribute: string, take: (value: unknown) => T | undefined): T | undefined =>
    take(doc.querySelector(`[data-atbalss-${attribute}]`)?.getAttribute("data-atbalss-" + attribute)) ??
    take(inside(block, group, name)) ??
    take(inside(pushed, group, name));
  const token = said("order", "token", "order-token", tokenOf);
  if (token) return { order: { token } };
  const query = said("search", "query", "query", queryOf);
  const results = said("search", "results", "results", countOf);
  if (query) return { search: { query, results } };
  const words = queryOf(foundQuery(doc, address));
  return words ? { search: { query: words, results, found: true } } : {};
}

/** The words of a search as the server takes them: one line, not endless. */
export function queryOf(words: unknown): string | undefined {
  return text(words)?.replace(/[\0-\x20\x7f]+/g, " ").trim().slice(0, LONGEST_QUERY).trim() || undefined;
}

function tokenOf(value: unknown): string | undefined {
  const token = text(value)?.trim();
  return token && token.length <= LONGEST_TOKEN ? token : undefined;
}

export function countOf(value: unknown): number | undefined {
  const number = text(value)?.trim() ? +(value as string) : value;
  return Number.isInteger(number) && (number as number) >= 0 ? (number as number) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
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
