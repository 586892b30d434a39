/**
 * Google Consent Mode: `gtag("consent", "default" | "update", {...})`, which is an entry in `dataLayer`.
 * https://developers.google.com/tag-platform/security/guides/consent
 * https://developers.google.com/tag-platform/gtagjs/reference#consent
 *
 * Read: `analytics_storage`, and `functionality_storage` where it was denied by default; many shops grant that one to
 * everybody, which is nobody's consent. An update goes before any default, whichever came first. Where the shopper is
 * can't be known here, so what is denied in one region is denied, and what is granted in one region only is not granted.
 */
import type { Said } from "./said";

type Entry = { [place: number]: unknown } | null | undefined;
type State = { [key: string]: unknown };

const ANALYTICS = "analytics_storage";
const FUNCTIONALITY = "functionality_storage";

export function google(): () => Said {
  // Tag Manager drops old entries from the front of a long list, so what they said is kept.
  const updates: State = {};
  const defaults: State = {};
  const denied: State = {};
  let seen = false;

  return () => {
    const layer = (window as unknown as { dataLayer?: ArrayLike<Entry> }).dataLayer;
    for (let i = 0; layer && i < layer.length; i++) {
      const entry = layer[i];
      if (entry && entry[0] === "consent") {
        seen = true;
        take(entry[1], entry[2] as State, ANALYTICS);
        take(entry[1], entry[2] as State, FUNCTIONALITY);
      }
    }
    if (!seen) return undefined;
    if (updates[ANALYTICS] ?? (defaults[ANALYTICS] && !denied[ANALYTICS])) return true;
    if (updates[FUNCTIONALITY] && (denied[FUNCTIONALITY] || defaults[FUNCTIONALITY] === false)) return true;
    return (updates[ANALYTICS] ?? updates[FUNCTIONALITY]) === undefined ? null : false;
  };

  function take(command: unknown, state: State, key: string): void {
    const value = state[key];
    if (!value) return;
    const granted = value === "granted";
    if (command === "update") updates[key] = granted;
    else if (!state["region"]) defaults[key] = granted;
    else if (!granted) denied[key] = true;
  }
}
