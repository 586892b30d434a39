/** Remembers what had the focus before it came into `host`; gives a function that gives it back, should it still be inside. */
export function focusOf(host: HTMLElement): () => void {
  let before: HTMLElement | null = null;
  host.addEventListener("focusin", (event) => {
    const from = event.relatedTarget as HTMLElement | null;
    if (from && from !== host) before = from;
  });
  return () => {
    if (host.shadowRoot!.activeElement && before?.isConnected) before.focus({ preventScroll: true });
  };
}
