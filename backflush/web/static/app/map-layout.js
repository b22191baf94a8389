// @ts-check
// Where the boxes and arrows of the stock map are. Dagre decides, so the same set-up gives the same picture.
import { Graph, layout } from "../vendor/dagre.js";

/** @import { Graph as DagreGraph } from "@dagrejs/dagre" */
/** @import { Arrow, Box } from "./map-data.js" */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {Point & {width: number, height: number}} Spot the middle of a box, and its size */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Frame */
/** @typedef {{points: Point[], label: Point}} Way the way of an arrow, and where its name is */
/**
 * @typedef {object} Layout
 * @property {number} width
 * @property {number} height
 * @property {Map<string, Spot>} spots by the id of a box
 * @property {Map<string, Way>} ways by the key of an arrow
 * @property {Map<string, Frame>} frames by the store
 */

/** From this width of the picture on, it runs from left to right; below it from top to bottom. */
export const WIDE = 1000;
const ARROWHEAD = 24;
const EDGE = 14;
const GAP = 24;
const BOX_WIDTH_MIN = 112;
const LINE_HEIGHT = 16;
const NAME_LENGTH_MAX = 19;

const LEFT_TO_RIGHT = { rankdir: "LR", acyclicer: "greedy", nodesep: 34, ranksep: 4, edgesep: 14 };
// There is little room across, so it is laid out long and close.
const TOP_TO_BOTTOM = { rankdir: "TB", nodesep: 12, ranksep: 24, edgesep: 6 };

const canvas = document.createElement("canvas").getContext("2d");
const family = getComputedStyle(document.body).fontFamily;

/**
 * Return the width of a text in pixels, in the font of the pages.
 * @param {string} text
 * @param {number} size
 * @param {number} [weight]
 */
function textWidth(text, size, weight = 400) {
  if (!canvas) return text.length * size * 0.6;
  canvas.font = `${weight} ${size}px ${family}`;
  return canvas.measureText(text).width;
}

/**
 * Return the width of an arrow's name with the room around it.
 * @param {string} text
 * @param {boolean} isBold
 */
export const labelWidth = (text, isBold) => textWidth(text, 12, isBold ? 620 : 400) + 10;

/**
 * Return the width of the count of what waits, in the corner of its box.
 * @param {Box} box
 */
export const countWidth = (box) => textWidth(String(box.waiting), 12, 650) + 20;

/**
 * Return a box's name in lines: one from left to right, short ones from top to bottom.
 * @param {Box} box
 * @param {boolean} isWide
 * @returns {string[]}
 */
export function nameLines(box, isWide) {
  if (isWide) return [box.name];
  const lines = [""];
  for (const word of box.name.split(" ")) {
    const last = lines[lines.length - 1];
    const line = `${last} ${word}`.trim();
    if (line.length <= NAME_LENGTH_MAX || !last) lines[lines.length - 1] = line;
    else lines.push(word);
  }
  return lines;
}

/**
 * @param {Box} box
 * @param {boolean} isWide
 */
function sizeOf(box, isWide) {
  const lines = nameLines(box, isWide);
  const title = textWidth(box.title, 13, 620) + (box.waiting ? countWidth(box) + 14 : 0);
  const widest = Math.max(title, textWidth(box.note, 12), ...lines.map((line) => textWidth(line, 12)));
  return {
    width: Math.max(BOX_WIDTH_MIN, Math.ceil(widest) + EDGE + 12),
    height: (box.hasBalance ? 46 : 30) + LINE_HEIGHT * lines.length,
  };
}

/**
 * Lay out the map. From top to bottom the longest way is the narrowest, but dagre keeps the frames of stores apart only
 * in its usual way: so that one is taken where a frame would go around a place of another store.
 * @param {Map<string, Box>} boxes
 * @param {Map<string, Arrow>} arrows
 * @param {boolean} isWide
 * @returns {Layout}
 */
export function layOut(boxes, arrows, isWide) {
  if (isWide) return arrange(boxes, arrows, isWide, LEFT_TO_RIGHT, true);
  const long = arrange(boxes, arrows, isWide, { ...TOP_TO_BOTTOM, ranker: "longest-path" }, false);
  return areFramesApart(long, boxes) ? long : arrange(boxes, arrows, isWide, TOP_TO_BOTTOM, true);
}

/**
 * @param {Map<string, Box>} boxes
 * @param {Map<string, Arrow>} arrows
 * @param {boolean} isWide
 * @param {object} settings
 * @param {boolean} hasFrames whether dagre keeps the places of a store together
 * @returns {Layout}
 */
function arrange(boxes, arrows, isWide, settings, hasFrames) {
  const graph = new Graph({ compound: true, multigraph: true });
  graph.setGraph({ marginx: EDGE, marginy: 32, ...settings });
  graph.setDefaultEdgeLabel(() => ({}));
  const joined = new Set([...arrows.values()].flatMap((arrow) => [arrow.from, arrow.to]));
  /** @type {Box[]} */
  const alone = [];
  for (const box of boxes.values()) {
    if (!box.frame && !joined.has(box.id)) {
      alone.push(box);
      continue;
    }
    graph.setNode(box.id, sizeOf(box, isWide));
    if (hasFrames && box.frame) {
      graph.setNode(`frame ${box.frame}`, {});
      graph.setParent(box.id, `frame ${box.frame}`);
    }
  }
  for (const [key, arrow] of arrows) {
    if (arrow.isOwn) continue;
    // From left to right the line and its head are seen on both sides of the name.
    const width = labelWidth(arrow.names.join(", "), arrow.isBackflush) + (isWide ? ARROWHEAD : 0);
    const label = { width, height: 20, labelpos: "c", minlen: 1, weight: arrow.isBackflush ? 3 : 1 };
    graph.setEdge(arrow.from, arrow.to, label, key);
  }
  layout(graph);
  return withRest(placed(graph, boxes), boxes, arrows, alone, isWide, graph);
}

/**
 * Return where dagre has put the boxes.
 * @param {DagreGraph} graph
 * @param {Map<string, Box>} boxes
 * @returns {Layout}
 */
function placed(graph, boxes) {
  /** @type {Map<string, Spot>} */
  const spots = new Map();
  for (const id of boxes.keys()) {
    if (graph.hasNode(id)) spots.set(id, /** @type {Spot} */ (graph.node(id)));
  }
  const { width = 0, height = 0 } = /** @type {{width?: number, height?: number}} */ (graph.graph());
  const finite = (/** @type {number} */ size) => (Number.isFinite(size) ? size : 0);
  return { width: finite(width), height: finite(height), spots, ways: new Map(), frames: new Map() };
}

/**
 * Add to a layout the boxes without arrows, the frames and the ways of the arrows.
 * @param {Layout} made
 * @param {Map<string, Box>} boxes
 * @param {Map<string, Arrow>} arrows
 * @param {Box[]} alone
 * @param {boolean} isWide
 * @param {DagreGraph} graph
 * @returns {Layout}
 */
function withRest(made, boxes, arrows, alone, isWide, graph) {
  if (alone.length) addRowsBelow(made, alone, isWide);
  for (const box of boxes.values()) {
    if (box.frame) made.frames.set(box.frame, around(made.frames.get(box.frame), spotOf(made, box.id)));
  }
  for (const [key, arrow] of arrows) made.ways.set(key, wayOf(made, arrow, key, isWide, graph));
  return made;
}

/**
 * Put the boxes that no rule leads to or from in rows below: dagre would put them under an arrow.
 * @param {Layout} made
 * @param {Box[]} alone
 * @param {boolean} isWide
 */
function addRowsBelow(made, alone, isWide) {
  const sizes = alone.map((box) => sizeOf(box, isWide));
  const rowHeight = Math.max(...sizes.map((size) => size.height));
  made.width = Math.max(made.width, WIDE / 2);
  let x = EDGE;
  let y = made.height + GAP;
  alone.forEach((box, index) => {
    const { width, height } = sizes[index];
    if (x > EDGE && x + width > made.width) {
      x = EDGE;
      y += rowHeight + GAP;
    }
    made.spots.set(box.id, { x: x + width / 2, y: y + height / 2, width, height });
    x += width + GAP;
  });
  made.height = y + rowHeight + 18;
}

/**
 * @param {Layout} made
 * @param {string} id
 * @returns {Spot}
 */
function spotOf(made, id) {
  const spot = made.spots.get(id);
  if (!spot) throw new Error(`the map has no place for ${id}`);
  return spot;
}

/**
 * Return a frame that goes around a box too, with room for the store's name above it.
 * @param {Frame | undefined} frame
 * @param {Spot} spot
 * @returns {Frame}
 */
function around(frame, { x, y, width, height }) {
  return {
    left: Math.min(frame?.left ?? Infinity, x - width / 2 - 10),
    top: Math.min(frame?.top ?? Infinity, y - height / 2 - 28),
    right: Math.max(frame?.right ?? 0, x + width / 2 + 10),
    bottom: Math.max(frame?.bottom ?? 0, y + height / 2 + 10),
  };
}

/**
 * @param {Layout} made
 * @param {Map<string, Box>} boxes
 */
function areFramesApart({ spots, frames }, boxes) {
  /** @type {[string, Frame][]} */
  const edges = [...frames];
  for (const [id, { x, y, width, height }] of spots) {
    const edge = { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
    edges.push([boxes.get(id)?.frame ?? "", edge]);
  }
  return [...frames].every(([store, frame]) => edges.every(([of, edge]) => of === store || !overlap(frame, edge)));
}

/**
 * @param {Frame} one
 * @param {Frame} other
 */
function overlap(one, other) {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

/**
 * @param {Layout} made
 * @param {Arrow} arrow
 * @param {string} key
 * @param {boolean} isWide
 * @param {DagreGraph} graph
 * @returns {Way}
 */
function wayOf(made, arrow, key, isWide, graph) {
  if (arrow.isOwn) return straightWay(spotOf(made, arrow.from), spotOf(made, arrow.to));
  const edge = graph.edge({ v: arrow.from, w: arrow.to, name: key });
  const { points, x, y } = /** @type {{points: Point[], x: number, y: number}} */ (edge);
  return { points: isWide ? fromTheSide(made, arrow, points) : points, label: { x, y } };
}

/**
 * @param {Spot} from
 * @param {Spot} to
 * @returns {Way}
 */
function straightWay(from, to) {
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  return { points: [borderOf(from, to), middle, borderOf(to, from)], label: middle };
}

/**
 * Return where a straight line from the middle of a box towards a point leaves the box.
 * @param {Spot} box
 * @param {Point} towards
 * @returns {Point}
 */
function borderOf(box, towards) {
  const [dx, dy] = [towards.x - box.x, towards.y - box.y];
  const part = Math.min(box.width / 2 / Math.abs(dx || 1e-9), box.height / 2 / Math.abs(dy || 1e-9));
  return { x: box.x + dx * part, y: box.y + dy * part };
}

/**
 * Return the points of an arrow, which enters its box from the side if its last part would cross other boxes.
 * @param {Layout} made
 * @param {Arrow} arrow
 * @param {Point[]} points
 * @returns {Point[]}
 */
function fromTheSide(made, arrow, points) {
  const box = spotOf(made, arrow.to);
  const [before, end] = points.slice(-2);
  const side = before.x < box.x - box.width / 2 ? -1 : before.x > box.x + box.width / 2 ? 1 : 0;
  const others = [...made.spots].filter(([id]) => id !== arrow.from && id !== arrow.to).map(([, spot]) => spot);
  if (!side || !crosses(before, end, others)) return points;
  const x = box.x + (side * box.width) / 2;
  return [...points.slice(0, -1), { x: x + side * 12, y: box.y }, { x, y: box.y }];
}

/**
 * Tell whether a straight line passes through one of some boxes.
 * @param {Point} from
 * @param {Point} to
 * @param {Spot[]} spots
 */
function crosses(from, to, spots) {
  return [0.15, 0.3, 0.45, 0.6, 0.75, 0.9].some((part) => {
    const [x, y] = [from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part];
    return spots.some((spot) => Math.abs(x - spot.x) < spot.width / 2 && Math.abs(y - spot.y) < spot.height / 2);
  });
}
