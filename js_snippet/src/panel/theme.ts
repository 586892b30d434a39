/** The looks that an owner chose; fetched only where one did. */
import type { Widget } from "../types";

/** What makes the style sheet of the panel that of this shop. The server has checked colours and contrast. */
export function theme({ mode, radius, font, position, background, text, ...widget }: Widget): (css: string) => string {
  const set = (name: string, value: unknown): string => (value === undefined ? "" : `${name}:${value};`);
  const brand = (accent: string | undefined, on: string | undefined): string => set("--accent", accent) + set("--on", on);
  const light =
    set("--round", radius) +
    set("font-family", font && "system-ui,sans-serif") +
    set("--back", background) +
    set("--front", text) +
    set("--star-edge", background && "var(--front)") +
    // A mix of the two might be too faint to read.
    set("--soft", (background || text) && "var(--front)") +
    brand(widget.accent, widget.on_accent);
  const dark = "(prefers-color-scheme:dark)";
  const isDark = mode ? (mode === "dark" ? "(min-width:0)" : "(max-width:0)") : dark;
  return (css) =>
    css.replace(`@media${dark}{`, `.card{${light}}@media${isDark}{.card{${brand(widget.accent_dark, widget.on_accent_dark)}}`) +
    (position
      ? "@media(min-width:481px){:host(.over){inset-inline:max(24px,env(safe-area-inset-left,0px),env(safe-area-inset-right,0px)) auto!important}}"
      : "");
}
