// @ts-check
// Draws the tables that have a chart. A chart names its table and its kind; figures and words are read from the table,
// so both say the same. ECharts is fetched when a page has a chart; if it doesn't arrive, the tables are shown.
//
//   <div class="chart-plot" id="x-plot" data-chart="stack" data-table="x-table" role="img" aria-label="…" hidden></div>
//   <div id="x-table"><table>th: names; td data-value: numbers; the column under <th data-total> isn't drawn</table></div>
//   <button data-swaps="x" data-other="Show as a chart" hidden>Show as a table</button>
//
// Kinds: stack (bars on top of each other), bars (side by side), line. data-tones="accent good" names other colours.
import { around, find, findAll, root, whenParsed } from "./dom.js";
import { asShown } from "./numbers.js";

/** @import * as ECharts from "echarts" */
/** @import * as Library from "../vendor/echarts.js" */
/** @typedef {{name: string, values: number[], words: string[]}} Column */
/** @typedef {{names: string[], columns: Column[], totals: string[] | null}} Table */
/** @typedef {{color: string, fontSize: number, fontFamily: string}} TextStyle */

const TONES = ["wait", "accent", "back", "good"];
/** @type {Record<string, string>} */
const COLOURS = { wait: "wait-mark", accent: "accent-fill", back: "back-ink", good: "good-mark", bad: "bad-mark" };
const BAR_WIDTH_MAX = 44;
/** A letter of a total needs about seven pixels of the width of its bar. */
const LETTERS_PER_PIXEL = 0.14;
const RESIZE_MILLISECONDS = 120;

/** The names of the charts that the person looks at as tables. @type {Set<string>} */
const asTable = new Set();
/** The charts by their elements. @type {Map<HTMLElement, ECharts.ECharts>} */
const charts = new Map();

/** ECharts, once it has arrived. @type {typeof Library | null} */
let library = null;

/** Fetch ECharts, once. */
async function fetchLibrary() {
  [library] = await Promise.all([import("../vendor/echarts.js"), document.fonts.ready]);
}

/**
 * Return a colour of the theme.
 * @param {string} name
 */
const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

/** Return a pattern for each column: no two are the same to a person who sees no colours. */
function patterns() {
  const color = colour("surface");
  return [
    undefined,
    { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: Math.PI / 4, color },
    { symbol: "circle", dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [6, 0], symbolSize: 0.6, color }, // prettier-ignore
    { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: -Math.PI / 4, color },
  ];
}

/**
 * Read the figures and words of a table.
 * @param {HTMLElement} region
 * @returns {Table}
 */
function read(region) {
  const heads = findAll("thead th", region);
  const rows = findAll("tbody tr", region).map((row) => /** @type {HTMLElement[]} */ ([...row.children]));
  const text = (/** @type {HTMLElement} */ cell) => cell.textContent?.trim() ?? "";
  const total = heads.findIndex((head) => "total" in head.dataset);
  const isSingle = heads.length === 2;
  const drawn = heads.map((_, index) => index).filter((index) => index > 0 && (isSingle || index !== total));
  return {
    names: rows.map((row) => text(row[0])),
    columns: drawn.map((index) => ({
      name: text(heads[index]),
      values: rows.map((row) => Number(row[index].dataset.value)),
      words: rows.map((row) => text(row[index])),
    })),
    totals: total < 0 ? null : rows.map((row) => text(row[total])),
  };
}

/**
 * Return what ECharts draws for a table.
 * @param {HTMLElement} plot
 * @param {Table} table
 * @returns {ECharts.EChartsOption}
 */
function optionsOf(plot, table) {
  const text = { color: colour("ink-2"), fontSize: 12, fontFamily: getComputedStyle(plot).fontFamily };
  const strong = { ...text, color: colour("ink") };
  const isStack = plot.dataset.chart === "stack";
  const lines = { lineStyle: { color: colour("line-strong") } };
  return {
    animation: false,
    textStyle: { fontFamily: text.fontFamily },
    grid: { left: 4, right: 8, top: 34, bottom: 2, containLabel: true },
    legend: {
      data: table.columns.map((column) => column.name),
      show: table.columns.length > 1,
      top: 0,
      left: 0,
      itemWidth: 14,
      itemHeight: 10,
      textStyle: strong,
    },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      axisPointer: { type: "shadow" },
      backgroundColor: colour("surface"),
      borderColor: colour("line-strong"),
      textStyle: strong,
      formatter: (points) => tooltipOf(table, Array.isArray(points) ? points[0].dataIndex : points.dataIndex),
    },
    xAxis: {
      type: "category",
      data: table.names,
      axisLabel: { ...text, hideOverlap: true },
      axisTick: { show: false },
      axisLine: lines,
    },
    yAxis: {
      type: "value",
      minInterval: 1,
      axisLabel: { ...text, formatter: asShown },
      splitLine: { lineStyle: { color: colour("line") } },
    },
    series: [...seriesOf(plot, table), ...(isStack && doTotalsFit(table, plot) ? [totalsSeries(table, text)] : [])],
  };
}

/**
 * @param {Table} table
 * @param {number} index
 */
function tooltipOf(table, index) {
  return [table.names[index], ...table.columns.map((column) => `${column.name}: ${column.words[index]}`)].join("\n");
}

/**
 * @param {HTMLElement} plot
 * @param {Table} table
 * @returns {(ECharts.BarSeriesOption | ECharts.LineSeriesOption)[]}
 */
function seriesOf(plot, table) {
  const { chart: kind, tones } = plot.dataset;
  const names = tones?.split(" ") ?? TONES;
  const decals = patterns();
  return table.columns.map((column, index) => ({
    name: column.name,
    type: kind === "line" ? "line" : "bar",
    stack: kind === "stack" ? "all" : undefined,
    barMaxWidth: BAR_WIDTH_MAX,
    emphasis: { disabled: true },
    itemStyle: {
      color: colour(COLOURS[names[index % names.length]]),
      decal: decals[index % decals.length],
      borderColor: colour("surface"),
      borderWidth: 1,
    },
    data: column.values.map((value) => value || "-"), // a bar of zero would be drawn as a line
  }));
}

/**
 * Return bars without height, one on each stack, whose labels are the totals in the table's own words.
 * @param {Table} table
 * @param {TextStyle} text
 * @returns {ECharts.BarSeriesOption}
 */
function totalsSeries(table, text) {
  return {
    type: "bar",
    stack: "all",
    silent: true,
    itemStyle: { color: "transparent" },
    label: { show: true, position: "top", ...text, formatter: (point) => totalOf(table, point.dataIndex) },
    data: table.names.map(() => 0),
  };
}

/** @param {Table} table */
const totalsOf = (table) => table.totals ?? table.columns[0].words;

/**
 * @param {Table} table
 * @param {number} index
 */
function totalOf(table, index) {
  return table.columns.some((column) => column.values[index]) ? totalsOf(table)[index] : "";
}

/**
 * @param {Table} table
 * @param {HTMLElement} plot
 */
function doTotalsFit(table, plot) {
  const letters = Math.max(...totalsOf(table).map((words) => words.length));
  return (plot.clientWidth / table.names.length) * LETTERS_PER_PIXEL > letters;
}

/**
 * Draw a chart, or draw it again.
 * @param {HTMLElement} plot
 */
function draw(plot) {
  const table = document.getElementById(plot.dataset.table ?? "");
  if (plot.hidden || !plot.isConnected || !table || !library) return;
  const chart = charts.get(plot) ?? library.init(plot, null, { renderer: "svg" });
  charts.set(plot, chart);
  chart.resize();
  chart.setOption(optionsOf(plot, read(table)), true);
}

/** Draw the charts that are new on the page, and forget those that are gone. */
async function begin() {
  for (const [plot, chart] of charts) {
    if (plot.isConnected) continue;
    chart.dispose();
    charts.delete(plot);
  }
  const plots = findAll("[data-chart]").filter((plot) => !charts.has(plot));
  if (!plots.length) return;
  try {
    await fetchLibrary();
  } catch {
    return; // the tables are there
  }
  for (const plot of plots) {
    show(plot);
    draw(plot);
  }
}

/**
 * Show a chart or its table, whichever the person chose, and what the button does next.
 * @param {HTMLElement} plot
 */
function show(plot) {
  const id = plot.dataset.table ?? "";
  const name = id.replace(/-table$/, "");
  const table = document.getElementById(id);
  const isTable = asTable.has(name);
  plot.hidden = isTable;
  if (table) table.hidden = !isTable;
  const button = find(`[data-swaps="${name}"]`);
  if (!button) return;
  button.hidden = false;
  button.dataset.first ||= button.textContent ?? "";
  button.textContent = (isTable ? button.dataset.other : button.dataset.first) ?? "";
}

function drawAll() {
  for (const plot of charts.keys()) draw(plot);
}

document.addEventListener("click", (event) => {
  const name = around(event, "[data-swaps]")?.dataset.swaps;
  const plot = name ? document.getElementById(`${name}-plot`) : null;
  if (!name || !plot) return;
  if (asTable.has(name)) asTable.delete(name);
  else asTable.add(name);
  show(plot);
  draw(plot);
});

let resizing = 0;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = window.setTimeout(drawAll, RESIZE_MILLISECONDS);
});
document.addEventListener("theme-changed", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
document.addEventListener("htmx:afterSettle", () => {
  begin();
  drawAll();
});
whenParsed(begin);
