/** Calls `act` once the page was looked at for `ms` at a stretch; no timer runs in a hidden tab. Gives a way to call it off. */
export function whileSeen(ms: number, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const stop = (): void => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", start);
  };
  const start = (): void => {
    clearTimeout(timer);
    if (document.hidden) return;
    timer = setTimeout(() => {
      stop();
      act();
    }, ms);
  };
  document.addEventListener("visibilitychange", start);
  start();
  return stop;
}
