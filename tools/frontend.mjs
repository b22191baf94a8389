// Copies what the pages use out of node_modules into backflush/web/static/vendor (ignored by git, a part of the wheel),
// and makes one sprite of just those icons that the pages name. `make setup` runs it.
//
// An icon is named as {% icon "check" %} in a template, or as icon="check" in a module of backflush/web.
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NODE_MIN = 20;
const TARGET = "backflush/web/static/vendor";
const FILES = {
  "@dagrejs/dagre/dist/dagre.min.js": "dagre.js",
  "echarts/dist/echarts.common.min.js": "echarts.js",
  "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": "inter-latin.woff2",
  "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2": "inter-latin-ext.woff2",
};
const NAMED = /(?:\{%\s*icon\s+|\bicon=)"([a-z0-9-]+)"/g;

function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}

const major = Number(process.versions.node.split(".")[0]);
if (major < NODE_MIN) stop(`Backflush's pages need Node ${NODE_MIN} or later to be set up; this is ${process.versions.node}.`);
if (!existsSync("node_modules/@tabler/icons")) stop("The packages of package.json are not installed. Run `make setup`.");

rmSync(TARGET, { recursive: true, force: true });
mkdirSync(TARGET, { recursive: true });
for (const [from, to] of Object.entries(FILES)) {
  const source = join("node_modules", from);
  if (/\.(css|js)$/.test(to)) {
    // A source map that is named but absent stops the manifest storage.
    writeFileSync(join(TARGET, to), readFileSync(source, "utf8").replace(/\/[/*][#@] sourceMappingURL=[^\n]*/g, ""));
  } else {
    copyFileSync(source, join(TARGET, to));
  }
}

const used = new Set();
for (const entry of readdirSync("backflush/web", { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(html|py)$/.test(entry.name)) continue;
  const text = readFileSync(join(entry.parentPath ?? entry.path, entry.name), "utf8");
  for (const [, icon] of text.matchAll(NAMED)) used.add(icon);
}
const symbols = [...used].sort().map((icon) => {
  const file = `node_modules/@tabler/icons/icons/outline/${icon}.svg`;
  if (!existsSync(file)) stop(`A page names the icon "${icon}", which Tabler doesn't have.`);
  const body = readFileSync(file, "utf8").replace(/<!--[\s\S]*?-->/, "").match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1];
  const look = 'viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${icon}" ${look}>${body.trim()}</symbol>`;
});
writeFileSync(join(TARGET, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
console.log(`${TARGET}: ${Object.keys(FILES).length} files and a sprite of ${symbols.length} icons`);
