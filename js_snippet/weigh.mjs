/**
 * Weighs scripts: reads {"bundle": [[entry, out]], "weigh": [file]} and prints [[bytes, gzip, brotli]], one entry a file.
 * What is bundled first is put together and made small in the same way as our own (esbuild), for packages that are
 * published as modules only. Used by `make sizes`.
 */
import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const { bundle, weigh } = JSON.parse(readFileSync(0, "utf8"));

for (const [entry, out] of bundle) {
  await build({
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    minify: true,
    format: "iife",
    globalName: "peer",
    target: "es2020",
    legalComments: "none",
    logLevel: "error",
  });
}

/** Both at their best; that is also the default of node's brotli. */
const weights = weigh.map((file) => {
  const bytes = readFileSync(file);
  return [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length];
});
console.log(JSON.stringify(weights));
