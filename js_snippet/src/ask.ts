import type { Reply, Tools } from "./types";

/**
 * Asks our server. What it doesn't give is undefined, with the reason noted; once it has refused this page, nobody is
 * asked for answers that would be thrown away.
 */
export function asker(api: string, tools: Tools): Tools["get"] {
  return async (path, body) => {
    try {
      const reply = await fetch(api + path, { credentials: "omit", ...(body ? { method: "POST", body } : {}) });
      if (reply.ok) return (await reply.json()) as Reply;
      if (reply.status < 429) {
        refuse(reply, tools);
        return undefined;
      }
    } catch {
      // no network, or no JSON
    }
    tools.note("", "unreachable");
    return undefined;
  };
}

/** The owner looks into the console first, and the browser's own line there says only "403". */
export function refuse({ headers, status }: Response, tools: Tools): void {
  if (!tools.refused) console.warn("Atbalss: " + headers.get("X-Atbalss-Reason"));
  tools.refused = true;
  tools.note("", status === 404 ? "unknown_shop" : "refused");
}
