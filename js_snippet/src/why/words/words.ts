/** The shape of what an owner reads, the same for each language. {name} stands for what is put in. */
import type { Reason } from "../../reasons";

/** `is`: what is the case. `todo`: what the owner can do about it, where there is something. */
export interface Said {
  is: string;
  todo?: string;
}

export interface Words {
  /** number format */
  tag: string;
  /** Names that the parts of the snippet have in common get short in the build; in quotes they stay what they are. */
  reasons: { [reason in Reason]: Said };
  /** The same reason in other cases: an order that proves nothing, and whatever else the server doesn't take. */
  refused_order: Said;
  refused_other: Said;
  /** no decision so far */
  undecided: Said;
  title: string;
  close: string;
  /** of the button that folds the box up to its title, and out again */
  fold: string;
  only_you: string;
  history: string;
  /** state of a question, as short as can be */
  states: { shown: string; waits: string; not: string };
  /** what the page was taken for */
  page: { looking: string; search: string; search_uncounted: string; order: string; product: string; page: string };
  consent: { none: string; given: string; not_given: string; gpc: string; never: string };
  placements: { search: string; order: string; product: string; page: string };
  results: { none: string; some: string };
}
