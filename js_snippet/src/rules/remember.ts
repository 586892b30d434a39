import type { MakeMemory, Tools, Visit, Widget } from "../types";

/** What a shop's consent platform leaves in the page, and what we left in this browser. */
const SIGNS = "__tcfapi Cookiebot OneTrust OnetrustActiveGroups getCkyConsent";

/** Loads the memory once something in the page speaks of consent: most pages need none. */
export async function remember(tools: Tools, { reply }: Visit): Promise<void> {
  try {
    const widget = reply?.widget || {};
    if (tools.memory || !isSpokenOf(tools, widget)) return;
    const { memory } = await tools.load<{ memory: MakeMemory }>("memory");
    tools.memory ||= memory(tools, widget, () => tools.consent); // two may have waited for it
  } catch {
    // then nothing is remembered
  }
}

function isSpokenOf({ consent, tagConsent }: Tools, widget: Widget): unknown {
  const page = window as unknown as { [name: string]: unknown };
  const layer = page["dataLayer"] as unknown[][] | undefined;
  let is: unknown = consent !== undefined || tagConsent || widget.consent === "always";
  const signs = SIGNS.split(" ");
  for (let i = 0; i < signs.length; i++) is ||= page[signs[i]!];
  for (let i = 0; layer && i < layer.length; i++) is ||= layer[i]?.[0] === "consent";
  return is || localStorage["atbalss"];
}
