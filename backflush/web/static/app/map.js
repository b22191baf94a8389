// @ts-check
// The stock map: reads the tables below it, lays them out, draws them, and brings into view what was asked for.
import { readArrows, readBoxes, svg } from "./map-data.js";
import { layOut, WIDE } from "./map-layout.js";
import { arrowShape, boxShape, frameName, frameShape, labelShape, shape } from "./map-shapes.js";

/** At a larger scale than this a small map would look coarse. */
const SCALE_MAX = 1.2;
/** At a smaller scale than this letters of 12 px would be smaller than 11 px: then the map scrolls. */
const SCALE_MIN = 11 / 12;
const MARGIN = 24;

/**
 * Draw the map.
 * @param {SVGSVGElement} picture
 * @param {HTMLElement} region
 * @param {boolean} isWide from left to right, or from top to bottom
 */
function draw(picture, region, isWide) {
  const { boxes, boxOf } = readBoxes();
  const arrows = readArrows(boxOf);
  const { width, height, spots, ways, frames } = layOut(boxes, arrows, isWide);
  const traced = [...arrows.values()].filter((arrow) => arrow.steps.length);
  const ends = new Set(traced.flatMap((arrow) => [arrow.from, arrow.to]));
  const isTraced = traced.length > 0;
  const dimmed = { class: isTraced ? "is-dimmed" : "" };
  const layers = {
    frames: shape("g", dimmed),
    lines: shape("g"),
    names: shape("g", dimmed),
    boxes: shape("g"),
    labels: shape("g"),
  };
  for (const [store, frame] of frames) {
    const closes = [...boxes.values()].find((box) => box.frame === store && box.closes)?.closes ?? "";
    layers.frames.append(frameShape(frame));
    layers.names.append(frameName(store, frame, closes));
  }
  for (const [key, way] of ways) {
    const arrow = arrows.get(key);
    if (!arrow) continue;
    layers.lines.append(arrowShape(arrow, way, isTraced));
    layers.labels.append(labelShape(arrow, way, isTraced));
  }
  for (const [id, spot] of spots) {
    const box = boxes.get(id);
    if (box) layers.boxes.append(boxShape(box, spot, isWide, isTraced ? ends.has(id) : null));
  }
  picture.setAttribute("class", `stock-map is-drawn${isTraced ? " is-traced" : ""}`);
  picture.setAttribute("viewBox", `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`);
  const scale = Math.min(SCALE_MAX, Math.max(SCALE_MIN, (region.clientWidth - 16) / width));
  picture.setAttribute("width", String(Math.ceil(width * scale)));
  picture.setAttribute("height", String(Math.ceil(height * scale)));
  picture.replaceChildren(layers.frames, layers.lines, layers.names, layers.boxes, layers.labels);
}

/**
 * Scroll to what was asked for: a store that was just opened, or the trace of an item.
 * @param {SVGSVGElement} picture
 * @param {HTMLElement} region
 */
function showAsked(picture, region) {
  const store = decodeURIComponent(location.hash.slice("#store-".length));
  const places = /** @type {SVGAElement[]} */ ([...picture.querySelectorAll(".map-place")]);
  const opened = store ? places.filter((place) => place.dataset.store === store) : [];
  const shown = opened.length ? opened : [...picture.querySelectorAll(".is-on-trace")];
  if (!shown.length) return;
  if (opened.length) opened[0].focus({ preventScroll: true });
  const outer = region.getBoundingClientRect();
  const spots = shown.map((part) => part.getBoundingClientRect());
  const left = Math.min(...spots.map((spot) => spot.left));
  const right = Math.max(...spots.map((spot) => spot.right));
  const top = Math.min(...spots.map((spot) => spot.top));
  const bottom = Math.max(...spots.map((spot) => spot.bottom));
  region.scrollBy({
    left: left - outer.left - Math.max(MARGIN, (region.clientWidth - (right - left)) / 2),
    top: top - outer.top - Math.max(MARGIN, (region.clientHeight - (bottom - top)) / 2),
    behavior: "instant",
  });
}

/**
 * Draw the map now, and again whenever its direction changes.
 * @param {SVGSVGElement} picture
 * @param {HTMLElement} region
 */
function begin(picture, region) {
  const fitsWide = () => region.clientWidth > WIDE;
  let isWide = fitsWide();
  draw(picture, region, isWide);
  showAsked(picture, region);
  new ResizeObserver(() => {
    if (fitsWide() === isWide || matchMedia("print").matches) return;
    isWide = fitsWide();
    draw(picture, region, isWide);
  }).observe(region);
  addEventListener("beforeprint", () => draw(picture, region, true));
  addEventListener("afterprint", () => draw(picture, region, isWide));
}

if (svg?.parentElement) {
  await document.fonts.ready; // the layout measures its texts
  begin(svg, svg.parentElement);
}
