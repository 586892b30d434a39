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

/** What a shopper can choose: one thing, or a list of options. */
export type Value = string | number | string[];

/** What a question type gets from the panel. */
export interface Form {
  texts: Question["texts"];
  settings: Question["settings"];
  /** id of the visible title, for aria-labelledby */
  title: string;
  make: typeof import("./panel/elements").make;
  icon: typeof import("./panel/elements").icon;
  radios: typeof import("./panel/radios").radios;
  /** what stands below the two ends of a row: the texts `low` and `high` unless others are given */
  ends(low?: string, high?: string): HTMLElement;
  /** A field to write in and a button that sends. Without a label the title names it. `done` gets the trimmed text. */
  writing(label: string | undefined, placeholder: string | undefined, done: (text: string) => void): HTMLElement;
  /** The shopper chose `value`. Saying the same value twice is said once. */
  choose(value: Value): void;
  /** The shopper is choosing and may go on: kept at once, in case nothing follows. */
  choosing(value: Value): void;
  /** The shopper answered in words. */
  tell(text: string): void;
}

/** A file in questions/. It draws the choices; follow-up text, thanks and closing are the panel's. */
export interface QuestionType {
  /** every single choice, in the order of the page */
  values(settings: Question["settings"]): readonly Value[];
  /** when a text is asked after the choice and the owner set nothing: a value, "always" or "never" */
  followUp: string;
  /** the looks that the panel doesn't bring itself */
  css?: string;
  /** true: the text field takes the focus after the choice, because what follows is the point of it */
  focus: boolean;
  draw(form: Form): HTMLElement;
}
