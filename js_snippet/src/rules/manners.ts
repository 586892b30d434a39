/** Manners: when and where a question may be shown without disturbing. Looked at on events; nothing polls. */
import { parentOf, shareOf } from "./geometry";
import type { Way } from "./way";

/** Why not now (all of them pass), and what is in the way: a change of it is worth another look. */
export interface Obstacle {
  why: "hidden" | "typing" | "dialog";
  by?: Element | undefined;
}

const DIALOG = "dialog[open],[role$=dialog],[aria-modal=true],.modal.show";
const SEEN = { checkOpacity: true, checkVisibilityCSS: true };
/** A dialog that leaves the page usable counts from this share of the window on. */
const LARGE = 0.25;
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

/**
 * The next time that something happens after which another look may find something else, or `ms` later; never, once
 * `signal` is aborted. Nothing of ours runs in the page's events: what they call is the promise's own.
 */
export async function change(signal: AbortSignal, by?: Element, ms?: number): Promise<void> {
  const names = "visibilitychange focusout close toggle transitionend animationend click keyup resize".split(" ");
  const watch = new AbortController();
  let observer: MutationObserver | undefined;
  let timer: ReturnType<typeof setTimeout>;
  const stop = (): void => {
    clearTimeout(timer);
    watch.abort();
    observer?.disconnect();
  };
  signal.addEventListener("abort", stop);
  await new Promise<unknown>((happened) => {
    if (signal.aborted) return;
    for (let i = 0; i < names.length; i++) addEventListener(names[i]!, happened, { capture: true, passive: true, signal: watch.signal });
    observer = new MutationObserver(happened);
    for (let at: Element | null = by || document.body; at; at = parentOf(at)) observer.observe(at, { attributes: true, childList: true });
    if (ms) timer = setTimeout(happened, ms);
  });
  stop();
  await new Promise((settled) => {
    if (!signal.aborted) timer = setTimeout(settled, SETTLES);
  });
}

function busy(): Obstacle | undefined {
  if (document.hidden || !innerWidth || !innerHeight) return { why: "hidden" };
  let at = document.activeElement as HTMLElement | null;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement as HTMLElement;
  return at && (at.isContentEditable || /^(textarea|select|input)$/i.test(at.tagName)) ? { why: "typing" } : undefined;
}

export function openDialog(): Obstacle | undefined {
  const all = document.querySelectorAll(DIALOG);
  for (let i = 0; i < all.length; i++) {
    const by = all[i]!;
    const share = shareOf(by);
    if (!share || by.checkVisibility?.(SEEN) === false) continue;
    if (share > LARGE || by.getAttribute("aria-modal") === "true" || by.contains(document.activeElement)) return { why: "dialog", by };
  }
  return undefined;
}
