import type { Emit, Question, QuestionType, Sent, Show } from "../types";
import { change, inTheWayOf } from "./manners";
import type { Way } from "./way";

/** Shows the question, and takes it away when the page is left or, before it is used, something else takes its place. */
export async function stand(way: Way, question: Question, form: QuestionType, show: Show, lift: number): Promise<void> {
  const { page, signal, which } = way;
  const { visit, tools, memory, asked } = page;
  const { question: name, placement, settings } = question;
  const inline = settings["inline"] ? document.querySelector(settings["inline"] as string) : undefined;
  if (inline === null) return way.note("inline_missing");

  asked[name] = asked["/" + placement] = page.isTaken = true;
  const answer = { ...which, answer: tools.uuid(), order_token: visit.context.order?.token };
  /** Not told before it is sure that the panel isn't covered. */
  let shown: Sent | undefined;
  let isUsed = false;
  const sayShown = (): void => {
    if (!shown) return;
    tools.send(shown);
    memory?.shown(name);
    shown = way.lastWords = undefined;
  };
  const emit: Emit = (type, more) => {
    const event = { id: tools.uuid(), type, at: tools.now(), ...visit.about, ...answer, ...more };
    if (type === "question.shown") shown = event;
    else {
      sayShown();
      isUsed = true;
      if (type === "answer.given") memory?.answered(name);
      tools.send(event);
    }
  };
  way.lastWords = sayShown;
  const close = show(question, form, visit.reply!.lang, emit, { widget: visit.reply!.widget || {}, inline });
  signal.addEventListener("abort", close);
  const host = document.querySelector("atbalss-panel") as HTMLElement;
  if (lift) host.style.setProperty("--atbalss-lift", lift + "px");

  await drawn();
  while (!signal.aborted && host.isConnected && !isUsed) {
    const why = document.hidden || inline ? undefined : inTheWayOf(host);
    if (why) {
      if (shown) way.skip(why);
      way.note(why);
      shown = undefined;
      return way.end();
    }
    sayShown();
    way.note("shown");
    await change(signal);
  }
}

/** Until what was added to the page stands in its place. */
function drawn(): Promise<unknown> {
  return new Promise((done) => setTimeout(done, 50));
}
