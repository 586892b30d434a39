/** What the parts of the snippet hand to one another. The HTTP shapes are the server's contract. */

export type Json = string | number | boolean | null | undefined | Json[] | { [name: string]: Json };

/** One entry of `questions` in the reply of `ask`. Every text the shopper reads comes with it. */
export interface Question {
  question: string;
  version: number;
  type: string;
  placement: string;
  settings: { [name: string]: unknown };
  texts: { [name: string]: string };
}

export interface Search {
  query: string;
  results?: number | undefined;
}

/** What a page says of itself: the page of a search, of an order, or of neither. */
export interface Context {
  search?: Search | undefined;
  order?: { token: string } | undefined;
}

/** Sends one event of the question in the panel; the loader adds everything that is the same for all of them. */
export type Emit = (type: string, more?: { [name: string]: Json }) => void;

/** What a question type gets from the panel. */
export interface Form {
  texts: Question["texts"];
  /** id of the visible title, for aria-labelledby */
  title: string;
  make: typeof import("./panel/elements").make;
  icon: typeof import("./panel/elements").icon;
  radios: typeof import("./panel/radios").radios;
  /** the texts `low` and `high` below the ends of a row */
  ends(): HTMLElement;
  /** The shopper chose `value`. Saying the same value twice is said once. */
  choose(value: string | number): void;
}

/** A file in questions/. It draws the choices; follow-up text, thanks and closing are the panel's. */
export interface QuestionType {
  /** every value the type can send, in the order of the choices */
  values: readonly (string | number)[];
  /** when a text is asked after the choice and the owner set nothing: a value, "always" or "never" */
  followUp: string;
  /** true: the text field takes the focus after the choice, because what follows is the point of it */
  focus: boolean;
  draw(form: Form): HTMLElement;
}
