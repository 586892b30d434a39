/** Bundles the tests (TypeScript) and runs them with Node's own runner. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const entryPoints = readdirSync(here).filter((name) => name.endsWith(".test.ts")).map((name) => join(here, name));
// Below node_modules, so that nothing else finds it.
const outdir = mkdtempSync(join(here, "../node_modules/.tests-"));
try {
  await build({ entryPoints, outdir, bundle: true, platform: "node", format: "esm", target: "node18", define: { FOUND: "false" }, outExtension: { ".js": ".mjs" } });
  const files = readdirSync(outdir).map((name) => join(outdir, name));
  process.exitCode = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit", cwd: join(here, "..") }).status ?? 1;
} finally {
  rmSync(outdir, { recursive: true });
}
