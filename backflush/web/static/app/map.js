// The stock map: dagre decides where, plain SVG shows it. Everything that is drawn is read from the two tables below
// the picture; nothing is placed by hand, so the same set-up gives the same picture. Colours and fonts are app.css's.
"use strict";

(() => {
  const WIDE = 1000;
  const LETTER = 6.6;
  const BOLD_LETTER = 7.1;
  const TIP = 24;
  const BEND = 0.5;
  const MARGIN = 24;
  const APART = 24;
  const SMALLEST = 11 / 12;
  const LARGEST = 1.2;
  const NAME_NARROW = 19;
  const svg = document.getElementById("map");
  if (!svg) return;

  const el = (name, attrs = {}, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attrs)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const rowsOf = (id) => [...document.querySelectorAll(`#${id} tbody tr[data-${id === "rules" ? "from" : "path"}]`)].map((row) => row.dataset);
  const words = svg.dataset;

  // Places, those of a folded store as one box; `at` says which box a path is drawn as.
  function readPlaces() {
    const boxes = new Map();
    const at = new Map();
    for (const d of rowsOf("places")) {
      const id = d.fold ? `store ${d.fold}` : d.path;
      at.set(d.path, id);
      const wait = Number(d.wait);
      if (!d.fold) {
        const says = [d.says, d.value].filter(Boolean).join(", ");
        boxes.set(id, { id, title: d.path, name: d.name, says, wait, balance: "balance" in d, frame: "framed" in d ? d.store : "", closes: d.closes, address: d.address, count: 0 });
        continue;
      }
      const box = boxes.get(id) || { id, title: d.fold, name: d.storeName || words.store, says: "", wait: 0, balance: true, fold: true, frame: "framed" in d ? d.store : "", address: d.opens, count: 0 };
      box.count += 1;
      box.wait += wait;
      box.says = `${box.count} ${box.count === 1 ? words.place : words.places}`;
      boxes.set(id, box);
    }
    return [boxes, at];
  }

  // Rules with the same ends share an arrow, their names joined.
  function readArrows(at) {
    const arrows = new Map();
    for (const d of rowsOf("rules")) {
      const [from, to] = [at.get(d.from), at.get(d.to)];
      if (!from || !to || from === to) continue;
      // An arrow from a line's own place is drawn straight, so that it doesn't move the rest of the picture.
      const own = "own" in d;
      const key = `${from}>${to}${own ? ">own" : ""}`;
      const arrow = arrows.get(key) || { from, to, own, names: [], lit: [], flush: false, steps: [] };
      if (!arrow.names.includes(d.action)) arrow.names.push(d.action);
      arrow.flush = arrow.flush || "flush" in d;
      if (d.steps) {
        arrow.steps.push(d.steps);
        if (!arrow.lit.includes(d.action)) arrow.lit.push(d.action);
      }
      arrows.set(key, arrow);
    }
    return arrows;
  }

  const across = { rankdir: "LR", acyclicer: "greedy", nodesep: 34, ranksep: 4, edgesep: 14 };
  // Top to bottom there is little room across, so it is laid out long and close.
  const down = { rankdir: "TB", nodesep: 12, ranksep: 24, edgesep: 6 };

  // Top to bottom in the longest way, the narrowest, unless a store's frame would go around somebody else's place: dagre
  // keeps frames apart only in its usual way.
  function lay(boxes, arrows, wide) {
    if (wide) return arrange(boxes, arrows, wide, across, true);
    const long = arrange(boxes, arrows, wide, { ...down, ranker: "longest-path" }, false);
    return isApart(long, boxes) ? long : arrange(boxes, arrows, wide, down, true);
  }

  function arrange(boxes, arrows, wide, ways, framed) {
    const graph = new dagre.graphlib.Graph({ compound: true, multigraph: true });
    graph.setGraph({ marginx: 14, marginy: 32, ...ways });
    graph.setDefaultEdgeLabel(() => ({}));
    const joined = new Set([...arrows.values()].flatMap((arrow) => [arrow.from, arrow.to]));
    const alone = [];
    for (const box of boxes.values()) {
      const size = sizeOf(box, wide);
      if (!box.frame && !joined.has(box.id)) {
        alone.push([box.id, size]);
        continue;
      }
      graph.setNode(box.id, size);
      if (framed && box.frame) {
        graph.setNode(`frame ${box.frame}`, {});
        graph.setParent(box.id, `frame ${box.frame}`);
      }
    }
    for (const [key, arrow] of arrows) {
      // Left to right the line and its tip are seen on both sides of the name.
      const width = textWidth(arrow.names.join(", "), arrow.flush) + (wide ? TIP : 0);
      if (!arrow.own) graph.setEdge(arrow.from, arrow.to, { width, height: 20, labelpos: "c", minlen: 1, weight: arrow.flush ? 3 : 1 }, key);
    }
    dagre.layout(graph);
    if (alone.length) below(graph, alone);
    return graph;
  }

  const textWidth = (text, bold) => text.length * (bold ? BOLD_LETTER : LETTER) + 8;

  // How wide the count of what waits is, at the corner of its box.
  function pillWidth(box) {
    return String(box.wait).length * 7 + 20;
  }

  function sizeOf(box, wide) {
    box.lines = wide ? [box.name] : inLines(box.name);
    const widest = Math.max(box.title.length * 7.9 + (box.wait ? pillWidth(box) + 14 : 0), ...box.lines.map((line) => line.length * 6), box.says.length * 6);
    return { width: Math.max(112, widest + 20), height: (box.balance ? 46 : 30) + 16 * box.lines.length };
  }

  // Around the boxes of a store, with room for its name above them.
  function framesOf(graph, boxes) {
    const frames = new Map();
    for (const box of boxes.values()) {
      if (!box.frame) continue;
      const { x, y, width, height } = graph.node(box.id);
      const is = frames.get(box.frame) || { left: Infinity, top: Infinity, right: 0, bottom: 0 };
      frames.set(box.frame, { left: Math.min(is.left, x - width / 2 - 10), top: Math.min(is.top, y - height / 2 - 28), right: Math.max(is.right, x + width / 2 + 10), bottom: Math.max(is.bottom, y + height / 2 + 10) });
    }
    return frames;
  }

  function isApart(graph, boxes) {
    const frames = [...framesOf(graph, boxes)];
    const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    const spots = [...boxes.values()].map((box) => {
      const { x, y, width, height } = graph.node(box.id);
      return [box.frame, { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 }];
    });
    return frames.every(([store, frame]) => [...spots, ...frames].every(([of, spot]) => of === store || !meets(frame, spot)));
  }

  // A name in short lines, divided between words.
  function inLines(name) {
    const lines = [""];
    for (const word of name.split(" ")) {
      const line = `${lines.at(-1)} ${word}`.trim();
      if (line.length <= NAME_NARROW || !lines.at(-1)) lines.splice(-1, 1, line); else lines.push(word);
    }
    return lines;
  }

  // Places that no rule leads to or from stand in rows of their own below: dagre would lay them under an arrow.
  function below(graph, alone) {
    const size = graph.graph();
    const wholly = Math.max(Number.isFinite(size.width) ? size.width : 0, WIDE / 2);
    const tallest = Math.max(...alone.map(([, { height }]) => height));
    let [x, y] = [14, (Number.isFinite(size.height) ? size.height : 0) + APART];
    for (const [id, { width, height }] of alone) {
      if (x > 14 && x + width > wholly) [x, y] = [14, y + tallest + APART];
      graph.setNode(id, { width, height, x: x + width / 2, y: y + height / 2 });
      x += width + APART;
    }
    size.width = wholly;
    size.height = y + tallest + 18;
  }

  // Where a straight line from the middle of a box to somewhere leaves the box.
  function edgeOf(box, goal) {
    const [dx, dy] = [goal.x - box.x, goal.y - box.y];
    const part = Math.min(box.width / 2 / Math.abs(dx || 1e-9), box.height / 2 / Math.abs(dy || 1e-9));
    return { x: box.x + dx * part, y: box.y + dy * part };
  }

  function straight(graph, arrow) {
    const [a, b] = [graph.node(arrow.from), graph.node(arrow.to)];
    const points = [edgeOf(a, b), { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }, edgeOf(b, a)];
    return { points, x: points[1].x, y: points[1].y };
  }

  // Whether a straight way passes through a box that isn't its end.
  function crosses(graph, from, to, except) {
    const others = graph.nodes().filter((id) => !graph.children(id).length && !except.includes(id)).map((id) => graph.node(id));
    return [0.15, 0.3, 0.45, 0.6, 0.75, 0.9].some((part) => {
      const [x, y] = [from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part];
      return others.some((box) => Math.abs(x - box.x) < box.width / 2 && Math.abs(y - box.y) < box.height / 2);
    });
  }

  // What would cross other boxes on its last way comes in at a side instead, by the gap between two columns.
  function fromTheSide(graph, arrow, points) {
    const box = graph.node(arrow.to);
    const [before, end] = points.slice(-2);
    const side = before.x < box.x - box.width / 2 ? -1 : before.x > box.x + box.width / 2 ? 1 : 0;
    if (!side || !crosses(graph, before, end, [arrow.from, arrow.to])) return points;
    const x = box.x + (side * box.width) / 2;
    return [...points.slice(0, -1), { x: x + side * 12, y: box.y }, { x, y: box.y }];
  }

  // A smooth way through all its points, so that the name, which stands on one of them, is on the line; it turns where
  // its points turn, never beyond.
  function bent(points) {
    const turn = (before, here, after) => ((here - before) * (after - here) <= 0 ? 0 : Math.sign(after - here) * Math.min(Math.abs(here - before), Math.abs(after - here)) * BEND);
    const bends = points.map((here, k) => {
      const [before, after] = [points[k - 1] || here, points[k + 1] || here];
      return { x: turn(before.x, here.x, after.x), y: turn(before.y, here.y, after.y) };
    });
    let d = `M${points[0].x} ${points[0].y}`;
    for (let k = 1; k < points.length; k += 1) {
      const [from, to, leave, come] = [points[k - 1], points[k], bends[k - 1], bends[k]];
      d += `C${from.x + leave.x} ${from.y + leave.y} ${to.x - come.x} ${to.y - come.y} ${to.x} ${to.y}`;
    }
    return d;
  }

  function drawBox(box, node, lit) {
    const [x, y] = [node.x - node.width / 2, node.y - node.height / 2];
    const label = [box.title, box.name, box.says, box.wait ? `${box.wait} ${words.unresolved}` : ""].filter(Boolean).join(" ");
    const link = el("a", { href: box.address, class: `map-place${lit === null ? "" : lit ? " is-on-trace" : " is-dimmed"}`, "aria-label": label, "data-store": box.frame });
    link.append(el("rect", { class: box.fold ? "map-folded-store" : box.balance ? "map-location" : "map-outside", x, y, width: node.width, height: node.height, rx: box.balance ? 6 : node.height / 2 }));
    const at = box.balance ? { x: x + 12 } : { x: node.x, "text-anchor": "middle" };
    link.append(el("text", { class: "map-name", y: y + 21, ...at }, box.title));
    const below = box.balance ? [...box.lines, box.says] : box.lines;
    below.forEach((line, row) => link.append(el("text", { class: "map-note", y: y + (box.balance ? 38 : 37) + 16 * row, ...at }, line)));
    if (box.wait) {
      const width = pillWidth(box);
      link.append(el("rect", { class: "map-wait-back", x: x + node.width - width - 7, y: y + 7, width, height: 20, rx: 10 }), el("text", { class: "map-wait-text", x: x + node.width - width / 2 - 7, y: y + 21, "text-anchor": "middle" }, box.wait));
    }
    // What is written in a box reads as words, not as one.
    [...link.children].forEach((part) => part.after(" "));
    return link;
  }

  function labelOf(arrow, edge, look) {
    const text = (arrow.lit.length ? arrow.lit : arrow.names).join(", ");
    const width = textWidth(text, arrow.flush || arrow.lit.length);
    const label = el("g", { class: look });
    label.append(el("rect", { class: "map-label-back", x: edge.x - width / 2, y: edge.y - 9, width, height: 18, rx: 3 }), el("text", { class: "map-label", x: edge.x, y: edge.y + 4, "text-anchor": "middle" }, text));
    if (arrow.steps.length) {
      // Beside the name, not in its room: tracing moves nothing.
      const x = edge.x - width / 2 - 11;
      label.append(el("circle", { class: "map-step", cx: x, cy: edge.y, r: 10 }), el("text", { class: "map-step-number", x, y: edge.y + 4, "text-anchor": "middle" }, arrow.steps.join(", ")));
    }
    return label;
  }

  function draw(wide) {
    const [boxes, at] = readPlaces();
    const arrows = readArrows(at);
    const graph = lay(boxes, arrows, wide);
    const traced = [...arrows.values()].some((arrow) => arrow.steps.length);
    const ends = new Set([...arrows.values()].filter((arrow) => arrow.steps.length).flatMap((arrow) => [arrow.from, arrow.to]));
    const size = graph.graph();
    const layers = { frames: el("g"), lines: el("g"), names: el("g"), boxes: el("g"), labels: el("g") };
    for (const [store, { left, top, right, bottom }] of framesOf(graph, boxes)) {
      layers.frames.append(el("rect", { class: "map-store", x: left, y: top, width: right - left, height: bottom - top, rx: 8 }));
      layers.names.append(frameName(store, boxes, left + 10, top + 18));
    }
    for (const [key, arrow] of arrows) {
      const edge = arrow.own ? straight(graph, arrow) : graph.edge({ v: arrow.from, w: arrow.to, name: key });
      const look = `map-link${arrow.flush ? " is-backflush" : ""}${traced ? (arrow.steps.length ? " is-on-trace" : " is-dimmed") : ""}`;
      const points = wide && !arrow.own ? fromTheSide(graph, arrow, edge.points) : edge.points;
      const [a, b] = points.slice(-2);
      const turn = (Math.atan2(b.y - a.y, b.x - a.x) * 180) / Math.PI;
      const line = el("g", { class: look });
      line.append(el("path", { class: "map-edge", d: bent(points) }), el("path", { class: "map-arrowhead", d: "M0 0L-10 -5L-10 5Z", transform: `translate(${b.x} ${b.y}) rotate(${turn})` }));
      layers.lines.append(line);
      layers.labels.append(labelOf(arrow, edge, look));
    }
    for (const box of boxes.values()) layers.boxes.append(drawBox(box, graph.node(box.id), traced ? ends.has(box.id) : null));
    svg.setAttribute("class", `stock-map is-drawn${traced ? " is-traced" : ""}`);
    for (const part of [layers.frames, layers.names]) part.setAttribute("class", traced ? "is-dimmed" : "");
    svg.setAttribute("viewBox", `0 0 ${Math.ceil(size.width)} ${Math.ceil(size.height)}`);
    // As wide as there is room, but never so small that a letter gets under 11 px: then it scrolls.
    const scale = Math.min(LARGEST, Math.max(SMALLEST, (svg.parentElement.clientWidth - 16) / size.width));
    svg.setAttribute("width", Math.ceil(size.width * scale));
    svg.setAttribute("height", Math.ceil(size.height * scale));
    svg.replaceChildren(layers.frames, layers.lines, layers.names, layers.boxes, layers.labels);
  }

  // The name of a store on its frame, over the lines; of one that was opened, a link that folds it again.
  function frameName(store, boxes, x, y) {
    const text = el("text", { class: "map-store-name", x, y }, `${words.store} ${store}`);
    const closes = [...boxes.values()].find((box) => box.frame === store && box.closes)?.closes;
    if (!closes) return text;
    const link = el("a", { href: closes, class: "map-fold-link", "aria-label": `${words.store} ${store}, ${words.folds}` });
    text.textContent += ` (${words.folds})`;
    link.append(text);
    return link;
  }

  // What was asked for, a traced item or a store just opened, is what one sees first where the picture scrolls.
  function show() {
    const store = decodeURIComponent(location.hash.slice("#store-".length));
    const opened = store ? [...svg.querySelectorAll(".map-place")].filter((place) => place.dataset.store === store) : [];
    const shown = opened.length ? opened : [...svg.querySelectorAll(".is-on-trace")];
    if (!shown.length) return;
    if (opened.length) opened[0].focus({ preventScroll: true });
    const box = svg.parentElement;
    const outer = box.getBoundingClientRect();
    const spots = shown.map((part) => part.getBoundingClientRect());
    const into = (near, far, start, room) => near - start - Math.max(MARGIN, (room - (far - near)) / 2);
    const left = into(Math.min(...spots.map((spot) => spot.left)), Math.max(...spots.map((spot) => spot.right)), outer.left, box.clientWidth);
    const top = into(Math.min(...spots.map((spot) => spot.top)), Math.max(...spots.map((spot) => spot.bottom)), outer.top, box.clientHeight);
    box.scrollBy({ left, top, behavior: "instant" });
  }

  const isWide = () => svg.parentElement.clientWidth > WIDE;
  let wide = isWide();
  draw(wide);
  show();
  new ResizeObserver(() => {
    if (isWide() !== wide && !matchMedia("print").matches) {
      wide = isWide();
      draw(wide);
    }
  }).observe(svg.parentElement);
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(wide));
})();
