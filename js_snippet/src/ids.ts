/** A random UUID (version 4). Not crypto.randomUUID, which isn't there on a page without https. */
export function uuid(): string {
  return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (+digit ^ (crypto.getRandomValues(new Uint8Array(1))[0]! & (15 >> (+digit / 4)))).toString(16),
  );
}

let last = 0;

/** Now, as the server reads times. Never twice the same, so that the parts of an answer keep their order. */
export function now(): string {
  last = Math.max(last + 1, Date.now());
  return new Date(last).toISOString();
}
