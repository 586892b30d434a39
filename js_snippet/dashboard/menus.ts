/** Menus are <details>: here they close on Escape, on a click elsewhere and when another one opens. */
const OPEN = "details.menu[open], details.confirm[open]";
let listens = false;

export function start(_root: ParentNode): void {
  if (listens) return;
  listens = true;
  document.addEventListener("click", ({ target }) => close((menu) => !(target instanceof Node && menu.contains(target))));
  document.addEventListener("focusin", ({ target }) => close((menu) => !(target instanceof Node && menu.contains(target))));
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    const inner = [...document.querySelectorAll<HTMLDetailsElement>(OPEN)].filter((menu) => menu.contains(document.activeElement)).pop();
    inner?.querySelector("summary")?.focus();
    if (inner) inner.open = false;
    else close(() => true);
  });
}

function close(which: (menu: HTMLDetailsElement) => boolean): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>(OPEN)) if (which(menu)) menu.open = false;
}
