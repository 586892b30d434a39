/**
 * Builds what the owner's pages fetch into widget_server/web/static/pages/built/:
 *   main-HASH.js       everything that every page uses, htmx included
 *   NAME-HASH.js       what only some pages use; main fetches it by import()
 *   manifest.json      {files: {name: file}, sizes: {file: gzip bytes}}
 * Fails when more bytes (gzip) than budgets.json allows would reach an owner. The style sheets are served as they lie.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../../widget_server/web/static/pages/built");

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  write: false,
  metafile: true,
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  logLevel: "warning",
};

const { outputFiles, metafile } = await build({ ...common, entryPoints: ["main.ts"], format: "esm", splitting: true });
const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
const sizes = Object.fromEntries([...files].map(([name, contents]) => [name, gzipSync(contents, { level: 9 }).length]));
const entries = Object.entries(metafile.outputs).filter(([, { entryPoint }]) => entryPoint);
const manifest = { files: Object.fromEntries(entries.map(([path, { entryPoint }]) => [basename(entryPoint).replace(/\.ts$/, ".js"), basename(path)])), sizes };

/** A file with all that it fetches at once. */
function whole(name) {
  const path = Object.keys(metafile.outputs).find((each) => basename(each) === manifest.files[name]);
  const found = new Set([path]);
  for (const each of found) for (const { path: next, kind } of metafile.outputs[each].imports) if (kind === "import-statement") found.add(next);
  return [...found].reduce((sum, each) => sum + sizes[basename(each)], 0);
}

const totals = {
  "main.js": whole("main.js"),
  all: Object.values(sizes).reduce((sum, size) => sum + size, 0),
};
const budgets = JSON.parse(await readFile(join(here, "budgets.json"), "utf8"));
let over = false;
for (const [name, budget] of Object.entries(budgets)) {
  const fits = totals[name] <= budget;
  over ||= !fits;
  console.log(`${`pages: ${name}`.padEnd(16)} ${String(totals[name]).padStart(6)} of ${budget} bytes (gzip)${fits ? "" : "  TOO HEAVY"}`);
}
if (over) {
  console.error("The owner's pages are heavier than js_snippet/dashboard/budgets.json allows: " + JSON.stringify(sizes));
  process.exit(1);
}

// The old build stays in place until the new one is whole.
const fresh = `${out}.${process.pid}`;
await mkdir(fresh, { recursive: true });
for (const [name, bytes] of files) await writeFile(join(fresh, name), bytes);
await writeFile(join(fresh, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
await rm(out, { recursive: true, force: true });
await rename(fresh, out);
