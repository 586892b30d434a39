import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { consent } from "../src/memory/consent";
import type { Said } from "../src/memory/vendors/said";
import type { Tools, Widget } from "../src/types";

type World = { [name: string]: unknown };
const world = globalThis as unknown as World;
const GLOBALS = ["dataLayer", "__tcfapi", "Cookiebot", "OneTrust", "OnetrustActiveGroups", "getCkyConsent"];
const realNow = performance.now;
let listeners: { [name: string]: (() => void)[] };
let changes: number;

beforeEach(() => {
  listeners = {};
  changes = 0;
  world["window"] = globalThis;
  world["document"] = { hidden: true };
  world["addEventListener"] = (name: string, act: () => void) => (listeners[name] = [...(listeners[name] ?? []), act]);
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: {} });
});

afterEach(() => {
  for (const name of GLOBALS) delete world[name];
  performance.now = realNow;
});

function saying({ widget = {}, told, tag }: { widget?: Widget; told?: () => boolean | undefined; tag?: string } = {}): () => Said {
  const tools = { bell: new EventTarget(), tagConsent: tag } as unknown as Tools;
  return consent(tools, widget, told ?? (() => undefined), () => changes++);
}

/** As Google documents it: an entry of dataLayer is the `arguments` of the call, no list. */
function gtag(..._given: unknown[]): void {
  ((world["dataLayer"] ??= []) as unknown[]).push(arguments);
}

test("a page that says nothing allows nothing", () => assert.equal(saying()(), undefined));

test("the own hook and the script's attribute", () => {
  let told: boolean | undefined;
  const said = saying({ told: () => told });
  assert.equal(said(), undefined);
  told = true;
  assert.equal(said(), true);
  told = false;
  assert.equal(said(), false);
  assert.equal(saying({ tag: "granted" })(), true);
  assert.equal(saying({ tag: "denied" })(), false);
  assert.equal(saying({ tag: "granted", told: () => false })(), false);
  assert.equal(saying({ tag: "perhaps" })(), undefined);
});

test("what the owner set: never is never, always is no more than one yes", () => {
  assert.equal(saying({ widget: { consent: "never" }, told: () => true })(), false);
  assert.equal(saying({ widget: { consent: "always" } })(), true);
  assert.equal(saying({ widget: { consent: "always" }, told: () => false })(), false);
  gtag("consent", "update", { analytics_storage: "denied" });
  assert.equal(saying({ widget: { consent: "always" } })(), false);
});

test("Global Privacy Control goes before everything", () => {
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { globalPrivacyControl: true } });
  gtag("consent", "update", { analytics_storage: "granted" });
  assert.equal(saying({ widget: { consent: "always" }, told: () => true })(), false);
});

test("one no wins, and who hasn't decided hasn't allowed", () => {
  gtag("consent", "update", { analytics_storage: "granted" });
  const said = saying();
  assert.equal(said(), true);
  world["OnetrustActiveGroups"] = ",C0001,";
  assert.equal(said(), false);
  world["OnetrustActiveGroups"] = ",C0001,C0003,";
  assert.equal(said(), true);
  world["Cookiebot"] = {};
  assert.equal(said(), null);
});

test("a platform that stays silent for ten seconds has said no", () => {
  let now = 5000;
  performance.now = () => now;
  world["Cookiebot"] = {};
  const said = saying();
  assert.equal(said(), null);
  now += 9000;
  assert.equal(said(), null);
  now += 2000;
  assert.equal(said(), false);
  world["Cookiebot"] = { hasResponse: true, consent: { statistics: true } };
  assert.equal(said(), true);
});

test("a platform that breaks has said nothing, and breaks nothing", () => {
  const broken = (): never => {
    throw new Error("the vendor's own");
  };
  const said = saying({ told: () => true });
  world["getCkyConsent"] = broken;
  assert.equal(said(), null);
  delete world["getCkyConsent"];
  world["__tcfapi"] = broken;
  assert.equal(said(), null);
  delete world["__tcfapi"];
  Object.defineProperty(globalThis, "dataLayer", { configurable: true, get: broken });
  assert.equal(said(), null);
  delete world["dataLayer"];
  world["dataLayer"] = [null, undefined, 1, "consent", { event: "x" }, ["consent"], ["consent", "update", null], ["consent", "update", { analytics_storage: 7 }]];
  assert.doesNotThrow(said);
  assert.notEqual(said(), true);
});

// --- Google Consent Mode

const GRANTED = "granted";
const DENIED = "denied";

for (const [name, entries, expected] of [
  ["other entries", [["js", new Date()], ["config", "G-1"]], undefined],
  ["denied by default", [["default", { analytics_storage: DENIED }]], null],
  ["about advertising only", [["default", { ad_storage: GRANTED }]], null],
  ["granted by default", [["default", { analytics_storage: GRANTED }]], true],
  ["the later default wins", [["default", { analytics_storage: GRANTED }], ["default", { analytics_storage: DENIED }]], null],
  ["denied, then updated", [["default", { analytics_storage: DENIED }], ["update", { analytics_storage: GRANTED }]], true],
  ["the later update wins", [["update", { analytics_storage: GRANTED }], ["update", { analytics_storage: DENIED }]], false],
  ["an update of another key changes nothing", [["update", { analytics_storage: GRANTED }], ["update", { ad_storage: DENIED }]], true],
  ["an update goes before a default that comes later", [["update", { analytics_storage: GRANTED }], ["default", { analytics_storage: DENIED }]], true],
  ["functionality that was asked for", [["default", { functionality_storage: DENIED, analytics_storage: DENIED }], ["update", { functionality_storage: GRANTED, analytics_storage: DENIED }]], true],
  ["functionality that everybody is granted", [["default", { functionality_storage: GRANTED, analytics_storage: DENIED }]], null],
  ["refused, with functionality that everybody is granted", [["default", { functionality_storage: GRANTED, analytics_storage: DENIED }], ["update", { functionality_storage: GRANTED, analytics_storage: DENIED }]], false],
  ["denied in one region is denied", [["default", { analytics_storage: DENIED, region: ["LV", "LT", "EE"] }], ["default", { analytics_storage: GRANTED }]], null],
  ["granted in one region is not granted", [["default", { analytics_storage: DENIED }], ["default", { analytics_storage: GRANTED, region: ["US"] }]], null],
  ["denied in one region, then updated", [["default", { analytics_storage: DENIED, region: ["LV"] }], ["default", { analytics_storage: GRANTED }], ["update", { analytics_storage: GRANTED }]], true],
] as [string, [string, unknown][], Said][]) {
  test(`Google: ${name}`, () => {
    for (const [command, given] of entries) {
      if (command === "js" || command === "config") gtag(command, given);
      else gtag("consent", command, given);
    }
    assert.equal(saying()(), expected);
  });
}

test("Google: entries that Tag Manager dropped still hold", () => {
  gtag("consent", "default", { analytics_storage: DENIED });
  gtag("consent", "update", { analytics_storage: GRANTED });
  const said = saying();
  assert.equal(said(), true);
  (world["dataLayer"] as unknown[]).splice(0);
  assert.equal(said(), true);
  gtag("consent", "update", { analytics_storage: DENIED });
  assert.equal(said(), false);
});

// --- IAB TCF

type Callback = (data: unknown, success: boolean) => void;

test("TCF: asked once, by version 2, and followed from then on", () => {
  const calls: unknown[][] = [];
  let tell: Callback = () => {};
  world["__tcfapi"] = (...given: unknown[]) => {
    calls.push(given.slice(0, 2));
    tell = given[2] as Callback;
  };
  const said = saying();
  assert.equal(said(), null);
  assert.equal(said(), null);
  assert.deepEqual(calls, [["addEventListener", 2]]);
  const data = (eventStatus: string, one: boolean | undefined) => ({ gdprApplies: true, eventStatus, purpose: { consents: { 1: one } } });
  tell(data("useractioncomplete", true), false);
  assert.equal(said(), null);
  assert.equal(changes, 0);
  tell(data("cmpuishown", undefined), true);
  assert.equal(said(), false);
  tell(data("useractioncomplete", true), true);
  assert.equal(said(), true);
  assert.equal(changes, 2);
  tell(data("cmpuishown", undefined), true); // looked at again; the choice still holds
  assert.equal(said(), true);
  tell(data("useractioncomplete", false), true);
  assert.equal(said(), false);
  tell({ gdprApplies: true, eventStatus: "tcloaded" }, true);
  assert.equal(said(), false);
  tell({ gdprApplies: false, eventStatus: "tcloaded" }, true);
  assert.equal(said(), true);
});

test("TCF: a platform that answers in the same moment, and one that takes the place of its stub", () => {
  const ready = (_: string, __: number, tell: Callback) => tell({ gdprApplies: true, eventStatus: "tcloaded", purpose: { consents: { 1: true } } }, true);
  world["__tcfapi"] = () => {};
  const said = saying();
  assert.equal(said(), null);
  world["__tcfapi"] = ready;
  assert.equal(said(), true);
});

// --- Cookiebot, OneTrust, CookieYes

for (const [name, value, expected] of [
  ["its script element, before the script runs", { id: "Cookiebot" }, null],
  ["no response", { hasResponse: false, consent: { preferences: false, statistics: false } }, null],
  ["declined", { hasResponse: true, declined: true, consent: { necessary: true, preferences: false, statistics: false, marketing: false } }, false],
  ["marketing only", { hasResponse: true, consent: { preferences: false, statistics: false, marketing: true } }, false],
  ["preferences", { hasResponse: true, consent: { preferences: true, statistics: false } }, true],
  ["statistics", { hasResponse: true, consent: { preferences: false, statistics: true } }, true],
] as [string, unknown, Said][]) {
  test(`Cookiebot: ${name}`, () => {
    world["Cookiebot"] = value;
    assert.equal(saying()(), expected);
  });
}

test("Cookiebot: a response that is taken back is a no", () => {
  world["Cookiebot"] = { hasResponse: true, consent: { statistics: true } };
  const said = saying();
  assert.equal(said(), true);
  world["Cookiebot"] = { hasResponse: false, consent: { statistics: false } };
  assert.equal(said(), false);
});

for (const [groups, expected] of [
  [undefined, null],
  ["", null],
  [",C0001,", false],
  [",C0001,C0004,", false],
  [",C0001,C0002,", true],
  [",C0001,C0003,", true],
  [["C0001", "C0003"], true],
  [",C00020,", false],
] as [unknown, Said][]) {
  test(`OneTrust: ${String(groups)}`, () => {
    world["OneTrust"] = {};
    if (groups !== undefined) world["OnetrustActiveGroups"] = groups;
    assert.equal(saying()(), expected);
  });
}

for (const [acted, categories, expected] of [
  [false, { necessary: true, functional: true, analytics: true }, null],
  [true, { necessary: true, functional: false, analytics: false, advertisement: true }, false],
  [true, { necessary: true, functional: true, analytics: false }, true],
  [true, { necessary: true, functional: false, analytics: true }, true],
] as [boolean, object, Said][]) {
  test(`CookieYes: ${acted ? "acted" : "not yet"}, ${JSON.stringify(categories)}`, () => {
    world["getCkyConsent"] = () => ({ activeLaw: "gdpr", categories, isUserActionCompleted: acted });
    assert.equal(saying()(), expected);
  });
}

test("looks again at every platform's event, and starts no timer in a hidden tab", () => {
  const start = globalThis.setTimeout;
  let timers = 0;
  world["setTimeout"] = () => ++timers;
  saying();
  for (const name of ["CookiebotOnConsentReady", "OneTrustGroupsUpdated", "cookieyes_consent_update", "click", "pagehide"]) {
    const before = changes;
    listeners[name]!.forEach((act) => act());
    assert.equal(changes, before + 1, name);
  }
  assert.equal(timers, 0);
  world["document"] = { hidden: false };
  listeners["click"]!.forEach((act) => act());
  assert.equal(timers, 2);
  world["setTimeout"] = start;
});
