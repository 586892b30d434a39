/**
 * Google Consent Mode: `gtag("consent", "default" | "update", {...})`, which is an entry in `dataLayer`.
 * https://developers.google.com/tag-platform/security/guides/consent
 * https://developers.google.com/tag-platform/gtagjs/reference#consent
 *
 * Read: `analytics_storage`, and `functionality_storage` where it was denied by default; many shops grant that one to
 * everybody, which is nobody's consent. An update goes before any default, whichever came first. Where the shopper is
 * can't be known here, so what is denied in one region is denied, and what is granted in one region only is not granted.
 */
import type { Platform } from "./said";

type State = { [key: string]: unknown };

const ANALYTICS = "analytics_storage";
const FUNCTIONALITY = "functionality_storage";

export function google(): Platform {
  // Tag Manager drops old entries from the front of a long list, so what they said is kept: by command and key, and by
  // the key alone where it is denied in a region.
  const said: { [what: string]: boolean | undefined } = {};

  const take = (command: string, state: State, key: string): void => {
    const granted = state[key] === "granted";
    if (!state[key]) return;
    if (!state["region"]) said[command + key] = granted;
    else if (!granted) said[key] = true;
  };
  return ({ dataLayer }) => {
    for (let i = 0; dataLayer && i < dataLayer.length; i++) {
      const entry = dataLayer[i] as [string, string, State] | null;
      if (entry && entry[0] === "consent") {
        said["any"] = true;
        take(entry[1], entry[2], ANALYTICS);
        take(entry[1], entry[2], FUNCTIONALITY);
      }
    }
    const analytics = said["update" + ANALYTICS];
    const functionality = said["update" + FUNCTIONALITY];
    if (analytics ?? (said["default" + ANALYTICS] && !said[ANALYTICS])) return true;
    if (functionality && (said[FUNCTIONALITY] || said["default" + FUNCTIONALITY] === false)) return true;
    return (analytics ?? functionality) === undefined ? said["any"] && null : false;
  };
}
