/**
 * IAB TCF 2.2: `__tcfapi("addEventListener", 2, callback)`.
 * https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework/blob/master/TCFv2/IAB%20Tech%20Lab%20-%20CMP%20API%20v2.md
 *
 * Read: consent to purpose 1 (store and access information on a device). Where the GDPR doesn't apply, that is a yes.
 */
import type { Left, Platform, Said } from "./said";

export function tcf(changed: () => void): Platform {
  let known: Left["__tcfapi"];
  let said: Said;

  return ({ __tcfapi: api }) => {
    if (api && api !== known) {
      known = api;
      said ??= null;
      api("addEventListener", 2, (data, success) => {
        if (!success || !data) return;
        const isNeeded = data.gdprApplies !== false;
        // Being asked is no answer. A choice made before holds until it is changed; without one there is none.
        if (isNeeded && data.eventStatus === "cmpuishown") said ??= false;
        else said = !isNeeded || data.purpose?.consents?.[1] === true;
        changed();
      });
    }
    return said;
  };
}
