/**
 * CookieYes: `getCkyConsent()`, and its event on the document.
 * https://www.cookieyes.com/documentation/retrieving-consent-data-using-api-getckyconsent/
 * https://www.cookieyes.com/documentation/events-on-cookie-banner-interactions/
 *
 * Read: the categories `functional` and `analytics`, either, once the shopper has acted.
 */
import type { Platform } from "./said";

export const EVENT = "cookieyes_consent_update";

export const cookieyes: Platform = ({ getCkyConsent }) => {
  const now = getCkyConsent && getCkyConsent();
  return now && (now.isUserActionCompleted ? !!(now.categories.functional || now.categories.analytics) : null);
};
