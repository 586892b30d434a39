const SIGNS = "pointerdown pointermove keydown scroll wheel touchmove".split(" ");

/** Calls `done` once nobody has touched anything for `ms` on a page that is seen. No timer runs in a hidden tab. */
export function whenIdle(ms: number, signal: AbortSignal, done: () => void): void {
  let last = performance.now();
  let timer: ReturnType<typeof setTimeout>;
  const check = (): void => {
    clearTimeout(timer);
    if (document.hidden) return;
    const left = last + ms - performance.now();
    if (left > 0) timer = setTimeout(check, left);
    else done();
  };
  const touched = (): void => {
    last = performance.now();
  };
  for (let i = 0; i < SIGNS.length; i++) addEventListener(SIGNS[i]!, touched, { passive: true, capture: true, signal });
  document.addEventListener("visibilitychange", () => (touched(), check()), { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  check();
}
