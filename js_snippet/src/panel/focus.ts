/** Whether the focus is in the panel. */
export function isInside(root: ShadowRoot): boolean {
  return !!root.activeElement;
}

/** Remembers what had the focus before it came into `host`, to give it back when the control that has it goes away. */
export function rememberFocus(host: HTMLElement): { giveBack(): void } {
  let before: HTMLElement | null = null;
  host.addEventListener("focusin", (event) => {
    const from = event.relatedTarget as HTMLElement | null;
    if (from && from !== host) before = from;
  });
  return {
    giveBack() {
      if (before?.isConnected) before.focus({ preventScroll: true });
    },
  };
}
