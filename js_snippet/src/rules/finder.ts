/** For pages that say nothing for us: whether they are results of a search, and how many there are. */
export { resultsOf } from "./results";

/** What only the page of one product or one article has. */
const NO_RESULTS =
  "[property='og:type'][content^=product],[property='og:type'][content=article],body.single,body#product,#product-product";

/** Whether the page says of itself that it is no page of results, whatever its address looks like. */
export function isSomethingElse(doc: Document): boolean {
  return !!doc.querySelector(NO_RESULTS);
}
