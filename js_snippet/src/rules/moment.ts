import { change, seen } from "./seen";

/** Waits until the page was there for `ms` and nobody is typing in it. */
export async function goodMoment(ms: number): Promise<void> {
  await seen();
  await new Promise((done) => setTimeout(done, ms));
  while (document.hidden || isTyping()) await change();
}

function isTyping(): boolean {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (!at) return false;
  const field = at as HTMLInputElement;
  return (
    field.isContentEditable ||
    (/^(textarea|select|input)$/i.test(at.tagName) &&
      !/button|submit|reset|checkbox|radio|image|file|range|color/.test(field.type))
  );
}
