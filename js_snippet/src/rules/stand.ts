import type { Emit, Sent, Show } from "../types";
import { calm, change, inTheWayOf, liftOver } from "./manners";
import type { Way } from "./way";

const PANEL = "atbalss-panel";

/**
 * Shows the question at the first good moment and place, and takes it away when the page is left or, before it is used,
 * something else takes its place. What stands in the page (inline) finds its own place and moment, and is in nobody's
 * way.
 */
export async function stand(way: Way, show: (place: Parameters<Show>[4], emit: Emit) => () => void): Promise<void> {
  const { page, signal, which, question } = way;
  const { visit, tools, asked } = page;
  const { question: name, placement, settings } = question;
  const answer = { ...which, answer: tools.uuid(), order_token: visit.context.order?.token };
  const inline = settings["inline"] ? document.querySelector(settings["inline"] as string) : undefined;
  const put = inline && (await tools.load<typeof import("../panel/inline")>("inline")).putInto(inline, signal, () => way.note("inline_room"));
  /** Not told before it is sure that the panel isn't covered. */
  let shown: Sent | undefined;
  let isUsed = false;
  const sayShown = (): void => {
    if (!shown) return;
    tools.send(shown);
    tools.memory?.shown(name);
    way.note("shown");
    shown = way.lastWords = undefined;
  };
  const emit: Emit = (type, more) => {
    const event = { id: tools.uuid(), type, at: tools.now(), ...visit.about, ...answer, ...more };
    if (type === "question.shown") {
      shown = event;
      if (inline) sayShown();
    } else {
      sayShown();
      isUsed = true;
      tools.send(event);
      if (type === "answer.given") tools.memory?.answered(name);
    }
  };

  let close: () => void;
  let host: HTMLElement | null;
  for (let lift: number | undefined; ; ) {
    await calm(way);
    if (!way.isFree()) return;
    if (inline === null) return way.note("inline_missing");
    close = show({ widget: visit.reply?.widget || {}, put: put || undefined, quietly: tools.quietly }, emit);
    host = document.querySelector<HTMLElement>(PANEL);
    if (inline || !host) break;
    if (lift) host.style.setProperty("--atbalss-lift", lift + "px");
    // Nothing of it is seen before this is over.
    const obstacle = inTheWayOf(host, true);
    if (!obstacle) break;
    close();
    lift = lift ? undefined : liftOver(obstacle);
    if (lift) continue;
    way.keep(obstacle.why);
    await change(signal, obstacle.by);
  }
  asked[name] = asked["/" + placement] = page.isTaken = true;
  signal.addEventListener("abort", close);
  if (inline || !host) return;
  way.lastWords = () => host.isConnected && sayShown();

  // Whoever waits for a turn needn't wait for the end of this.
  tools.quietly(async () => {
    await new Promise((done) => setTimeout(done, 50)); // until it is drawn
    while (!signal.aborted && host.isConnected && !isUsed) {
      const obstacle = document.hidden ? undefined : inTheWayOf(host, false);
      if (obstacle) {
        if (shown) way.skip(obstacle.why);
        way.note(obstacle.why);
        shown = undefined;
        return way.end();
      }
      sayShown();
      await change(signal);
    }
    if (!isUsed) close(); // the page may have removed it
  });
}
