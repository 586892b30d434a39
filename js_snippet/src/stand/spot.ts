/** Whether the panel stands free, where it really stands. */
import { parentOf, shareOf } from "../rules/geometry";

/** A floating button (a chat, most often) is not covered: the panel stands above it. */
const BUTTON = 140;
const GAP = 8;
/** The panel's corners are round. */
const INSET = 16;

/** What lies over the panel or under it. One that is new stands over nothing; later a button may come to lie under it. */
export function inTheWayOf(panel: Element, isNew: boolean): Element | undefined {
  const { left, top, width, height } = panel.getBoundingClientRect();
  if (!width) return panel; // nothing can be seen in this document
  for (let i = 0; i < 48; i++) {
    const x = left + INSET + ((width - 2 * INSET) * (i % 8)) / 7;
    const y = top + INSET + ((height - 2 * INSET) * (i >> 3)) / 5;
    const stack = document.elementsFromPoint(x, y);
    let j = 0;
    while (/^atbalss/.test(stack[j]?.localName!)) j++;
    const by = floating(stack[j], x, y);
    if (by && (isNew || !j || !isButton(by))) return by;
  }
  return undefined;
}

/** How much higher than usual the panel must stand to be above what is in its way; undefined when that is no button. */
export function liftOver(by: Element): number | undefined {
  const lift = innerHeight - by.getBoundingClientRect().top + GAP;
  return isButton(by) && lift < 2 * BUTTON ? lift : undefined;
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
