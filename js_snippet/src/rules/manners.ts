/** Manners: when and where a question may be shown without disturbing. Looked at on events; nothing polls. */
import type { Way } from "./way";

/** Why not now (all of them pass), and what is in the way: a change of it is worth another look. */
export interface Obstacle {
  why: "hidden" | "typing" | "dialog" | "covered";
  by?: Element | undefined;
}

const DIALOG = "dialog[open],[role$=dialog],[aria-modal=true],.modal.show";
const SEEN = { checkOpacity: true, checkVisibilityCSS: true };
/** A dialog that leaves the page usable counts from this share of the window on. */
const LARGE = 0.25;
/** A floating button (a chat, most often) is not covered: the panel stands above it. */
const BUTTON = 140;
const GAP = 8;
/** The panel's corners are round. */
const INSET = 16;
/** What happened needs this long to be seen. */
const SETTLES = 60;

/** Comes back once the page was looked at for `ms`. No timer runs in a hidden tab. */
export async function looked(ms: number, { signal }: Way): Promise<void> {
  while (ms > 0) {
    const isHidden = document.hidden;
    const since = performance.now();
    await change(signal, undefined, isHidden ? undefined : ms);
    if (!isHidden) ms -= performance.now() - since;
  }
}

/** Comes back once nobody would be disturbed; never, when the way has ended before. What waits until then is noted. */
export async function calm({ signal, keep, question }: Way): Promise<void> {
  for (;;) {
    const obstacle = busy() || (question.settings["inline"] ? undefined : openDialog());
    keep(obstacle?.why);
    if (!obstacle) return;
    await change(signal, obstacle.by);
  }
}

/** The next time that something happens after which another look may find something else, or `ms` later. */
export function change(signal: AbortSignal, by?: Element, ms?: number): Promise<void> {
  return new Promise((done) => {
    const names = "visibilitychange focusout close toggle transitionend animationend click keyup resize".split(" ");
    const watch = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const stop = (): void => {
      clearTimeout(timer);
      watch.abort();
      observer.disconnect();
    };
    const wait = (time: number): void => {
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
    for (let i = 0; i < names.length; i++) addEventListener(names[i]!, happened, { capture: true, passive: true, signal: watch.signal });
    for (let at: Element | null = by || document.body; at; at = parentOf(at)) observer.observe(at, { attributes: true, childList: true });
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    else if (ms) wait(ms);
  });
}

function busy(): Obstacle | undefined {
  if (document.hidden || !innerWidth || !innerHeight) return { why: "hidden" };
  let at = document.activeElement as HTMLElement | null;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement as HTMLElement;
  return at && (at.isContentEditable || /^(textarea|select|input)$/i.test(at.tagName)) ? { why: "typing" } : undefined;
}

/** What lies over the panel or under it. One that is new stands over nothing; later a button may come to lie under it. */
export function inTheWayOf(panel: Element, isNew: boolean): Obstacle | undefined {
  const { left, top, width, height } = panel.getBoundingClientRect();
  for (let i = 0; i < 48; i++) {
    const x = left + INSET + ((width - 2 * INSET) * (i % 8)) / 7;
    const y = top + INSET + ((height - 2 * INSET) * (i >> 3)) / 5;
    const stack = document.elementsFromPoint(x, y);
    let j = 0;
    while (/^atbalss/.test(stack[j]?.localName!)) j++;
    const by = floating(stack[j], x, y);
    if (by && (isNew || !j || !isButton(by))) return { why: "covered", by };
  }
  return openDialog();
}

/** How much higher than usual the panel must stand to be above what is in its way; undefined when that is no button. */
export function liftOver({ by }: Obstacle): number | undefined {
  const lift = innerHeight - by!.getBoundingClientRect().top + GAP;
  return isButton(by!) && lift < 2 * BUTTON ? lift : undefined;
}

/** The element that floats over the page and of which `hit`, found at a point, is a part. */
function floating(hit: Element | null | undefined, x: number, y: number): Element | undefined {
  for (let root = hit?.shadowRoot; root; ) {
    const stack = root.elementsFromPoint(x, y);
    let i = 0;
    while (stack[i] && stack[i]!.getRootNode() !== root) i++;
    hit = stack[i] || hit;
    root = stack[i]?.shadowRoot;
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

function openDialog(): Obstacle | undefined {
  const all = document.querySelectorAll(DIALOG);
  for (let i = 0; i < all.length; i++) {
    const by = all[i]!;
    const share = shareOf(by);
    if (!share || by.checkVisibility?.(SEEN) === false) continue;
    if (share > LARGE || by.getAttribute("aria-modal") === "true" || by.contains(document.activeElement)) return { why: "dialog", by };
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
