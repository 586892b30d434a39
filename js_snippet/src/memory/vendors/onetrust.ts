/**
 * OneTrust (and CookiePro): `OnetrustActiveGroups`, such as ",C0001,C0003,", and the event OneTrustGroupsUpdated.
 * https://developer.onetrust.com/onetrust/docs/javascript-events-guide
 * https://my.onetrust.com/articles/en_US/Knowledge/UUID-66bcaaf1-c7ca-5f32-6760-c75a1337c226
 *
 * Read: the groups C0003 (functional) and C0002 (performance), either. A shop that numbered its groups otherwise tells
 * us by the own hook.
 */
import type { Platform } from "./said";

export const EVENT = "OneTrustGroupsUpdated";

export const onetrust: Platform = ({ OneTrust, OnetrustActiveGroups: groups }) =>
  groups ? /\bC000[23]\b/.test("" + groups) : OneTrust && null;
