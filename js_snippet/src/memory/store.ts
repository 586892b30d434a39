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
