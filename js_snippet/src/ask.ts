import type { Reply, Tools } from "./types";

/** Asks our server. What it doesn't give is undefined, with the reason noted. */
export function asker(api: string, tools: Tools): Tools["ask"] {
  return async (path, body) => {
    try {
      const reply = await fetch(api + path, { credentials: "omit", ...(body && { method: "POST", body }) });
      if (reply.ok) return (await reply.json()) as Reply;
      if (reply.status < 429) return tools.refuse(reply);
    } catch {
      // no network, or no JSON
    }
    tools.note("", "unreachable");
    return undefined;
  };
}
