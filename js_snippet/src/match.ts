import type { Question } from "./types";

/** A rule about the address of a page: the text it is, contains, or is like (`*` stands for anything). */
export interface UrlRule {
  is?: string;
  contains?: string;
  like?: string;
  /** the pages that it fits are those not to ask on */
  not?: boolean;
}

/** Whether a page is one of those that `where` names. With no rule that says where, it is any but those ruled out. */
export function isWhere({ settings }: Question, address: Location): boolean {
  const rules = settings["where"] as UrlRule[] | undefined;
  let isIn: boolean | undefined;
  for (let i = 0; rules && i < rules.length; i++) {
    const does = fits(rules[i]!, address);
    if (!rules[i]!.not) isIn ||= does;
    else if (does) return false;
  }
  return isIn ?? true;
}

/**
 * Looked at is the path with its parameters, the whole address for a rule that begins with http. A rule that names no
 * parameter doesn't mind those that campaigns hang on.
 */
function fits({ is, contains, like }: UrlRule, { origin, pathname, search }: Location): boolean {
  // An owner who asks why is on the page that shoppers see.
  search = search.replace(/([?&])atbalss_why=1(&|$)/, (_, head: string, tail: string) => tail && head);
  const rule = (is ?? contains ?? like)!;
  const parts = like ? rule.split("*") : contains ? ["", rule, ""] : [rule];
  const text = readable((/^http/.test(rule) ? origin : "") + pathname + (contains || rule.includes("?") ? search : ""));
  const last = parts.length - 1;
  let from = 0;
  for (let i = 0; i <= last; i++) {
    const part = readable(parts[i]!);
    const at = i < last ? text.indexOf(part, from) : text.length - part.length;
    if (at < from || (!i && at) || !text.startsWith(part, at)) return false;
    from = at + part.length;
  }
  return true;
}

/** Addresses spell "ā" as %C4%81, and owners as they like. */
function readable(address: string): string {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}
