/**
 * Builds what is served from src/ into built/: the same bytes every time, for the SRI hash is pinned by other people's
 * pages. A copy is kept below released/ under its hash, for pages that still load it after the next build; one that was
 * never committed may be deleted. The types lie beside the script that they describe. `node build.mjs FOLDER` builds elsewhere, to compare. Running the portal needs no Node.
 */

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { buildSync } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "built");
const MOST = { "choice.js": 12_000, "choice-form.js": 4_000 };
const sizes = {};

mkdirSync(target, { recursive: true });
for (const [name, source] of [["choice.js", "main.js"], ["choice-form.js", "form.js"]]) {
  const [{ contents }] = buildSync({
    entryPoints: [join(here, "src", source)],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    write: false,
  }).outputFiles;
  const sha384 = createHash("sha384").update(contents).digest();
  const kept = join(target, "released", sha384.toString("hex").slice(0, 16));
  mkdirSync(kept, { recursive: true });
  for (const folder of [target, kept]) writeFileSync(join(folder, name), contents);
  if (name === "choice.js") for (const folder of [target, kept]) copyFileSync(join(here, "src", "choice.d.ts"), join(folder, "choice.d.ts"));
  const brotli = brotliCompressSync(contents, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
  sizes[name] = {
    bytes: contents.length,
    gzip: gzipSync(contents, { level: 9 }).length,
    brotli,
    integrity: `sha384-${sha384.toString("base64")}`,
  };
  if (brotli > MOST[name]) throw new Error(`${name} has ${brotli} brotli bytes, at most ${MOST[name]} are allowed.`);
}
writeFileSync(join(target, "sizes.json"), `${JSON.stringify(sizes, null, 2)}\n`);
console.log(sizes);
