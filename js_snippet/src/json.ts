import type { Json } from "./types";

/**
 * JSON text of `value`. Not JSON.stringify, because old libraries (Prototype.js and its like) put a `toJSON` on
 * arrays and objects of the page, which turns our lists into strings. For the same reason nothing in the snippet
 * walks an array by its methods or its iterator. Control characters are escaped; lone surrogates stay as they are,
 * since encoding the request as UTF-8 makes them U+FFFD.
 */
export function write(value: Json): string {
  if (typeof value === "string") return '"' + value.replace(/["\\\0-\x1f]/g, escaped) + '"';
  if (value === null || typeof value !== "object") return "" + (value ?? null);
  let text = "";
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) text += (i ? "," : "") + write(value[i]);
    return "[" + text + "]";
  }
  const names = Object.keys(value);
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (value[name] !== undefined) text += (text ? "," : "") + write(name) + ":" + write(value[name]);
  }
  return "{" + text + "}";
}

function escaped(character: string): string {
  return "\\u" + ("000" + character.charCodeAt(0).toString(16)).slice(-4);
}
