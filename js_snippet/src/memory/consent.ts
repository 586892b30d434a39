/**
 * Whether the shopper allows us to keep something in this browser: what the page's own hook says and every consent
 * platform on the page. One no wins over every yes; who hasn't decided hasn't allowed.
 */
import type { Tools, Widget } from "../types";
import { cookiebot, EVENT as COOKIEBOT } from "./vendors/cookiebot";
import { cookieyes, EVENT as COOKIEYES } from "./vendors/cookieyes";
import { google } from "./vendors/google";
import { EVENT as ONETRUST, onetrust } from "./vendors/onetrust";
import type { Left, Platform, Said } from "./vendors/said";
import { tcf } from "./vendors/tcf";

/** A platform that said nothing for so long isn't going to say yes, ms. */
const LONGEST_SILENCE = 10000;
/**
 * When to look again. Google's platform has no event for us, and others may come at any time; no script of the page is
 * changed to hear of it. On its way to the document, every event passes the window.
 */
const HINTS = ["click", "visibilitychange", "pagehide", COOKIEBOT, ONETRUST, COOKIEYES];
/** What was clicked is told at once or a little later, ms. */
const LATER = 1000;

/** Gives what is said now. `changed` is called whenever it may be worth asking again. */
export function consent(
  { bell, tagConsent }: Tools,
  { consent: set }: Widget,
  told: () => boolean | undefined,
  changed: () => void,
): () => Said {
  const own: Platform = () =>
    told() ?? (tagConsent === "granted" || (tagConsent === "denied" ? false : set === "always" || undefined));
  const platforms = [own, google(), tcf(changed), cookiebot, onetrust, cookieyes];
  const hadYes: boolean[] = [];
  let silentSince = 0;

  const happened = (): void => {
    changed();
    if (document.hidden) return;
    setTimeout(changed);
    setTimeout(changed, LATER);
  };
  for (let i = 0; i < HINTS.length; i++) addEventListener(HINTS[i]!, happened, true);
  bell.addEventListener("push", changed);

  return () => {
    const now = performance.now();
    let isNo = (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl || set === "never";
    let isSilent = false;
    let yes: Said;
    for (let i = 0; i < platforms.length; i++) {
      const one = saidBy(platforms[i]!);
      // Who takes a yes back has said no.
      isNo ||= one === false || (one === null && hadYes[i]!);
      isSilent ||= one === null;
      yes ||= hadYes[i] = !!one;
    }
    silentSince = isSilent ? silentSince || now : 0;
    if (isNo || (isSilent && now - silentSince > LONGEST_SILENCE)) return false;
    return isSilent ? null : yes || undefined;
  };
}

/** A platform that breaks has said nothing. */
function saidBy(platform: Platform): Said {
  try {
    return platform(window as Left);
  } catch {
    return null;
  }
}
