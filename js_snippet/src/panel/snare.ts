import type { Form } from "../types";

/**
 * A field that nobody sees, hears or reaches with a key: who fills it is a robot. Password managers are told to leave it
 * alone, each in its own words.
 */
export function snare(make: Form["make"]): HTMLInputElement {
  return make("input", {
    class: "said",
    name: "homepage",
    tabindex: -1,
    "aria-hidden": "true",
    autocomplete: "off",
    "data-1p-ignore": "",
    "data-bwignore": "",
    "data-lpignore": "true",
    "data-form-type": "other",
  });
}
