/**
 * Cookiebot: the object `Cookiebot`, and its events on the window.
 * https://www.cookiebot.com/en/developer/
 *
 * Read: `consent.preferences` and `consent.statistics`, either, once there was a response. Until its script runs,
 * `window.Cookiebot` is the script element, whose id is "Cookiebot"; that is no response either.
 */
import type { Said } from "./said";

interface Cookiebot {
  hasResponse?: boolean;
  consent?: { preferences?: boolean; statistics?: boolean };
}

export const EVENTS = ["CookiebotOnConsentReady", "CookiebotOnAccept", "CookiebotOnDecline"];

export function cookiebot(): () => Said {
  let responded = false;

  return () => {
    const { Cookiebot } = window as unknown as { Cookiebot?: Cookiebot };
    if (!Cookiebot) return undefined;
    if (!Cookiebot.hasResponse) return responded ? false : null; // renew() takes the response back
    responded = true;
    return !!(Cookiebot.consent!.preferences || Cookiebot.consent!.statistics);
  };
}
