/** Copy buttons beside what is meant to be pasted elsewhere. */
const LONG_ENOUGH = 2500;
let listens = false;

export function start(_root: ParentNode): void {
  if (listens) return;
  listens = true;
  document.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>("[data-copy]") : null;
    const text = button?.parentElement?.querySelector("code")?.textContent;
    if (button && text != null) void copied(button, text);
  });
}

async function copied(button: HTMLElement, text: string): Promise<void> {
  const words = button.querySelector("span");
  const code = button.parentElement?.querySelector("code");
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Plain http or a browser that refuses: what is marked can be copied by hand.
    if (code) getSelection()?.selectAllChildren(code);
    return;
  }
  if (!words || button.dataset.said) return;
  const before = (button.dataset.said = words.textContent ?? "");
  words.textContent = button.dataset.done ?? before;
  setTimeout(() => {
    words.textContent = before;
    delete button.dataset.said;
  }, LONG_ENOUGH);
}
