/**
 * htmx, kept to what our pages allow: no code out of attributes, requests to this server only, the CSRF token on each,
 * and HTML only by a Trusted Types policy of this one name, so that the pages' policy can be enforced.
 */
import htmx from "htmx.org";

interface Inside {
  initSecurity(policy: unknown, sync: unknown, async: unknown): void;
}
interface Policies {
  createPolicy(name: string, rules: { createHTML(html: string): string }): unknown;
}

const POLICY = "atbalss";

function refuse(): never {
  throw new Error("No code from attributes.");
}

const policies = (window as { trustedTypes?: Policies }).trustedTypes;
const policy = policies
  ? policies.createPolicy(POLICY, { createHTML: (html) => html })
  : { createHTML: (html: string) => html, createScript: refuse };

htmx.registerExtension("atbalss", { init: (inside: Inside) => inside.initSecurity(policy, refuse, refuse) } as never);

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = (event as CustomEvent<{ ctx: { request: { method: string; headers: Record<string, string> } } }>).detail;
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  if (token && ctx.request.method.toUpperCase() !== "GET") ctx.request.headers["X-CSRFToken"] = token;
});

/** Calls `arrive` with each part of the page that htmx brings. */
export function onArrival(arrive: (root: ParentNode) => void): void {
  document.addEventListener("htmx:after:swap", () => arrive(document));
}
