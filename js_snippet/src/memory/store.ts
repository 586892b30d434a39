/** The browser's storage, which may be missing, forbidden or full: then reading gives nothing and writing says so. */

export function read(key: string): string {
  try {
    return localStorage.getItem(key) || "";
  } catch {
    return "";
  }
}

/** Whether it was written. Nothing to write takes the key away. */
export function put(key: string, text: string): boolean {
  try {
    if (text) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
    return true;
  } catch {
    return false;
  }
}

/** The keys that begin so. */
export function keysOf(prefix: string): string[] {
  const keys: string[] = [];
  try {
    for (let i = 0; i < localStorage.length; i++) {
      const key = localStorage.key(i)!;
      if (key.startsWith(prefix)) keys[keys.length] = key;
    }
  } catch {
    // there is no storage
  }
  return keys;
}
