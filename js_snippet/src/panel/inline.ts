/** A question that stands in an element of the page. */
import type { Put } from "../types";

/**
 * Puts what it is given at the end of `element` as soon as nothing that is in sight moves by that: where the element
 * keeps room for it, or while its lower edge is below the window. Says so by `waits` when it isn't so at once. The
 * question is seen when half of its title is in view. Ends with `signal`.
 */
export function putInto(element: Element, signal: AbortSignal, waits: () => void): Put {
  const edge = (): number => element.getBoundingClientRect().bottom;
  const observe = (target: Element, threshold: number[], isDone: (isInView: boolean) => boolean): void => {
    const observer = new IntersectionObserver((entries) => isDone(entries[entries.length - 1]!.isIntersecting) && observer.disconnect(), {
      threshold,
    });
    observer.observe(target);
    signal.addEventListener("abort", () => observer.disconnect());
  };
  return (host, title, seen) => {
    observe(element, [0, 1], () => {
      const before = edge();
      element.append(host);
      // Tried and taken back between two frames, nothing is seen of it.
      const moves = before < innerHeight && edge() > before;
      if (moves) {
        host.remove();
        waits();
      } else
        observe(title, [0.5], (isInView) => {
          if (isInView) seen();
          return isInView;
        });
      return !moves;
    });
  };
}
