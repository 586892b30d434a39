/** Menus are <details>: here they close on Escape, on a click elsewhere and when another one opens. Of a strip of tabs that
 * is wider than the screen, the part is seen that one is in. */
const OPEN = "details.menu[open], details.confirm[open]";
let listens = false;

export function start(root: ParentNode): void {
  for (const tab of root.querySelectorAll<HTMLElement>(".tabs [aria-current]")) show(tab);
  if (listens) return;
  listens = true;
  document.addEventListener("click", ({ target }) => close((menu) => !(target instanceof Node && menu.contains(target))));
  document.addEventListener("focusin", ({ target }) => close((menu) => !(target instanceof Node && menu.contains(target))));
  // What asks once more unfolds into sight, above the menu at the foot of phones.
  document.addEventListener("toggle", ({ target }) => target instanceof HTMLDetailsElement && target.matches(".confirm[open]") && target.scrollIntoView({ block: "nearest" }), true);
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    const inner = [...document.querySelectorAll<HTMLDetailsElement>(OPEN)].filter((menu) => menu.contains(document.activeElement)).pop();
    inner?.querySelector("summary")?.focus();
    if (inner) inner.open = false;
    else close(() => true);
  });
}

function show(tab: HTMLElement): void {
  const strip = tab.closest(".tabs");
  if (!strip) return;
  const [at, room] = [tab.getBoundingClientRect(), strip.getBoundingClientRect()];
  strip.scrollLeft += at.left + at.width / 2 - room.left - room.width / 2;
}

function close(which: (menu: HTMLDetailsElement) => boolean): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>(OPEN)) if (which(menu)) menu.open = false;
}
