"""What can't be read of a page as it stands in a window: text that is cut, that sticks out, that lies under other text."""

from playwright.sync_api import Page

# Folded parts are read as well; what floats above the page when it is opened is not part of the page.
UNFOLD = """() => document.querySelectorAll("main details:not(.menu, .confirm, .months)").forEach((e) => { e.open = true; })"""

LOST = """() => {
  const lost = new Set(), outside = new Set(), pen = new OffscreenCanvas(1, 1).getContext("2d");
  const name = (e) => `${e.tagName.toLowerCase()}.${String(e.className.baseVal ?? e.className).replaceAll(" ", ".")}`;
  const say = (what, e, text) => lost.add(`${what}: ${name(e)} ${text.trim().replace(/\\s+/g, " ").slice(0, 60)}`);
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) lost.add(`the page is ${wide} wide`);
  const APART = ".unseen, .skip, svg, canvas, dialog:not([open]), code, details:not([open]) > :not(summary)";
  const seen = (e) => e.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true}) && !e.closest(APART);
  for (const e of document.querySelectorAll("body *")) {
    if (!seen(e)) continue;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (box.width <= 1) continue;
    const hides = (flow) => flow === "hidden" || flow === "clip";
    if (e.textContent.trim() && (hides(style.overflowX) && e.scrollWidth > e.clientWidth + 1 || hides(style.overflowY) && e.scrollHeight > e.clientHeight + 2 && !e.matches(".words"))) say("cut", e, e.textContent);
    if (/auto|scroll/.test(style.overflowX) && e.scrollWidth > e.clientWidth + 1 && !e.closest(".tabs, .twin")) say("to be pushed sideways", e, e.textContent);
    if (box.right > innerWidth + 1 && !e.closest(".tabs, .twin") && style.position !== "fixed") {
      if (!outside.has(e.parentElement)) say("outside", e, e.textContent);
      outside.add(e);
    }
    if (e.localName === "select" || e.placeholder && !e.value && !/^https?:/.test(e.placeholder)) {
      pen.font = style.font;
      const text = e.localName === "select" ? e.selectedOptions[0]?.label ?? "" : e.localName === "input" ? e.placeholder : "";
      const room = e.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - (e.localName === "select" ? 14 : 0);
      // On the smallest phones a choice is read whole in the list that opens.
      if (pen.measureText(text).width > room + 1 && (innerWidth > 340 || e.localName !== "select")) say("cut", e, text);
    }
  }
  const rows = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  for (let node; (node = texts.nextNode()); ) {
    const e = node.parentElement;
    if (!node.data.trim() || !seen(e) || e.closest("option, textarea") || getComputedStyle(e).clipPath !== "none") continue;
    let holder = e;
    while (getComputedStyle(holder).display.startsWith("inline") && !/flex|block|grid/.test(getComputedStyle(holder).display)) holder = holder.parentElement;
    const box = holder.getBoundingClientRect(), rolls = /auto|scroll/.test(getComputedStyle(holder).overflowY), floats = e.closest(".side, .me, .main-menu, .drop, .confirm > form, .bulk") !== null;
    range.selectNodeContents(node);
    for (const line of range.getClientRects()) {
      if (line.width < 1 || e.closest(".tabs, .twin")) continue;
      if (line.right > box.right + 1.5 || line.left < box.left - 1.5 || !rolls && line.bottom > box.bottom + 6) say("sticks out", holder, node.data);
      if (!floats) rows.push({line, node});
    }
  }
  rows.sort((a, b) => a.line.top - b.line.top);
  for (let i = 0; i < rows.length; i++) for (let j = i + 1; j < rows.length && rows[j].line.top < rows[i].line.bottom - 5; j++) {
    const a = rows[i].line, b = rows[j].line;
    if (rows[i].node !== rows[j].node && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - b.top > 5) say("over each other", rows[i].node.parentElement, `${rows[i].node.data.trim()} / ${rows[j].node.data.trim()}`);
  }
  return [...lost];
}"""


def lost(page: Page) -> list[str]:
    """Empty where all of it can be read."""
    found: list[str] = page.evaluate(LOST)
    return found
