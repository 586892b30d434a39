import type { MakeMemory, Memory, Tools, Widget } from "../types";
import type { Page } from "./page";

/** What a shop's consent platform leaves in the page. */
const PLATFORMS = ["__tcfapi", "Cookiebot", "OneTrust", "OnetrustActiveGroups", "getCkyConsent"];

/** Gives what is remembered of the visitor once something in the page speaks of consent: most pages need no memory. */
export function memories(tools: Tools, has: Page["has"], load: Page["load"]): (widget: Widget) => Promise<Memory | undefined> {
  let memory: Memory | undefined;
  return async (widget) => {
    if (!memory && has("memory") && (widget.consent === "always" || (!widget.consent && mayConsent(tools)))) {
      try {
        memory = (await load<{ memory: MakeMemory }>("memory")).memory(tools, widget, () => tools.consent);
      } catch {
        // then nothing is remembered
      }
    }
    return memory;
  };
}

function mayConsent({ consent, tagConsent }: Tools): boolean {
  const page = window as unknown as { [name: string]: unknown };
  if (consent !== undefined || tagConsent) return true;
  for (let i = 0; i < PLATFORMS.length; i++) if (page[PLATFORMS[i]!]) return true;
  const layer = page["dataLayer"] as { [i: number]: unknown; length: number } | undefined;
  for (let i = 0; layer && i < layer.length; i++) if ((layer[i] as unknown[] | undefined)?.[0] === "consent") return true;
  return false;
}
