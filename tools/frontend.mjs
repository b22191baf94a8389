// Copies what the pages use from node_modules into backflush/web/static/vendor (ignored by git, part of the wheel): whole
// files, the parts of ECharts in use as one file, and the icons that the pages name as one sprite. `make setup` runs it.
//
// An icon is named as {% icon "check" %} in a template, or as icon="check" in a module of backflush/web.
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const NODE_MIN = 20;
const TARGET = "backflush/web/static/vendor";
const TYPES = "types/vendor";
const FILES = {
  "@dagrejs/dagre/dist/dagre.esm.js": "dagre.js",
  "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": "inter-latin.woff2",
  "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2": "inter-latin-ext.woff2",
};
const ICON_NAME = /(?:\{%\s*icon\s+|\bicon=)"([a-z0-9-]+)"/g;
const ICON_LOOK = [
  'viewBox="0 0 24 24" fill="none" stroke="currentColor"',
  'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"',
].join(" ");

function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}

function requireTools() {
  const { node } = process.versions;
  if (Number(node.split(".")[0]) < NODE_MIN) {
    stop(`Backflush's pages need Node ${NODE_MIN} or later to be set up; this is ${node}.`);
  }
  if (!existsSync("node_modules/@tabler/icons")) {
    stop("The packages of package.json are not installed. Run `make setup`.");
  }
}

function copyFiles() {
  for (const [from, to] of Object.entries(FILES)) {
    const source = join("node_modules", from);
    if (to.endsWith(".js")) {
      // A source map that is named but absent stops the manifest storage.
      const text = readFileSync(source, "utf8").replace(/\/[/*][#@] sourceMappingURL=[^\n]*/g, "");
      writeFileSync(join(TARGET, to), text);
    } else {
      copyFileSync(source, join(TARGET, to));
    }
  }
  // The type checker reads these in place of the scripts beside them.
  for (const name of readdirSync(TYPES)) copyFileSync(join(TYPES, name), join(TARGET, name));
}

/** Make one file of the parts of ECharts that the charts use, with its licence at the top. */
async function bundleCharts() {
  const { version } = JSON.parse(readFileSync("node_modules/echarts/package.json", "utf8"));
  const licence = readFileSync("node_modules/echarts/NOTICE", "utf8").trim();
  await build({
    entryPoints: ["tools/echarts_parts.mjs"],
    outfile: join(TARGET, "echarts.js"),
    bundle: true,
    format: "esm",
    minify: true,
    legalComments: "none",
    banner: { js: `/*! Apache ECharts ${version}, Apache License 2.0\n${licence} */` },
    logLevel: "error",
  });
}

function iconNames() {
  const names = new Set();
  for (const entry of readdirSync("backflush/web", { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(html|py)$/.test(entry.name)) continue;
    const text = readFileSync(join(entry.parentPath ?? entry.path, entry.name), "utf8");
    for (const [, name] of text.matchAll(ICON_NAME)) names.add(name);
  }
  return [...names].sort();
}

function symbolOf(name) {
  const file = `node_modules/@tabler/icons/icons/outline/${name}.svg`;
  if (!existsSync(file)) stop(`A page names the icon "${name}", which Tabler doesn't have.`);
  const drawing = readFileSync(file, "utf8").replace(/<!--[\s\S]*?-->/, "");
  const [, body] = drawing.match(/<svg[^>]*>([\s\S]*)<\/svg>/);
  return `<symbol id="${name}" ${ICON_LOOK}>${body.trim()}</symbol>`;
}

requireTools();
rmSync(TARGET, { recursive: true, force: true });
mkdirSync(TARGET, { recursive: true });
copyFiles();
await bundleCharts();
const symbols = iconNames().map(symbolOf);
const sprite = `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`;
writeFileSync(join(TARGET, "icons.svg"), sprite);
console.log(`${TARGET}: ${Object.keys(FILES).length + 1} files and a sprite of ${symbols.length} icons`);
