/**
 * CookieYes: `getCkyConsent()`, and its events on the document.
 * https://www.cookieyes.com/documentation/retrieving-consent-data-using-api-getckyconsent/
 * https://www.cookieyes.com/documentation/events-on-cookie-banner-interactions/
 *
 * Read: the categories `functional` and `analytics`, either, once the shopper has acted.
 */
import type { Said } from "./said";

interface Consent {
  isUserActionCompleted?: boolean;
  categories: { [category: string]: boolean };
}

export const EVENTS = ["cookieyes_banner_load", "cookieyes_consent_update"];

export function cookieyes(): Said {
  const { getCkyConsent } = window as unknown as { getCkyConsent?: () => Consent };
  if (!getCkyConsent) return undefined;
  const { isUserActionCompleted, categories } = getCkyConsent();
  return isUserActionCompleted ? !!(categories["functional"] || categories["analytics"]) : null;
}
