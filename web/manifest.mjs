// Writes manifest.json (plain name → hashed name) from esbuild's metafile, and a .gz beside every text file.
// Deterministic: the same sources give the same bytes.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const dir = process.argv[2];
const meta = JSON.parse(readFileSync(join(dir, "meta.json"), "utf8"));
const manifest = {};
for (const [path, output] of Object.entries(meta.outputs)) {
  const name = basename(path);
  const source = output.entryPoint ?? Object.keys(output.inputs)[0];
  manifest[basename(source)] = name;
  if (/\.(css|js|svg)$/.test(name)) {
    writeFileSync(join(dir, name + ".gz"), gzipSync(readFileSync(join(dir, name)), { level: 9 }));
  }
}
const sorted = Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(join(dir, "manifest.json"), JSON.stringify(sorted, null, 2) + "\n");
