/**
 * Runs `work`; whatever goes wrong in it stays here, and is told only to who asks by the page's address. A shop's page
 * must never notice an error of ours.
 */
export function quietly(work: () => unknown): void {
  try {
    const result = work();
    if (result instanceof Promise) result.catch(swallow);
  } catch (error) {
    swallow(error);
  }
}

export function nothing(): void {}

/** Whether the page's address asks why. */
export function isWhyAsked(): boolean {
  return /[?&]atbalss_why=1/.test(location.search);
}

function swallow(error: unknown): void {
  if (isWhyAsked()) console.warn("Atbalss:", error);
}
