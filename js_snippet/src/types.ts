/** What the parts of the snippet hand to one another. The HTTP shapes are the server's contract. */
import type { Reason } from "./reasons";

export type Json = string | number | boolean | null | undefined | Json[] | { [name: string]: Json };
/** An event on its way to the server. */
export type Sent = { [name: string]: Json };

/** What a page is. The questions for it are those of the placement of the same name, and those of `page`. */
export type Kind = "order" | "search" | "product" | "page";

/** One entry of `questions` in the reply of `ask`. Every text the shopper reads comes with it. */
export interface Question {
  question: string;
  version: number;
  type: string;
  placement: string;
  settings: { [name: string]: unknown };
  /** of the texts, where it isn't that of the reply */
  lang?: string;
  /** not there for questions of the placement `page`, until one of them is chosen */
  texts: { [name: string]: string };
}

/** What the owner set about looks and manners, as far as it isn't our default. */
export interface Widget {
  mode?: "light" | "dark";
  background?: string;
  text?: string;
  accent?: string;
  on_accent?: string;
  accent_dark?: string;
  on_accent_dark?: string;
  radius?: number;
  position?: "start";
  font?: "system";
  cooldown_hours?: number;
  consent?: "never" | "always";
}

/** What the server replies to `ask` and to `asked`. */
export interface Reply {
  lang: string;
  widget?: Widget;
  questions?: Question[];
  /** only when asked why: questions that are paused */
  paused?: string[];
  /** and those that have not begun yet or are over */
  unscheduled?: string[];
  answered?: string[];
}

export interface Search {
  query: string;
  results?: number | undefined;
}

/** What a page says of itself: the page of a search, of an order, of a product, or of none. */
export interface Context {
  /** `found`: the words are our own find */
  search?: (Search & { found?: boolean }) | undefined;
  order?: { token: string } | undefined;
  product?: { id?: string | undefined } | undefined;
}

/** What a page may push: context, the shopper's consent, or an event of its own with whatever belongs to it. */
export type Pushed = Context & { consent?: boolean; event?: string; [property: string]: unknown };

/** One page that somebody sees, until another takes its place. */
export interface Visit {
  kind: Kind;
  context: Context;
  /** the language to ask in */
  language: string;
  /** aborted when the page is left: whatever was started for it ends then */
  signal: AbortSignal;
  /** what was pushed on this page, in order; `Tools.bell` rings "push" after each */
  pushed: Pushed[];
  /** what `ask` replied */
  reply?: Reply | undefined;
  /** the questions whose page this is, in the order of the reply */
  questions: Question[];
  /** of a search: how many results there are, once it is known whether the page tells */
  results?: Promise<number | undefined>;
  /** what all events of this page say */
  about: Sent;
  /** Sends an event of this page. One that is `patient` waits a moment for company. */
  tell(type: string, more?: Sent, patient?: boolean): void;
}

/** Keeps events over page loads until the server has them; only ever there with the shopper's consent. */
export interface Keeper {
  keep(events: Sent[]): void;
  done(events: Sent[]): void;
}

/** What the loader lends to the other parts, so that nothing is in two of them. */
export interface Tools {
  /** begins every address of ours, ends with a slash */
  base: string;
  /** site key */
  shop: string;
  /** the status with which our server refused this page: it takes nothing from it, so nobody is asked */
  refused?: number;
  refuse(reply: Response): undefined;
  /** once it is loaded */
  memory?: Memory;
  /** asked since the page was loaded: in one that never loads anew, nobody is asked the same thing twice */
  asked: { [question: string]: boolean };
  /** what the page's own hook said of consent; `bell` rings "push" when it changes */
  consent?: boolean | undefined;
  /** data-consent of the script tag */
  tagConsent: string | undefined;
  keeper?: Keeper | undefined;
  /** Rings "push" after each push of the page, "note" after each decision and when what may be kept changes. */
  bell: EventTarget;
  /** every decision of this page, in order: question ("" for all) and reason */
  notes: [string, Reason][];
  note(question: string, reason: Reason): void;
  send(event: Sent, patient?: boolean): void;
  /** A reply of the server; undefined when there is none, with the reason noted. */
  ask(path: string, body?: string): Promise<Reply | undefined>;
  load<T>(chunk: string): Promise<T>;
  isWhere(question: Question, address: Location): boolean;
  uuid(): string;
  now(): string;
  write(value: Json): string;
  quietly(work: () => unknown): unknown;
}

/** What is remembered of a visitor, as far as the visitor allows. The chunk `memory` exports `memory: MakeMemory`. */
export interface Memory {
  /** storage may be used now (consent given, no GPC, storage works) */
  allowed(): boolean;
  /** 0..99, the same for this visitor and question on every page; undefined when nothing may be kept */
  draw(question: string): number | undefined;
  /** why not, by what is remembered; undefined: nothing against it (or nothing may be kept) */
  blocks(question: Question, widget: Widget): "cap" | "answered" | "wave" | "cooldown" | "cooldown_all" | undefined;
  shown(question: string): void;
  answered(question: string): void;
  /** ms since the trigger of `question` first happened, over page loads (forgotten after 30 min); starts the clock */
  since(question: string): number;
}

/** `told`: what the page's own hook said of consent, if anything */
export type MakeMemory = (tools: Tools, widget: Widget, told: () => boolean | undefined) => Memory;

/** What the chunk `why` exports as `why`: gives the report; `isShown` opens it on the page. `visit` gives today's. */
export type Why = (tools: Tools, visit: () => Visit | undefined, isShown?: boolean) => Promise<unknown>;

/** What the chunk `sending` exports as `sending`: gives the tools what they send with. */
export type Equip = (tools: Tools, api: string) => void;
/** What the chunks `rules` and `found` export as `rules`: called for each page that has questions. */
export type Rules = (tools: Tools, visit: Visit) => Promise<void>;
/** What the chunk `search` exports as `search`: reports the search and clicks on its results; gives their number. */
export type ReportSearch = (visit: Visit, tools: Tools) => Promise<number | undefined>;

/** What the chunk `panel` exports as `show`: shows the question, gives a function that takes it away without a word. */
export type Show = (
  question: Question,
  type: QuestionType,
  language: string,
  emit: Emit,
  place: {
    /** makes the style sheet that of the shop */
    dress?: ((css: string) => string) | undefined;
    /** for a type that has a row */
    rows?: typeof import("./panel/row") | undefined;
    /** puts it into the page; without it, it is a pop-up */
    put?: Put | undefined;
    quietly: Tools["quietly"];
    fetchWords(): Promise<{ words: (desk: Desk) => Words }>;
  },
) => () => void;

/** What the panel lends to the chunk `words`. */
export interface Desk {
  make: Form["make"];
  texts: Question["texts"];
  root: ShadowRoot;
  /** where a text that follows a choice is written */
  more: HTMLElement;
  on(target: EventTarget, name: string, act: (event: Event) => unknown): void;
  say(text: string | undefined): void;
  /** with what was written after a choice, if anything */
  finish(text: string): void;
  /** a field was filled that only robots find */
  isTrap?: boolean;
}

/** What the chunk `words` exports as `words` makes of it. */
export interface Words {
  drawForm: Form["writing"];
  /** Asks the text of that key after a choice. */
  askMore(key: string, takesFocus: boolean): void;
}

/** Puts `host` into the page, when the time is right, and calls `seen` once `title` was seen there. */
export type Put = (host: Element, title: Element, seen: () => void) => void;

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
  /** A field to write in and a button that sends. Without a label the title names it. `done` gets the trimmed text. */
  writing(label: string | undefined, placeholder: string | undefined, done: (text: string) => void): HTMLElement;
  /** The shopper chose `value`. Saying the same value twice is said once. */
  choose(value: Value): void;
  /** The shopper is choosing and may go on: kept at once, in case nothing follows. */
  choosing(value: Value): void;
  /** The shopper answered in words. */
  tell(text: string): void;
}

/** A row or a list of values of which one is chosen, and what may stand below its two ends. */
export interface Row {
  /** class of the group */
  look: string;
  values: readonly (string | number)[];
  /** what a screen reader says of a value; without it, the value */
  name?(value: string | number): string;
  /** what is seen of it; without it, the value */
  face?(value: string | number): Node | string;
  /** the texts `low` and `high` unless others are given */
  low?: string | undefined;
  high?: string | undefined;
}

/** What a type with `hasRow` gets besides. */
export interface RowForm {
  /** A drawing of one path in a field of 24 by 24. */
  icon(path: string): SVGElement;
  row(given: Row): HTMLElement;
}

/** A file in questions/. It draws the choices; follow-up text, thanks and closing are the panel's. */
export interface QuestionType {
  /** every single choice, in the order of the page */
  values(settings: Question["settings"]): readonly Value[];
  /** when a text is asked after the choice and the owner set nothing: a value, "always" or "never" */
  followUp: string;
  /** the looks that the panel doesn't bring itself */
  css?: string;
  /** true: it draws by `row` or `icon` */
  hasRow?: boolean;
  /** true: it can't be answered without writing */
  writes?: boolean;
  /** true: the text field takes the focus after the choice, because what follows is the point of it */
  focus: boolean;
  draw(form: Form & RowForm): HTMLElement;
}
