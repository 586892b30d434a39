import type { Value } from "../types";

/**
 * The key of the text that is asked after `value`; undefined when nothing is. `setting` is "never", "always", one value,
 * or a list of branches {when?: values, text?: key}, of which the first that fits counts.
 */
export function followUpOf(setting: unknown, value: Value): string | undefined {
  if (setting === "always" || setting === value) return "follow_up";
  const branches = (typeof setting === "object" && setting) as { length: number; [i: number]: { when?: Value[]; text?: string } };
  for (let i = 0; branches && i < branches.length; i++) {
    const { when, text } = branches[i]!;
    if (!when || fits(when, value)) return text || "follow_up";
  }
  return undefined;
}

/** Whether `value`, or one of the options it holds, is among `when`. */
function fits(when: Value[], value: Value): boolean {
  for (let i = 0; i < when.length; i++) {
    if (when[i] === value) return true;
    for (let j = 0; typeof value === "object" && j < value.length; j++) if (when[i] === value[j]) return true;
  }
  return false;
}
