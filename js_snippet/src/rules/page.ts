import type { Triggers } from "../triggers/triggers";
import type { Tools, Visit } from "../types";

/** One visit as the rules see it. */
export interface Page {
  visit: Visit;
  tools: Tools;
  /** how many results the search has, if it is one and tells */
  counted: number | undefined;
  /** the questions that the order has answered, if it is one */
  answers: string[] | undefined;
  /** a question stands on this page, or stood: one is enough */
  isTaken?: boolean;
  /** there when a question needs it */
  triggers?: Triggers;
  /** ends when those that were due earlier have been looked at */
  turn?: Promise<void>;
}
