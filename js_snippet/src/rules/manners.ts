/** Manners: when and where a question may be shown without disturbing. Looked at on events; nothing polls. */

/** Why not now. All of them pass. */
export type Reason = "hidden" | "typing" | "dialog" | "covered";

interface Obstacle {
  why: Reason;
  /** what is in the way; a change of it is worth another look */
  by?: Element | undefined;
}

const DIALOG = "dialog[open],[role$=dialog],[aria-modal=true],.modal.show";
/** A dialog that leaves the page usable counts from this share of the window on. */
const LARGE = 0.25;
/** A floating button (a chat, most often) is not covered: the panel stands above it. */
const BUTTON = 140;
const GAP = 8;
/** Most questions are no higher; what a higher one covers is found by the second look. */
const HEIGHT = 220;
/** The panel's corners are round. */
const INSET = 16;
/** What happened needs this long to be seen. */
const SETTLES = 60;

/**
 * Waits until the page was looked at for `ms` and nothing is in the way; tells each reason for waiting on.
 * Gives by how many pixels the panel must stand higher than usual; never comes back once `signal` is aborted. What
 * stands in the page (`isInline`) is in nothing's way.
 */
export async function goodMoment(
  ms: number,
  signal: AbortSignal,
  isInline: boolean,
  tell: (why: Reason | undefined) => void,
): Promise<number> {
  while (ms > 0) {
    const wasHidden = document.hidden;
    const since = performance.now();
    await change(signal, undefined, wasHidden ? undefined : ms); // no timer runs in a hidden tab
    if (!wasHidden) ms -= performance.now() - since;
  }
  for (;;) {
    const spot = spotNow(isInline);
    const isFree = typeof spot === "number";
    tell(isFree ? undefined : spot.why);
    if (isFree) return spot;
    await change(signal, spot.by);
  }
}

/** What lies over the panel or under it; undefined when it stands free. */
export function inTheWayOf(panel: Element): Reason | undefined {
  if (openDialog()) return "dialog";
  const { left, top, width, height } = panel.getBoundingClientRect();
  return across(left, top, width, height, (x, y) => {
    const stack = document.elementsFromPoint(x, y);
    const below = floating(stack[1], x, y);
    return stack.length && (stack[0] !== panel || (below && !isButton(below))) ? "covered" : undefined;
  });
}

/** The next time that something happens after which another look may find something else, or `ms` later. */
export function change(signal: AbortSignal, by?: Element, ms?: number): Promise<void> {
  return new Promise((done) => {
    const names = ["visibilitychange", "focusout", "close", "toggle", "transitionend", "animationend", "click", "keyup", "resize"];
    const watch = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const stop = (): void => {
      clearTimeout(timer);
      watch.abort();
      observer.disconnect();
    };
    const wait = (time: number | undefined): void => {
      timer = setTimeout(() => {
        stop();
        done();
      }, time);
    };
    const happened = (): void => {
      stop();
      wait(SETTLES);
    };
    const observer = new MutationObserver(happened);
    for (let i = 0; i < names.length; i++) addEventListener(names[i]!, happened, { capture: true, signal: watch.signal });
    for (let at: Element | null = by || document.body; at; at = parentOf(at)) {
      observer.observe(at, { attributes: true, childList: true });
    }
    signal.addEventListener("abort", stop);
    if (ms) wait(ms);
  });
}

/** How much higher than usual the panel may stand now, or what is in the way. */
function spotNow(isInline: boolean): number | Obstacle {
  if (document.hidden) return { why: "hidden" };
  if (isTyping()) return { why: "typing" };
  if (isInline) return 0;
  const dialog = openDialog();
  if (dialog) return { why: "dialog", by: dialog };
  const by = coveredAt(0);
  if (!by) return 0;
  const lift = innerHeight - by.getBoundingClientRect().top + GAP;
  return isButton(by) && lift < 2 * BUTTON && !coveredAt(lift) ? lift : { why: "covered", by };
}

/** What floats where the panel would stand, `lift` pixels above its place. */
function coveredAt(lift: number): Element | undefined {
  const isPhone = innerWidth <= 480;
  const edge = isPhone ? 0 : 24;
  const letters = Math.min(32, Math.max(16, parseFloat(getComputedStyle(document.documentElement).fontSize)));
  const width = isPhone ? innerWidth : Math.min(22.5 * letters, innerWidth - 48);
  const left = getComputedStyle(document.body).direction === "rtl" ? edge : innerWidth - edge - width;
  return across(left, innerHeight - edge - lift - HEIGHT, width, HEIGHT, (x, y) => floating(document.elementFromPoint(x, y), x, y));
}

/** What `find` finds first at points all over a box. */
function across<T>(left: number, top: number, width: number, height: number, find: (x: number, y: number) => T | undefined): T | undefined {
  for (let i = 0; i < 48; i++) {
    const found = find(left + INSET + ((width - 2 * INSET) * (i % 8)) / 7, top + INSET + ((height - 2 * INSET) * (i >> 3)) / 5);
    if (found) return found;
  }
  return undefined;
}

/** The element that floats over the page and of which `hit`, found at a point, is a part. */
function floating(hit: Element | null | undefined, x: number, y: number): Element | undefined {
  for (;;) {
    const root = hit?.shadowRoot;
    const inner = root?.elementFromPoint(x, y);
    if (!inner || inner.getRootNode() !== root) break;
    hit = inner;
  }
  for (let at = hit; at && at !== document.body; at = parentOf(at)) {
    const { position, bottom } = getComputedStyle(at);
    // Some pages live as a whole in a fixed box as large as the window.
    if (position === "fixed" ? shareOf(at) < 0.9 || !at.querySelector("h1") : position === "sticky" && bottom !== "auto") return at;
  }
  return undefined;
}

function isButton(element: Element): boolean {
  const { width, height } = element.getBoundingClientRect();
  return width <= BUTTON && height <= BUTTON;
}

function openDialog(): Element | undefined {
  const all = document.querySelectorAll(DIALOG);
  for (let i = 0; i < all.length; i++) {
    const dialog = all[i]!;
    const share = shareOf(dialog);
    const { visibility, opacity, pointerEvents } = getComputedStyle(dialog);
    if (!share || visibility !== "visible" || opacity === "0" || pointerEvents === "none") continue;
    if (share > LARGE || dialog.getAttribute("aria-modal") === "true" || dialog.contains(document.activeElement)) return dialog;
  }
  return undefined;
}

/** How much of the window it covers, from 0 to 1. A drawer that waits outside of it covers nothing. */
function shareOf(element: Element): number {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  const width = Math.min(right, innerWidth) - Math.max(left, 0);
  const height = Math.min(bottom, innerHeight) - Math.max(top, 0);
  return width > 1 && height > 1 ? (width * height) / (innerWidth * innerHeight) : 0;
}

function parentOf(element: Element): Element | null {
  return element.parentElement || (element.getRootNode() as ShadowRoot).host || null;
}

function isTyping(): boolean {
  let at = document.activeElement as HTMLElement | null;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement as HTMLElement;
  return !!at && (at.isContentEditable || /^(textarea|select|input)$/i.test(at.tagName));
}
