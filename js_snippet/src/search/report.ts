/** On the results of a search: reports the search, and each click on a result. Nobody is named.  */
import type { Sent, Tools, Visit } from "../types";
import { cardsOf, watchClicks } from "./clicks";
import { resultsOf } from "./results";

/** Gives the number of results, undefined when the page doesn't tell. */
export function search({ context, about, signal, tell }: Visit, tools: Tools): number | undefined {
  const { query, found, results: said } = context.search!;
  let results = said;
  let first = 1;
  if (found || results === undefined) {
    const told = resultsOf(document, query, cardsOf(document).length);
    results ??= told.results;
    first = told.first || 1;
  }
  const searched: Sent = { id: tools.uuid(), query, results };
  about["search"] = searched;
  tell("search.performed", undefined, true);
  watchClicks(document, tools, signal, (place, product) =>
    tell("result.clicked", { product, search: { ...searched, position: place + first - 1 } }),
  );
  return results;
}
