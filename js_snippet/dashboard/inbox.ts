/**
 * Keys for the answers. `j` and `k` move the focus from row to row, so that Enter, Tab and a screen reader go on from
 * there; every other key presses the button that bears it in `data-key`. Letters typed into a field are letters, and the
 * keys can be turned off (WCAG 2.1.4). All of it hangs on the document, so that parts that come later have it too.
 */
const OFF = "atbalss-keys-off";
const FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
let listens = false;

export function start(_root: ParentNode): void {
  document.documentElement.classList.add("has-keys");
  for (const box of document.querySelectorAll<HTMLInputElement>("[data-keys-on]")) box.checked = !isOff();
  count();
  if (listens) return;
  listens = true;
  document.addEventListener("keydown", pressed);
  document.addEventListener("change", changed);
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("[data-keys-show]")) help();
  });
}

function pressed(event: KeyboardEvent): void {
  const { key, target } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || event.isComposing || event.repeat && key !== "j" && key !== "k") return;
  if (target instanceof Element && target.closest(`${FIELDS}, dialog`)) return;
  if (key === "?" || !isOff()) {
    if (act(key)) event.preventDefault();
  }
}

/** Whether the key meant something here. */
function act(key: string): boolean {
  if (key === "?") return help();
  if (key === "j" || key === "k") return move(key === "j" ? 1 : -1);
  if (key === "/") return focus(document.querySelector<HTMLElement>("[data-search]"));
  if (key === "u") return click(document.querySelector<HTMLElement>(".head .back a"));
  const row = here();
  if (key === "o") return click(row?.querySelector<HTMLElement>("[data-open]"));
  if (key === "x") return click(row?.querySelector<HTMLElement>("[data-tick]"));
  return /^[a-z]$/.test(key) && press(document.querySelector<HTMLElement>(`[data-key="${key}"]`), row);
}

/** In a list the button is about what is ticked; where nothing is, about the row one is at. */
function press(button: HTMLElement | null, row: Element | null): boolean {
  if (!button) return false;
  if (button.tagName === "TEXTAREA") return focus(button);
  const list = document.querySelector("[data-inbox]");
  if (list && !list.querySelector("[data-tick]:checked")) {
    const tick = row?.querySelector<HTMLInputElement>("[data-tick]");
    if (!tick) return false;
    tick.checked = true;
    count();
  }
  if (button.tagName === "SUMMARY") {
    const fold = button.parentElement as HTMLDetailsElement;
    fold.open = true;
    return focus(fold.querySelector<HTMLElement>("input:not([type=hidden])"));
  }
  button.click();
  return true;
}

function move(by: number): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? rows[0] : rows[at + by];
  return focus(next?.querySelector<HTMLElement>("[data-open]"));
}

function here(): Element | null {
  return document.activeElement?.closest("[data-row]") ?? null;
}

function focus(element: HTMLElement | null | undefined): boolean {
  element?.focus();
  element?.scrollIntoView({ block: "nearest" });
  return !!element;
}

function click(element: HTMLElement | null | undefined): boolean {
  element?.click();
  return !!element;
}

function help(): boolean {
  const dialog = document.querySelector<HTMLDialogElement>("dialog[data-keys]");
  if (dialog && !dialog.open) dialog.showModal();
  return !!dialog;
}

function changed({ target }: Event): void {
  if (!(target instanceof HTMLInputElement)) return;
  if (target.matches("[data-keys-on]")) remember(!target.checked);
  if (target.matches("[data-tick]")) count();
  if (target.closest("[data-tick-all]")) {
    for (const box of document.querySelectorAll<HTMLInputElement>("[data-tick]")) box.checked = target.checked;
    count();
  }
}

/** How many are ticked, beside what can be done with them. */
function count(): void {
  const place = document.querySelector("[data-ticked]");
  const n = document.querySelectorAll("[data-tick]:checked").length;
  if (place) place.textContent = n ? `(${n})` : "";
  const all = document.querySelector<HTMLElement>("[data-tick-all]");
  const box = all?.querySelector("input");
  if (!all || !box) return;
  const boxes = document.querySelectorAll("[data-tick]").length;
  all.hidden = boxes === 0;
  box.checked = n > 0 && n === boxes;
  box.indeterminate = n > 0 && n < boxes;
}

function isOff(): boolean {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false;
  }
}

function remember(off: boolean): void {
  try {
    if (off) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
  } catch {
    // Then it holds until the next page only.
  }
}
