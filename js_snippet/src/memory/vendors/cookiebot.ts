/**
 * Cookiebot: the object `Cookiebot`, and its event on the window.
 * https://www.cookiebot.com/en/developer/
 *
 * Read: `consent.preferences` and `consent.statistics`, either, once there was a response. Until its script runs,
 * `window.Cookiebot` is the script element, whose id is "Cookiebot"; that is no response either.
 */
import type { Platform } from "./said";

export const EVENT = "CookiebotOnConsentReady";

export const cookiebot: Platform = ({ Cookiebot: it }) =>
  it && (it.hasResponse ? !!(it.consent.preferences || it.consent.statistics) : null);
