/**
 * OneTrust (and CookiePro): `OnetrustActiveGroups`, such as ",C0001,C0003,", and the event OneTrustGroupsUpdated.
 * https://developer.onetrust.com/onetrust/docs/javascript-events-guide
 * https://my.onetrust.com/articles/en_US/Knowledge/UUID-66bcaaf1-c7ca-5f32-6760-c75a1337c226
 *
 * Read: the groups C0003 (functional) and C0002 (performance), either. A shop that numbered its groups otherwise tells
 * us by the own hook.
 */
import type { Said } from "./said";

export const EVENTS = ["OneTrustGroupsUpdated"];

export function onetrust(): Said {
  const { OneTrust, OnetrustActiveGroups } = window as unknown as { OneTrust?: object; OnetrustActiveGroups?: string };
  if (OnetrustActiveGroups) return /\bC000[23]\b/.test("" + OnetrustActiveGroups);
  return OneTrust ? null : undefined;
}
