/**
 * Builds the snippet into widget_server/web/static/widget/ and weighs it:
 *   widget.js           the loader, a classic script; its name stays
 *   NAME-HASH.js        the chunks it loads by import(): sending, rules, search, found, triggers, memory, why, panel and
 *                       one a question type, and preview, which only the server's own page loads; a name never changes
 *                       its bytes
 *   manifest.json       {loader, chunks: {name: file}, sizes: {file: gzip bytes}, integrity: {loader}, totals}
 * Fails when more bytes (gzip) than budgets.json allows would reach a shopper.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { minify } from "terser";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../widget_server/web/static/widget");
const LOADER = "widget.js";
const SHORT = Object.fromEntries(
  ["back", "front", "soft", "line", "hover", "accent", "on", "star", "star-edge", "round"].map((name, i) => [
    `--${name}`,
    `--${"abcdefghij"[i]}`,
  ]),
);

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  write: false,
  logLevel: "warning",
  plugins: [{ name: "css-as-minified-text", setup: ({ onLoad }) => onLoad({ filter: /\.css$/ }, minifiedText) }],
};

async function minifiedText({ path }) {
  const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true, target: "safari16.4" });
  return { contents: code.trim(), loader: "text" };
}

/**
 * Properties that the parts of the snippet hand to one another and nobody else sees: they get short names, the same in
 * every file. None of them may be a name of JSON, of the page, of the browser, or of what a chunk exports.
 */
const OURS = (
  "base bell keeper keep notes note isWhere load uuid quietly refuse refused ask send tagConsent " + // tools
  "context pushed tell about reply found " + // visit
  "visit tools asked answers counted isTaken turn which isFree lastWords skip calm hasDialog allowed since " +
  "put make writing choosing choose draw followUp look face writes hasRow rows dress fetchWords drawForm askMore finish isTrap" // panel and question types
).split(" ");
const mangled = {};

/** esbuild puts the files together; terser, which looks further, takes another 4 % off. */
async function bundled(entry, format, define) {
  const { outputFiles, mangleCache } = await build({
    ...common,
    entryPoints: [entry],
    format,
    define,
    mangleProps: RegExp(`^(${OURS.join("|")})$`),
    mangleCache: mangled,
  });
  Object.assign(mangled, mangleCache);
  const { code } = await minify(outputFiles[0].text, {
    ecma: 2022,
    module: format === "esm",
    compress: { passes: 5, ecma: 2022, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, keep_fargs: false, hoist_props: true, toplevel: true, unsafe: true, unsafe_comps: true, hoist_funs: true },
    mangle: { toplevel: true },
    format: { ascii_only: false, comments: false },
  });
  // Custom properties that no script sets need no speaking names.
  return Buffer.from(code.replace(/--[a-z-]+/g, (name) => (name in SHORT ? SHORT[name] : name)));
}

const sha = (bytes, algorithm, form) => createHash(algorithm).update(bytes).digest(form);
const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;

const types = (await readdir(join(here, "src/questions"))).map((file) => basename(file, ".ts")).sort();
const files = new Map();
const chunks = {};

/** of chunks that don't stand in a folder of their own name; the panel comes with what looks after its place */
const FILES = { results: "src/search/results.ts", queue: "src/memory/queue.ts", inline: "src/panel/inline.ts", words: "src/panel/words.ts", row: "src/panel/row.ts", theme: "src/panel/theme.ts", panel: "src/stand/stand.ts" };
const ENTRIES = Object.fromEntries(types.map((type) => [type, `src/questions/${type}.ts`]));
for (const name of ["panel", "words", "row", "theme", "inline", "triggers", "memory", "queue", "why", "sending", "results", "search", "rules", "found", "preview"]) {
  const entry = FILES[name] ?? `src/${name}/${name}.ts`;
  if (existsSync(join(here, entry))) ENTRIES[name] = entry;
}
const built = {};
for (const [name, entry] of Object.entries(ENTRIES)) built[name] = await bundled(entry, "esm", { TYPES: JSON.stringify(`,${types},`), FOUND: `${name === "found"}` });

// One hash for all of them: files that belong together go together, and none has to list the others.
const hash = sha(Buffer.concat(Object.values(built)), "sha256", "hex").slice(0, 8);
for (const [name, bytes] of Object.entries(built)) files.set((chunks[name] = `${name}-${hash}.js`), bytes);
const loader = await bundled("src/loader.ts", "iife", { HASH: JSON.stringify(hash) });
files.set(LOADER, loader);

const sizes = Object.fromEntries([...files].map(([name, bytes]) => [name, gzipped(bytes)]));
const reply = JSON.parse(await readFile(join(here, "test/ask.json"), "utf8"));
const ask = gzipped(Buffer.from(JSON.stringify(reply)));
const heaviestType = Math.max(...types.map((name) => sizes[chunks[name]]));
// Some types come with what they share: the row.
const typeOf = (name) => sizes[chunks[name]] + (readFileSync(join(here, ENTRIES[name]), "utf8").includes("hasRow: true") ? sizes[chunks.row] : 0);
// On results pages that tell their number, with the question that every shop starts with there. What reads the number from
// a page's texts (results) comes on top where it is needed; what the heaviest type adds is in panel_with_type.
const shown = sizes[LOADER] + ask + sizes[chunks.found] + sizes[chunks.panel] + typeOf("yes_no");
const nothing = gzipped(Buffer.from(JSON.stringify({ ...reply, questions: [] })));
const totals = {
  loader: sizes[LOADER],
  rules: sizes[chunks.rules],
  panel_with_type: sizes[chunks.panel] + Math.max(...types.map(typeOf)),
  question_type: heaviestType,
  nothing_matches: sizes[LOADER] + nothing,
  question_shown: shown,
};

// The old build stays in place until the new one is whole.
const fresh = `${out}.${process.pid}`;
await mkdir(fresh, { recursive: true });
for (const [name, bytes] of files) await writeFile(join(fresh, name), bytes);
const manifest = { loader: LOADER, chunks, sizes, totals, integrity: { [LOADER]: `sha384-${sha(loader, "sha384", "base64")}` } };
await writeFile(join(fresh, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
await writeFile(join(here, "sizes.json"), JSON.stringify({ ...sizes, ask, ...totals }, null, 2) + "\n");

const budgets = JSON.parse(await readFile(join(here, "budgets.json"), "utf8"));
let over = false;
for (const [name, budget] of Object.entries(budgets)) {
  const fits = totals[name] <= budget;
  over ||= !fits;
  console.log(`${name.padEnd(16)} ${String(totals[name]).padStart(6)} of ${budget} bytes (gzip)${fits ? "" : "  TOO HEAVY"}`);
}
if (over) {
  await rm(fresh, { recursive: true });
  console.error("The snippet is heavier than budgets.json allows: " + JSON.stringify(sizes));
  process.exit(1);
}
await rm(out, { recursive: true, force: true });
await rename(fresh, out);
