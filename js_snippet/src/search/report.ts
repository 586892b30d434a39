/** On the results of a search: reports the search, and each click on a result. Nobody is named. */
import type { ReportSearch, Sent } from "../types";
import { cardsOf, watchClicks } from "./clicks";

/**
 * Gives the number of results, undefined when the page doesn't tell. Where the page says it for us, what reads it from
 * the page's texts isn't loaded.
 */
export const search: ReportSearch = async ({ context, about, signal, tell }, tools) => {
  const { query, found, results: said } = context.search!;
  let results = said;
  let first: number | undefined;
  if (found || results === undefined) {
    const { resultsOf } = await tools.load<typeof import("./results")>("results");
    const told = resultsOf(document, query, cardsOf(document).length);
    results ??= told.results;
    first = told.first;
  }
  if (signal.aborted) return undefined;
  const searched: Sent = { id: tools.uuid(), query, results };
  about["search"] = searched;
  tell("search.performed", undefined, true);
  watchClicks(document, tools, signal, (place, product) =>
    tell("result.clicked", { product, search: { ...searched, position: place + (first || 1) - 1 } }),
  );
  return results;
};
