/**
 * Runs `work`; whatever goes wrong in it stays here, and is told only to who asks by the page's address. A shop's page
 * must never notice an error of ours.
 */
export async function quietly(work: () => unknown): Promise<void> {
  try {
    // Not result.catch(): a page may have put another Promise in place of the browser's.
    await work();
  } catch (error) {
    try {
      if (isWhyAsked()) console.warn("Atbalss:", error);
    } catch {
      // a page that broke even this isn't told
    }
  }
}

export function nothing(): void {}

/** Whether the page's address asks why. */
export function isWhyAsked(): boolean {
  return /[?&]atbalss_why=1/.test(location.search);
}
