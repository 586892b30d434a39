/** Runs `work`; whatever goes wrong in it stays here. A shop's page must never notice an error of ours. */
export function quietly(work: () => unknown): void {
  try {
    const result = work();
    if (result instanceof Promise) result.catch(nothing);
  } catch {
    // nothing to do: the question isn't asked
  }
}

export function nothing(): void {}
