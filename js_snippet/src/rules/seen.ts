/** Waits until somebody sees the page: not in a tab in the background, nor in one prepared before it is asked for. */
export async function seen(): Promise<void> {
  while (document.hidden) await change();
}

/** The next time the page is hidden or shown, or a field loses the focus. */
export function change(): Promise<void> {
  return new Promise((done) => {
    const names = ["visibilitychange", "prerenderingchange", "focusout"];
    const happened = (): void => {
      for (let i = 0; i < names.length; i++) document.removeEventListener(names[i]!, happened);
      // Later, so that the field to which the focus moves is known.
      setTimeout(done);
    };
    for (let i = 0; i < names.length; i++) document.addEventListener(names[i]!, happened);
  });
}
