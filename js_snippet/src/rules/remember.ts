import type { MakeMemory, Tools, Widget } from "../types";

/** What a shop's consent platform leaves in the page, and what we left in this browser. */
const SIGNS = "__tcfapi Cookiebot OneTrust OnetrustActiveGroups getCkyConsent".split(" ");

/** Loads the memory once something in the page speaks of consent: most pages need none. */
export async function remember(tools: Tools, widget: Widget): Promise<void> {
  try {
    if (!tools.memory && isSpokenOf(tools, widget)) tools.memory = (await tools.load<{ memory: MakeMemory }>("memory")).memory(tools, widget, () => tools.consent);
  } catch {
    // then nothing is remembered
  }
}

function isSpokenOf({ consent, tagConsent }: Tools, widget: Widget): unknown {
  const page = window as unknown as { [name: string]: unknown };
  const layer = page["dataLayer"] as unknown[][] | undefined;
  let is: unknown = consent !== undefined || tagConsent || widget.consent === "always";
  for (let i = 0; i < SIGNS.length; i++) is ||= page[SIGNS[i]!];
  for (let i = 0; layer && i < layer.length; i++) is ||= layer[i]?.[0] === "consent";
  return is || localStorage["atbalss"];
}
