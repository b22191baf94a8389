// Draws the tables that have a picture. A plot names its table and its kind; figures and words are read from the table,
// so that both say the same. ECharts is fetched when the first plot is there, and never on a page without one.
//
//   <div class="plot" id="x-plot" data-chart="stack" data-table="x-table" role="img" aria-label="The finding." hidden>
//   <div id="x-table"><table> th: names; td data-value: numbers; a column under <th data-total> isn't drawn </table></div>
//   <button data-swaps="x" data-other="Show as a chart" hidden>Show as a table</button>
//
// Kinds: stack (bars on each other), bars (beside each other), line. data-tones="accent good" names other colours.
"use strict";

{
  const root = document.documentElement;
  const source = document.currentScript.dataset.echarts;
  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const TONES = ["wait", "accent", "back", "good"];
  const INKS = { wait: "wait-mark", accent: "accent-fill", back: "back-ink", good: "good-mark", bad: "bad-mark" };
  const asTable = new Set(); // the names of those that somebody looks at as tables
  const drawn = new Map(); // by the plot's element
  let library = null;

  function fetched() {
    library ||= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.addEventListener("load", resolve);
      script.addEventListener("error", reject);
      document.head.append(script);
    });
    return Promise.all([library, document.fonts.ready]);
  }

  // No two columns have the same pattern, for whoever sees no colours.
  const patterns = () => {
    const color = colour("surface");
    return [
      null,
      { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: Math.PI / 4, color },
      { symbol: "circle", dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [6, 0], symbolSize: 0.6, color },
      { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: -Math.PI / 4, color },
    ];
  };

  function read(table) {
    const heads = [...table.querySelectorAll("thead th")];
    const rows = [...table.querySelectorAll("tbody tr")].map((row) => [...row.children]);
    const total = heads.findIndex((head) => "total" in head.dataset);
    const only = heads.length === 2;
    const columns = heads.map((_, place) => place).filter((place) => place && (only || place !== total));
    return {
      names: rows.map((row) => row[0].textContent.trim()),
      columns: columns.map((place) => ({
        name: heads[place].textContent.trim(),
        values: rows.map((row) => Number(row[place].dataset.value)),
        words: rows.map((row) => row[place].textContent.trim()),
      })),
      totals: total < 0 ? null : rows.map((row) => row[total].textContent.trim()),
    };
  }

  function options(plot) {
    const found = read(document.getElementById(plot.dataset.table));
    const tones = plot.dataset.tones?.split(" ") || TONES;
    const kind = plot.dataset.chart;
    const ink = { color: colour("ink-2"), fontSize: 12, fontFamily: getComputedStyle(plot).fontFamily };
    const decals = patterns();
    return {
      animation: false,
      textStyle: { fontFamily: ink.fontFamily },
      grid: { left: 4, right: 8, top: 34, bottom: 2, containLabel: true },
      legend: { data: found.columns.map((column) => column.name), show: found.columns.length > 1, top: 0, left: 0, itemWidth: 14, itemHeight: 10, textStyle: { ...ink, color: colour("ink") } },
      tooltip: {
        trigger: "axis",
        renderMode: "richText",
        confine: true,
        axisPointer: { type: "shadow" },
        backgroundColor: colour("surface"),
        borderColor: colour("line-strong"),
        textStyle: { ...ink, color: colour("ink") },
        formatter: (points) => {
          const at = points[0].dataIndex;
          const lines = found.columns.map((column) => `${column.name}: ${column.words[at]}`);
          return [found.names[at], ...lines].join("\n");
        },
      },
      xAxis: { type: "category", data: found.names, axisLabel: { ...ink, hideOverlap: true }, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("line-strong") } } },
      yAxis: { type: "value", minInterval: 1, axisLabel: { ...ink, formatter: (value) => value.toLocaleString(root.lang) }, splitLine: { lineStyle: { color: colour("line") } } },
      series: found.columns.map((column, place) => ({
        name: column.name,
        type: kind === "line" ? "line" : "bar",
        stack: kind === "stack" ? "all" : undefined,
        barMaxWidth: 44,
        emphasis: { disabled: true },
        itemStyle: { color: colour(INKS[tones[place % tones.length]]), decal: decals[place % decals.length] || undefined, borderColor: colour("surface"), borderWidth: 1 },
        data: column.values.map((value) => value || "-"), // a bar of nothing would be a line
      })).concat(kind === "stack" && fits(found, plot.clientWidth) ? [labels(found, ink)] : []),
    };
  }

  // Above each stack stands what it comes to, in the table's own words, where they all fit: on a bar without height.
  const labels = (found, ink) => ({
    type: "bar",
    stack: "all",
    silent: true,
    itemStyle: { color: "transparent" },
    label: { show: true, position: "top", ...ink, formatter: (point) => labelOf(found, point.dataIndex) },
    data: found.names.map(() => 0),
  });

  const sums = (found) => found.totals || found.columns[0].words;
  const labelOf = (found, at) => (found.columns.some((column) => column.values[at]) ? sums(found)[at] : "");
  const fits = (found, width) => (width / found.names.length) * 0.14 > Math.max(...sums(found).map((words) => words.length));

  function draw(plot) {
    if (plot.hidden || !plot.isConnected || !window.echarts) return;
    let chart = drawn.get(plot);
    if (!chart) {
      chart = echarts.init(plot, null, { renderer: "svg" });
      drawn.set(plot, chart);
    }
    chart.resize();
    chart.setOption(options(plot), true);
  }

  function begin(at = document) {
    const plots = [...at.querySelectorAll("[data-chart]")].filter((plot) => !drawn.has(plot));
    drawn.forEach((chart, plot) => { if (!plot.isConnected) { chart.dispose(); drawn.delete(plot); } });
    if (!plots.length) return;
    fetched().then(() => plots.forEach((plot) => { show(plot); draw(plot); }), () => {}); // else the tables stand
  }

  function show(plot) {
    const name = plot.dataset.table.replace(/-table$/, "");
    const button = document.querySelector(`[data-swaps="${name}"]`);
    const table = asTable.has(name);
    plot.hidden = table;
    document.getElementById(plot.dataset.table).hidden = !table;
    if (!button) return;
    button.hidden = false;
    button.dataset.first ||= button.textContent;
    button.textContent = table ? button.dataset.other : button.dataset.first;
  }

  document.addEventListener("click", (e) => {
    const name = e.target.closest("[data-swaps]")?.dataset.swaps;
    if (!name) return;
    asTable.has(name) ? asTable.delete(name) : asTable.add(name);
    const plot = document.getElementById(`${name}-plot`);
    show(plot);
    draw(plot);
  });

  const again = () => drawn.forEach((_, plot) => draw(plot));
  let wait = 0;
  addEventListener("resize", () => { clearTimeout(wait); wait = setTimeout(again, 120); });
  document.addEventListener("theme-changed", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  document.addEventListener("htmx:afterSettle", () => { begin(); again(); });
  document.addEventListener("DOMContentLoaded", () => begin());
}
