import type { Way } from "../rules/way";
import { whenIdle } from "./idle";

/** A thumb that flings the page back up, on its way to the address: so many windows within so many ms. */
const FLING = 0.5;
const WITHIN = 400;
/** Who holds a phone and does nothing for so many seconds is about to put it away. */
const LOST = 30;

/**
 * Somebody seems about to leave: the mouse goes out through the top of the window. Where there is no mouse: the page is
 * flung back up, somebody comes back to it from another tab, or nobody touches it any more.
 */
export function exit({ question: { settings } }: Way, signal: AbortSignal, done: () => void): void {
  const options = { passive: true, capture: true, signal };
  document.addEventListener("mouseout", ({ relatedTarget, clientY }) => !relatedTarget && clientY <= 0 && done(), options);
  if (matchMedia("(hover: hover)").matches) return;

  let lowest = scrollY;
  let since = performance.now();
  const scrolled = (): void => {
    const now = performance.now();
    if (scrollY >= lowest || now - since > WITHIN) {
      lowest = scrollY;
      since = now;
    } else if (lowest - scrollY > innerHeight * FLING) done();
  };
  addEventListener("scroll", scrolled, options);
  document.addEventListener("visibilitychange", () => document.hidden || done(), options);
  whenIdle(1000 * ((settings["idle"] as number) || LOST), signal, done);
}
