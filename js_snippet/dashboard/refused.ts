/** What could not be taken, or what was found, is where somebody looks first: once, when the page is there. */
const WRONG = "main :is([aria-invalid=true], .field.wrong :is(input, select, textarea))";

export function start(): void {
  const { responseStatus } = performance.getEntriesByType("navigation")[0] as Partial<PerformanceNavigationTiming>;
  // A browser that does not tell the status may well show what was refused.
  const wrong = responseStatus! < 400 ? null : document.querySelector<HTMLElement>(WRONG);
  const at = wrong ?? document.querySelector<HTMLElement>("[data-arrive]");
  // Who is quicker than the page goes on where they are.
  if (!at || document.activeElement !== document.body) return;
  at.focus();
  // With its label and with what is wrong, free of what sticks to the edges.
  (at.closest(".field") ?? at).scrollIntoView({ block: "nearest" });
}
