/**
 * Runs `work`; whatever goes wrong in it, at once or later, stays here, and is told only to who asks by the page's
 * address. A shop's page must never notice an error of ours.
 */
export async function quietly(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isWhyAsked()) console.warn("Atbalss:", error);
  }
}

export function nothing(): void {}

/** Whether the page's address asks why. Not by a regular expression: what a page has broken must not break this. */
export function isWhyAsked(): boolean {
  return location.search.includes("atbalss_why=1");
}
