/** What Python, JavaScript and PHP must agree on stands in tests/vectors. */
import assert from "node:assert/strict";
import { createHmac, hkdfSync } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { QuestionType } from "../src/types";

const VECTORS = join(process.cwd(), "../tests/vectors");
const read = (name: string) => JSON.parse(readFileSync(join(VECTORS, name), "utf8"));

interface TokenVector {
  description: string;
  secret: string;
  site: string;
  use: string;
  now: number;
  token: string;
  claims?: { [name: string]: unknown };
  error?: string;
}

/** An order token as a shop's backend in JavaScript would make it. */
function signed(secret: string, kid: string, claims: string): string {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "order-token-v1", 32));
  const body = `v1.${kid}.${Buffer.from(claims).toString("base64url")}`;
  return `${body}.${createHmac("sha256", key).update(body).digest("base64url")}`;
}

for (const vector of read("order_tokens.json").vectors as TokenVector[]) {
  const [version, kid, claims] = vector.token.split(".");
  test(`order token: ${vector.description}`, () => {
    // Whatever else is wrong with it, a token is genuine exactly if signing its claims gives it.
    const again = version === "v1" && kid && claims ? signed(vector.secret, kid, Buffer.from(claims, "base64url").toString()) : "";
    if (vector.error === undefined) {
      assert.equal(again, vector.token);
      assert.deepEqual(JSON.parse(Buffer.from(claims!, "base64url").toString()), vector.claims);
    } else if (vector.error === "signature") {
      assert.notEqual(again, vector.token);
    } else if (vector.error !== "malformed") {
      assert.equal(again, vector.token);
    }
  });
}

interface SignVector {
  description: string;
  secrets: string[];
  id: string;
  timestamp: number;
  body: string;
  signature: string;
}

for (const vector of read("webhooks.json").sign as SignVector[]) {
  test(`webhook: ${vector.description}`, () => {
    const signatures = vector.secrets.map((secret) => {
      const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
      return "v1," + createHmac("sha256", key).update(`${vector.id}.${vector.timestamp}.${vector.body}`).digest("base64");
    });
    assert.equal(signatures.join(" "), vector.signature);
  });
}

const TYPES = readdirSync(join(process.cwd(), "src/questions")).map((file) => file.replace(".ts", ""));

test("every question type has vectors", () => {
  assert.deepEqual(TYPES.map((name) => name + ".json").sort(), readdirSync(join(VECTORS, "questions")).sort());
});

for (const name of TYPES) {
  test(`question type ${name} offers exactly the values that the server knows`, async () => {
    const { default: type } = (await import(`../src/questions/${name}.ts`)) as { default: QuestionType };
    const { settings, valid } = read(`questions/${name}.json`) as { settings?: {}; valid: { value: unknown; bucket: unknown }[] };
    const offered = type.values(settings ?? {});
    assert.deepEqual(offered, valid.map(({ value }) => value));
    assert.deepEqual(offered.map((value) => (Array.isArray(value) ? value : String(value))), valid.map(({ bucket }) => bucket));
  });
}
