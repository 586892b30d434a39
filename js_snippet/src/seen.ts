/** Waits until somebody sees the page: not in a tab in the background, nor in one prepared before it is asked for. */
export async function seen(): Promise<void> {
  while (document.hidden) {
    await new Promise<unknown>((done) => document.addEventListener("visibilitychange", done, { once: true }));
  }
}
