// @ts-check
// Counting a sheet: one line after another without waiting for the server, with keys that are large enough for gloves.
import { around, find, findAll, root } from "./dom.js";
import { keepCount, sendKept } from "./kept-counts.js";

const TIMES = /\s*[x×*]\s*/u;
const isTouched = matchMedia("(pointer: coarse)").matches;

/** @param {HTMLElement} line */
function quantityOf(line) {
  return /** @type {HTMLInputElement} */ (find("input[name=quantity]", line));
}

/**
 * Add up piles such as 12 × 50 + 30; null while they can't be read here, such as in a unit that isn't offered.
 * @param {string} text
 * @param {Map<string, number>} factors
 * @returns {number | null}
 */
function sumOf(text, factors) {
  let sum = 0;
  for (const pile of text.split("+")) {
    let size = 1;
    const found = /^(?<numbers>.*?\d[.,]?)\s*(?<unit>[^\d\s.,x×*].*)?$/u.exec(pile.trim());
    if (!found?.groups) return null;
    for (const number of found.groups.numbers.split(TIMES)) {
      const plain = number.replace(root.dataset.decimal ?? ".", ".");
      if (!/^\d+(?:\.\d*)?$|^\.\d+$/u.test(plain)) return null;
      size *= Number(plain);
    }
    const factor = found.groups.unit ? factors.get(found.groups.unit.toLowerCase()) : 1;
    if (factor === undefined) return null;
    sum += size * factor;
  }
  return Math.round(sum * 1e6) / 1e6;
}

/** @param {HTMLElement} line */
function showSum(line) {
  const shown = find("[data-sum]", line);
  if (!shown) return;
  const unit = shown.dataset.unit ?? "";
  const packs = findAll("[data-factor]", line).map((pack) => [
    (pack.dataset.unit ?? "").toLowerCase(),
    Number(pack.dataset.factor),
  ]);
  const factors = new Map(/** @type {[string, number][]} */ ([...packs, [unit.toLowerCase(), 1]]));
  const text = quantityOf(line).value.trim();
  const sum = text === "" ? null : sumOf(text, factors);
  const written = sum === null ? "" : String(sum).replace(".", root.dataset.decimal ?? ".");
  shown.textContent = sum === null || written === text ? "" : `= ${written} ${unit}`;
}

/**
 * Put the next line in the place of one; after the last, say that nothing is left.
 * @param {HTMLElement} line
 */
function leave(line) {
  const next = /** @type {HTMLTemplateElement | null} */ (find("template[data-next]"));
  if (next) {
    next.replaceWith(next.content);
  } else {
    const finished = find("[data-finished]");
    if (finished) finished.hidden = false;
  }
  line.remove();
  open();
  scrollTo({ top: 0 });
}

function open() {
  const line = find("[data-line]");
  if (!line) {
    find("[data-finished] h2")?.focus();
    return;
  }
  const keys = find("[data-keys]", line);
  if (keys) keys.hidden = false;
  const field = quantityOf(line);
  // Its own keys take the place of the device's, which would cover half of the screen.
  field.inputMode = isTouched ? "none" : "decimal";
  showSum(line);
  (isTouched ? find("h2", line) : field)?.focus();
}

document.addEventListener("input", (event) => {
  const line = around(event, "[data-line]");
  if (line) showSum(line);
});

document.addEventListener("click", (event) => {
  const line = around(event, "[data-line]");
  if (!line) return;
  const key = around(event, "[data-key]")?.dataset.key;
  if (key !== undefined) {
    const field = quantityOf(line);
    field.value = key === "back" ? field.value.trimEnd().slice(0, -1).trimEnd() : field.value + key;
    showSum(line);
  } else if (around(event, "[data-skip]")) {
    event.preventDefault();
    leave(line);
  }
});

// Before offline.js asks whether the server is there: the count is kept first and sent in the background.
document.addEventListener(
  "submit",
  (event) => {
    const line = event.target;
    if (!(line instanceof HTMLFormElement) || !line.matches("[data-line]")) return;
    event.preventDefault();
    keepCount(line, event.submitter);
    leave(line);
    sendKept();
  },
  { capture: true },
);

if (find("[data-line]")) open();
