import type { Emit, Question, QuestionType, Sent } from "../types";
import type { Way } from "../rules/way";
import { show } from "../panel/panel";
import { inTheWayOf, liftOver } from "./spot";

export { show };

const PANEL = "atbalss-panel";

/**
 * Shows the question at the first good moment and place, and takes it away when the page is left or, before it is used,
 * something else takes its place. What stands in the page (inline) finds its own place and moment, and is in nobody's
 * way.
 */
export async function stand(way: Way, question: Question, type: QuestionType): Promise<void> {
  const { page, signal, which } = way;
  const { visit, tools } = page;
  const { placement, settings } = question;
  const answer = { ...which, answer: tools.uuid(), order_token: visit.context.order?.token };
  const inline = settings["inline"] ? document.querySelector(settings["inline"] as string) : undefined;
  const put = inline && (await tools.load<typeof import("../panel/inline")>("inline")).putInto(inline, signal, () => way.note("inline_room"));
  const { widget } = visit.reply!;
  const dress = widget && (await tools.load<typeof import("../panel/theme")>("theme")).theme(widget);
  const fetchWords = (): Promise<typeof import("../panel/words")> => tools.load("words");
  const rows = type.hasRow ? await tools.load<typeof import("../panel/row")>("row") : undefined;
  // In the page, what comes late would move what lies below.
  if (type.writes || put) await fetchWords();
  /** Not told before it is sure that the panel isn't covered. */
  let shown: Sent | undefined;
  let isUsed = false;
  const sayShown = (isPatient?: boolean): void => {
    if (!shown) return;
    tools.send(shown, isPatient);
    tools.memory?.shown(which.question);
    way.note("shown");
    shown = way.lastWords = undefined;
  };
  const emit: Emit = (name, more) => {
    const event = { id: tools.uuid(), type: name, at: tools.now(), ...visit.about, ...answer, ...more };
    if (name === "question.shown") {
      shown = event;
      if (inline) sayShown();
    } else {
      sayShown(true); // with what follows, in one request
      isUsed = true;
      tools.send(event);
      if (name === "answer.given") tools.memory?.answered(which.question);
    }
  };

  let close: () => void;
  let host: HTMLElement | null;
  for (let lift: number | undefined; ; ) {
    await way.calm();
    if (!way.isFree()) return;
    if (inline === null) return way.note("inline_missing");
    close = show(question, type, question.lang || visit.reply!.lang, emit, { dress, rows, put: put || undefined, quietly: tools.quietly, fetchWords });
    host = document.querySelector<HTMLElement>(PANEL);
    if (inline || !host) break;
    if (lift) host.style.setProperty("--atbalss-lift", lift + "px");
    // Nothing of it is seen before this is over.
    const by = inTheWayOf(host, true);
    if (!by) break;
    close();
    lift = lift ? undefined : liftOver(by);
    if (lift) continue;
    way.keep("covered");
    await way.change(by);
  }
  tools.asked[which.question] = tools.asked["/" + placement] = page.isTaken = true;
  signal.addEventListener("abort", close);
  if (inline || !host) return;
  const panel = host;
  way.lastWords = () => panel.isConnected && sayShown();
  tools.quietly(watch);

  /** Takes it away when something comes to lie over it before it is used. */
  async function watch(): Promise<void> {
    await new Promise((done) => setTimeout(done, 50)); // until it is drawn
    while (!signal.aborted && panel.isConnected && !isUsed) {
      const why = document.hidden ? undefined : inTheWayOf(panel, false) ? "covered" : way.hasDialog() ? "dialog" : undefined;
      if (why) {
        if (shown) way.skip(why);
        way.note(why);
        shown = undefined;
        return way.end();
      }
      sayShown();
      await way.change();
    }
    if (panel.isConnected) return;
    // The page removed it, or it went by itself: there is nothing to hear and nothing to say any more.
    shown = undefined;
    close();
  }
}
