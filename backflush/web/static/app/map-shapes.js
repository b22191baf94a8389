// @ts-check
// The boxes, arrows and names of the stock map as SVG elements. styles/pages/stock-map.css gives them colours and fonts.
import { countWidth, labelWidth, nameLines } from "./map-layout.js";
import { wordOf } from "./map-data.js";

/** @import { Arrow, Box } from "./map-data.js" */
/** @import { Frame, Point, Spot, Way } from "./map-layout.js" */

/** How far a line bends at a point, as a share of the way to the next. */
const BEND = 0.5;
const ARROWHEAD = "M0 0L-10 -5L-10 5Z";
const LINE_HEIGHT = 16;

/**
 * Make an SVG element.
 * @param {string} name
 * @param {Record<string, string | number>} [attributes]
 * @param {string | number} [text]
 * @returns {SVGElement}
 */
export function shape(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text !== "") made.textContent = String(text);
  return made;
}

/**
 * Return the class of a part: on the trace of an item, beside it, or neither where nothing is traced.
 * @param {boolean | null} isOnTrace
 */
function traceClass(isOnTrace) {
  if (isOnTrace === null) return "";
  return isOnTrace ? " is-on-trace" : " is-dimmed";
}

/**
 * Draw a place or a folded store as a link.
 * @param {Box} box
 * @param {Spot} spot
 * @param {boolean} isWide
 * @param {boolean | null} isOnTrace
 * @returns {SVGElement}
 */
export function boxShape(box, spot, isWide, isOnTrace) {
  const [x, y] = [spot.x - spot.width / 2, spot.y - spot.height / 2];
  const waiting = box.waiting ? `${box.waiting} ${wordOf("unresolved")}` : "";
  const link = shape("a", {
    href: box.address,
    class: `map-place${traceClass(isOnTrace)}`,
    "aria-label": [box.title, box.name, box.note, waiting].filter(Boolean).join(" "),
    "data-store": box.frame,
  });
  const radius = box.hasBalance ? 6 : spot.height / 2;
  link.append(shape("rect", { class: outline(box), x, y, width: spot.width, height: spot.height, rx: radius }));
  /** @type {Record<string, string | number>} */
  const across = box.hasBalance ? { x: x + 12 } : { x: spot.x, "text-anchor": "middle" };
  link.append(shape("text", { class: "map-name", y: y + 21, ...across }, box.title));
  const lines = box.hasBalance ? [...nameLines(box, isWide), box.note] : nameLines(box, isWide);
  const first = y + (box.hasBalance ? 38 : 37);
  lines.forEach((line, row) => {
    link.append(shape("text", { class: "map-note", y: first + LINE_HEIGHT * row, ...across }, line));
  });
  if (box.waiting) link.append(...countShapes(box, x + spot.width - 7, y));
  // Without spaces between them, the texts of a box would be copied as one word.
  for (const part of [...link.children]) part.after(" ");
  return link;
}

/** @param {Box} box */
function outline(box) {
  if (box.isFolded) return "map-folded-store";
  return box.hasBalance ? "map-location" : "map-outside";
}

/**
 * @param {Box} box
 * @param {number} right
 * @param {number} top
 */
function countShapes(box, right, top) {
  const width = countWidth(box);
  return [
    shape("rect", { class: "map-wait-back", x: right - width, y: top + 7, width, height: 20, rx: 10 }),
    shape("text", { class: "map-wait-text", x: right - width / 2, y: top + 21, "text-anchor": "middle" }, box.waiting),
  ];
}

/**
 * Draw the line of an arrow and its head.
 * @param {Arrow} arrow
 * @param {Way} way
 * @param {boolean} isTraced
 * @returns {SVGElement}
 */
export function arrowShape(arrow, { points }, isTraced) {
  const [before, end] = points.slice(-2);
  const turn = (Math.atan2(end.y - before.y, end.x - before.x) * 180) / Math.PI;
  const line = shape("g", { class: arrowClass(arrow, isTraced) });
  line.append(
    shape("path", { class: "map-edge", d: curve(points) }),
    shape("path", {
      class: "map-arrowhead",
      d: ARROWHEAD,
      transform: `translate(${end.x} ${end.y}) rotate(${turn})`,
    }),
  );
  return line;
}

/**
 * Draw the names of an arrow's actions, and their steps in the trace.
 * @param {Arrow} arrow
 * @param {Way} way
 * @param {boolean} isTraced
 * @returns {SVGElement}
 */
export function labelShape(arrow, { label: { x, y } }, isTraced) {
  const hasSteps = arrow.steps.length > 0;
  const text = (hasSteps ? arrow.tracedNames : arrow.names).join(", ");
  const width = labelWidth(text, arrow.isBackflush || hasSteps);
  const label = shape("g", { class: arrowClass(arrow, isTraced) });
  label.append(
    shape("rect", { class: "map-label-back", x: x - width / 2, y: y - 9, width, height: 18, rx: 3 }),
    shape("text", { class: "map-label", x, y: y + 4, "text-anchor": "middle" }, text),
  );
  if (!hasSteps) return label;
  // The number is beside the name and takes no room in the layout, so that tracing moves nothing.
  const left = x - width / 2 - 11;
  label.append(
    shape("circle", { class: "map-step", cx: left, cy: y, r: 10 }),
    shape("text", { class: "map-step-number", x: left, y: y + 4, "text-anchor": "middle" }, arrow.steps.join(", ")),
  );
  return label;
}

/**
 * @param {Arrow} arrow
 * @param {boolean} isTraced
 */
function arrowClass(arrow, isTraced) {
  return `map-link${arrow.isBackflush ? " is-backflush" : ""}${traceClass(isTraced ? arrow.steps.length > 0 : null)}`;
}

/**
 * Return a smooth path through all points: the name of the arrow is on one of them, so it is on the line. The path turns
 * where its points turn, and never goes beyond them.
 * @param {Point[]} points
 * @returns {string}
 */
function curve(points) {
  const bends = points.map((here, index) => {
    const [before, after] = [points[index - 1] ?? here, points[index + 1] ?? here];
    return { x: bend(before.x, here.x, after.x), y: bend(before.y, here.y, after.y) };
  });
  let path = `M${points[0].x} ${points[0].y}`;
  for (let index = 1; index < points.length; index += 1) {
    const [from, to] = [points[index - 1], points[index]];
    const [leaving, arriving] = [bends[index - 1], bends[index]];
    path += `C${from.x + leaving.x} ${from.y + leaving.y} ${to.x - arriving.x} ${to.y - arriving.y} ${to.x} ${to.y}`;
  }
  return path;
}

/**
 * @param {number} before
 * @param {number} here
 * @param {number} after
 */
function bend(before, here, after) {
  if ((here - before) * (after - here) <= 0) return 0;
  return Math.sign(after - here) * Math.min(Math.abs(here - before), Math.abs(after - here)) * BEND;
}

/**
 * Draw the frame of a store.
 * @param {Frame} frame
 * @returns {SVGElement}
 */
export function frameShape({ left, top, right, bottom }) {
  return shape("rect", { class: "map-store", x: left, y: top, width: right - left, height: bottom - top, rx: 8 });
}

/**
 * Draw the name of a store at its frame. For a store that was opened it is a link that folds it again.
 * @param {string} store
 * @param {Frame} frame
 * @param {string} closes the address with the store folded, or empty
 * @returns {SVGElement}
 */
export function frameName(store, frame, closes) {
  const name = `${wordOf("store")} ${store}`;
  const at = { class: "map-store-name", x: frame.left + 10, y: frame.top + 18 };
  if (!closes) return shape("text", at, name);
  const link = shape("a", { href: closes, class: "map-fold-link", "aria-label": `${name}, ${wordOf("folds")}` });
  link.append(shape("text", at, `${name} (${wordOf("folds")})`));
  return link;
}
