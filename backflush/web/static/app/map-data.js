// @ts-check
// What the stock map draws, read from the two tables below the picture.
import { find, findAll } from "./dom.js";

/**
 * A place, or a folded store with all of its places.
 * @typedef {object} Box
 * @property {string} id
 * @property {string} title
 * @property {string} name
 * @property {string} note
 * @property {number} waiting how many unresolved movements it has
 * @property {boolean} hasBalance
 * @property {boolean} isFolded
 * @property {string} frame the store whose frame it is in, or empty
 * @property {string} closes the address of the map with its store folded, or empty
 * @property {string} address
 * @property {number} count how many places it stands for
 */

/**
 * The transfer rules between the same two boxes.
 * @typedef {object} Arrow
 * @property {string} from
 * @property {string} to
 * @property {boolean} isOwn from a source that a structure line names itself: drawn straight, so that nothing else moves
 * @property {string[]} names
 * @property {string[]} tracedNames
 * @property {boolean} isBackflush
 * @property {string[]} steps their numbers in the trace of an item
 */

/** The picture; its data attributes hold the words of the page's language. */
export const svg = /** @type {SVGSVGElement | null} */ (/** @type {unknown} */ (find("#map")));

/**
 * Return a word of the page.
 * @param {"store" | "place" | "places" | "unresolved" | "folds"} name
 * @returns {string}
 */
export const wordOf = (name) => svg?.dataset[name] ?? "";

/**
 * Return the data attributes of a table's rows.
 * @param {string} selector
 * @returns {DOMStringMap[]}
 */
const rowsOf = (selector) => findAll(selector).map((row) => row.dataset);

/**
 * Return the boxes by their id, and the id of the box in which each path is drawn.
 * @returns {{boxes: Map<string, Box>, boxOf: Map<string, string>}}
 */
export function readBoxes() {
  /** @type {Map<string, Box>} */
  const boxes = new Map();
  /** @type {Map<string, string>} */
  const boxOf = new Map();
  for (const row of rowsOf("#places tbody tr[data-path]")) {
    const path = row.path ?? "";
    const id = row.fold ? `store ${row.fold}` : path;
    boxOf.set(path, id);
    const known = boxes.get(id);
    if (!row.fold) boxes.set(id, placeBox(id, path, row));
    else boxes.set(id, withPlace(known ?? storeBox(id, row.fold, row), Number(row.wait)));
  }
  return { boxes, boxOf };
}

/**
 * @param {string} id
 * @param {string} path
 * @param {DOMStringMap} row
 * @returns {Box}
 */
function placeBox(id, path, row) {
  return {
    id,
    title: path,
    name: row.name ?? "",
    note: [row.says, row.value].filter(Boolean).join(", "),
    waiting: Number(row.wait),
    hasBalance: "balance" in row,
    isFolded: false,
    frame: frameOf(row),
    closes: row.closes ?? "",
    address: row.address ?? "",
    count: 0,
  };
}

/**
 * @param {string} id
 * @param {string} store
 * @param {DOMStringMap} row
 * @returns {Box}
 */
function storeBox(id, store, row) {
  return {
    id,
    title: store,
    name: row.storeName || wordOf("store"),
    note: "",
    waiting: 0,
    hasBalance: true,
    isFolded: true,
    frame: frameOf(row),
    closes: "",
    address: row.opens ?? "",
    count: 0,
  };
}

/**
 * @param {Box} box
 * @param {number} waiting
 * @returns {Box}
 */
function withPlace(box, waiting) {
  const count = box.count + 1;
  const note = `${count} ${wordOf(count === 1 ? "place" : "places")}`;
  return { ...box, count, note, waiting: box.waiting + waiting };
}

/** @param {DOMStringMap} row */
const frameOf = (row) => ("framed" in row ? (row.store ?? "") : "");

/**
 * Return the arrows by their key. Rules with the same ends share one.
 * @param {Map<string, string>} boxOf
 * @returns {Map<string, Arrow>}
 */
export function readArrows(boxOf) {
  /** @type {Map<string, Arrow>} */
  const arrows = new Map();
  for (const row of rowsOf("#rules tbody tr[data-from]")) {
    const from = boxOf.get(row.from ?? "");
    const to = boxOf.get(row.to ?? "");
    if (!from || !to || from === to) continue;
    const isOwn = "own" in row;
    const key = `${from}>${to}${isOwn ? ">own" : ""}`;
    const arrow = arrows.get(key) ?? emptyArrow(from, to, isOwn);
    arrows.set(key, arrow);
    addRule(arrow, row);
  }
  return arrows;
}

/**
 * @param {string} from
 * @param {string} to
 * @param {boolean} isOwn
 * @returns {Arrow}
 */
function emptyArrow(from, to, isOwn) {
  return { from, to, isOwn, names: [], tracedNames: [], isBackflush: false, steps: [] };
}

/**
 * @param {Arrow} arrow
 * @param {DOMStringMap} row
 */
function addRule(arrow, row) {
  const action = row.action ?? "";
  if (!arrow.names.includes(action)) arrow.names.push(action);
  arrow.isBackflush ||= "flush" in row;
  if (!row.steps) return;
  arrow.steps.push(row.steps);
  if (!arrow.tracedNames.includes(action)) arrow.tracedNames.push(action);
}
