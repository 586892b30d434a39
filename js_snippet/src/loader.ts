/**
 * The script a shop puts on every page. It only looks whether this page is one to ask on; what follows then is in a
 * chunk of its own (visit.ts), and the panel in others. Nothing of ours is kept in the browser.
 */
import type { Visits } from "./visit";
import { quietly } from "./quietly";
import { readBlock, readContext } from "./rules/context";
import { seen } from "./rules/seen";

/** File name of the next chunk, put in by the build. */
declare const VISIT: string;

/** Pages that change without loading draw themselves some time after their address. */
const AFTER_NAVIGATION = 1000;

quietly(() => {
  const page = window as unknown as { atbalss?: unknown; navigation?: EventTarget };
  const script = (document.currentScript || document.querySelector("script[data-shop^=pk_]")) as HTMLScriptElement | null;
  const queue = page.atbalss as { live?: boolean } | undefined;
  const { shop, host, lang } = script ? script.dataset : {};
  if (!script || !shop || queue?.live === true) return;

  const base = (host || script.src.replace(/[?#].*/, "").replace(/[^/]*$/, "")).replace(/\/*$/, "/");
  let visits: Visits | undefined;
  let pushed: unknown;
  /** what was pushed on the page before */
  let stale: unknown;
  let current = "";
  let path = location.pathname;
  let timer: ReturnType<typeof setTimeout>;

  const look = (): void => quietly(visit);
  const lookLater = (): void => {
    clearTimeout(timer);
    timer = setTimeout(look, AFTER_NAVIGATION);
  };
  const leave = (): void => {
    current = "";
    stale = pushed;
    visits?.leave();
  };
  /** Another path is another page, and nothing of ours stays on it; other parameters may be the same search, sorted. */
  const moved = (): void =>
    quietly(() => {
      if (location.pathname !== path) leave();
      path = location.pathname;
      lookLater();
    });

  if (Array.isArray(queue)) for (let i = 0; i < queue.length; i++) pushed = queue[i];
  page.atbalss = {
    live: true,
    push(context: unknown): void {
      pushed = context;
      if (document.readyState !== "loading") look();
    },
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", look);
  else look();
  addEventListener("popstate", moved);
  document.addEventListener("turbo:before-cache", leave); // Turbo keeps a copy of the page, as it is now
  document.addEventListener("turbo:load", look);
  if (page.navigation?.addEventListener) page.navigation.addEventListener("currententrychange", moved);
  else {
    patch("pushState");
    patch("replaceState");
  }

  function patch(name: "pushState" | "replaceState"): void {
    const theirs = history[name];
    history[name] = function (this: History) {
      theirs.apply(this, arguments as unknown as Parameters<History["pushState"]>);
      moved();
    };
  }

  async function visit(): Promise<void> {
    await seen();
    const context = readContext(document, location, await readBlock(document), pushed === stale ? undefined : pushed);
    const key = context.order ? "order " + context.order.token : context.search ? "search " + context.search.query : "";
    if (key === current) return;
    current = key;
    visits?.leave();
    if (!key) return;
    visits = visits || ((await import(base + "widget/" + VISIT)) as typeof import("./visit")).visits(base, shop!, lang);
    if (key === current) await visits.enter(context);
  }
});
