/**
 * IAB TCF 2.2: `__tcfapi("addEventListener", 2, callback)`.
 * https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework/blob/master/TCFv2/IAB%20Tech%20Lab%20-%20CMP%20API%20v2.md
 *
 * Read: consent to purpose 1 (store and access information on a device). Where the GDPR doesn't apply, that is a yes.
 */
import type { Said } from "./said";

interface Data {
  eventStatus?: string;
  gdprApplies?: boolean;
  purpose?: { consents?: { [purpose: number]: boolean } };
}
type Api = (command: string, version: number, callback: (data: Data | null, success: boolean) => void) => void;

export function tcf(changed: () => void): () => Said {
  let known: Api | undefined;
  let said: Said;

  return () => {
    const api = (window as unknown as { __tcfapi?: Api }).__tcfapi;
    if (api && api !== known) {
      known = api;
      said ??= null;
      api("addEventListener", 2, (data, success) => {
        if (!success || !data) return;
        const { eventStatus, gdprApplies, purpose } = data;
        if (gdprApplies === false) said = true;
        // The shopper is asked. A choice made before holds until it is changed; without one there is none.
        else if (eventStatus === "cmpuishown") said ??= false;
        else said = purpose?.consents?.[1] === true;
        changed();
      });
    }
    return said;
  };
}
