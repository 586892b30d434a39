import type { Widget } from "../types";
import dark from "./dark.css";

/** What is added to the style sheet for the looks that the owner chose. The server has checked colours and contrast. */
export function theme({ mode, radius, font, position, background, text, ...widget }: Widget): string {
  const card = (more: string): string => `.card{${more}}`;
  const set = (name: string, value: unknown): string => (value === undefined ? "" : `${name}:${value};`);
  const brand = (accent: string | undefined, on: string | undefined): string =>
    set("--accent", accent) + set("--on", on);
  return (
    card(
      set("--round", radius) +
        set("font-family", font && "system-ui,sans-serif") +
        set("--back", background) +
        set("--front", text) +
        set("--star-edge", background && "var(--front)") +
        // A mix of the two might be too faint to read.
        set("--soft", background || text ? "var(--front)" : undefined) +
        brand(widget.accent, widget.on_accent),
    ) +
    `@media ${mode ? (mode === "dark" ? "all" : "not all") : "(prefers-color-scheme:dark)"}{${dark + card(brand(widget.accent_dark, widget.on_accent_dark))}}` +
    (position ? "@media(min-width:481px){:host(.over){inset-inline:max(24px,env(safe-area-inset-left,0px),env(safe-area-inset-right,0px)) auto!important}}" : "")
  );
}
