/**
 * Whether the shopper allows us to keep something in this browser: what the page's own hook says and every consent
 * platform on the page. One no wins over every yes; who hasn't decided hasn't allowed.
 */
import type { Tools, Widget } from "../types";
import { cookiebot, EVENTS as COOKIEBOT } from "./vendors/cookiebot";
import { cookieyes, EVENTS as COOKIEYES } from "./vendors/cookieyes";
import { google } from "./vendors/google";
import { EVENTS as ONETRUST, onetrust } from "./vendors/onetrust";
import type { Said } from "./vendors/said";
import { tcf } from "./vendors/tcf";

/** A platform that said nothing for so long isn't going to say yes, ms. */
const LONGEST_SILENCE = 10000;
/** What is chosen by a click is told a little later, ms. */
const SETTLES = [0, 1000];
/** Google's platform has no event for us, and others may come at any time. No script of the page is changed to hear. */
const HINTS = ["click", "keyup", "visibilitychange", "pagehide", "load"];

/** Gives what is said now. `changed` is called whenever it may be worth asking again. */
export function consent(
  { bell, tagConsent }: Tools,
  { consent: set }: Widget,
  told: () => boolean | undefined,
  changed: () => void,
): () => Said {
  const tagged = tagConsent === "granted" || (tagConsent === "denied" ? false : set === "always" || undefined);
  const own = (): Said => told() ?? tagged;
  const platforms = [own, google(), tcf(changed), cookiebot(), onetrust, cookieyes];
  const events = [HINTS, COOKIEBOT, ONETRUST, COOKIEYES];
  let silentSince = 0;

  const happened = (): void => {
    changed();
    for (let i = 0; !document.hidden && i < SETTLES.length; i++) setTimeout(changed, SETTLES[i]);
  };
  for (let i = 0; i < events.length; i++) {
    // On its way to the document, every event passes here.
    for (let j = 0; j < events[i]!.length; j++) addEventListener(events[i]![j]!, happened, true);
  }
  bell.addEventListener("push", changed);

  return () => {
    if ((navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl || set === "never") return false;
    let yes: Said;
    let isOpen = false;
    for (let i = 0; i < platforms.length; i++) {
      const said = saidBy(platforms[i]!);
      if (said === false) return false;
      if (said) yes = said;
      isOpen ||= said === null;
    }
    if (!isOpen) {
      silentSince = 0;
      return yes;
    }
    const now = performance.now();
    silentSince ||= now;
    return now - silentSince > LONGEST_SILENCE ? false : null;
  };
}

/** A platform that breaks has said nothing. */
function saidBy(platform: () => Said): Said {
  try {
    return platform();
  } catch {
    return null;
  }
}
