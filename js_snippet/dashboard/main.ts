/**
 * What makes the owner's pages handier where there is JavaScript; each of them works without. A feature is a file with
 * `start(root)`, which is called for the page and for every part of it that comes later. What few pages need is fetched
 * only there: LATER names the selector that calls for it.
 */
import { start as copy } from "./copy.js";
import { onArrival } from "./htmx.js";
import { start as menus } from "./menus.js";
import { start as refused } from "./refused.js";

interface Feature {
  start(root: ParentNode): void;
}

const ALWAYS = [menus, copy];
const LATER: [string, () => Promise<Feature>][] = [["canvas[data-chart]", () => import("./chart.js")], ["[data-keys]", () => import("./inbox.js")]];

function arrive(root: ParentNode): void {
  for (const start of ALWAYS) start(root);
  for (const [selector, fetch] of LATER) {
    if (root.querySelector(selector)) void fetch().then((feature) => feature.start(root));
  }
}

arrive(document);
refused();
onArrival(arrive);
