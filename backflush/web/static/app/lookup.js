// @ts-check
// A field for a code offers what begins with it while a person types: an editable combobox by the ARIA pattern. The
// server finds the codes; without this script, or without an answer, it is a plain field.
import { around, find, findAll, origin } from "./dom.js";
import { announce, textOf } from "./messages.js";

const QUIET_MILLISECONDS = 120;
const LIST_PIXELS_MAX = 340;
const LIST_PIXELS_MIN = 88;
/** The field whose list is open or may open. @type {HTMLInputElement | null} */
let field = null;
/** @type {AbortController | null} */
let asking = null;
let waiting = 0;
let active = -1;
const list = makeList();

/** @typedef {{ code: string, about: string }} Code */

/**
 * `similar` tells that no code begins with the text, and these are spelt most like it.
 * @typedef {{ codes: Code[], more: boolean, similar: boolean }} Found
 */

/** @returns {HTMLElement} */
function makeList() {
  const made = document.createElement("div");
  made.id = "code-list";
  made.className = "code-list";
  made.setAttribute("role", "listbox");
  made.setAttribute("aria-label", textOf("codes"));
  made.hidden = true;
  // Pressing an option must not take the focus from the field.
  made.addEventListener("mousedown", (event) => event.preventDefault());
  made.addEventListener("click", (event) => {
    const pressed = around(event, "[role=option]");
    if (pressed) choose(options().indexOf(pressed));
  });
  return made;
}

/** @returns {HTMLElement[]} */
function options() {
  return findAll("[role=option]", list);
}

/**
 * @param {Event} event
 * @returns {HTMLInputElement | null}
 */
function codeField(event) {
  const at = origin(event);
  return at instanceof HTMLInputElement && at.dataset.codes ? at : null;
}

document.addEventListener("focusin", (event) => {
  const at = codeField(event);
  if (at === field) return;
  close();
  field = at;
  if (!field) return;
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("aria-controls", list.id);
});

document.addEventListener("focusout", (event) => {
  if (codeField(event) === field) close();
});

document.addEventListener("input", (event) => {
  // A scanner, a paste or another script fills a field that has no focus: nothing is offered then.
  if (!field || codeField(event) !== field || document.activeElement !== field) return;
  window.clearTimeout(waiting);
  if (field.value.trim()) waiting = window.setTimeout(offer, QUIET_MILLISECONDS);
  else close();
});

document.addEventListener("change", (event) => {
  const at = codeField(event);
  if (at) void describe(at);
});

// Before other keys of the page, such as those of an editable table.
document.addEventListener("keydown", keyed, { capture: true });

/** What keys do while the list is open. @type {Record<string, () => void>} */
const KEYS = {
  ArrowDown: () => activate((active + 1) % options().length),
  ArrowUp: () => activate((active <= 0 ? options().length : active) - 1),
  Enter: () => choose(active),
  Escape: () => close(),
};

/** @param {KeyboardEvent} event */
function keyed(event) {
  if (!field || origin(event) !== field) return;
  const opens = list.hidden && event.key === "ArrowDown" && event.altKey;
  const does = opens ? () => void offer() : list.hidden ? null : KEYS[event.key];
  if (!does || (event.key === "Enter" && active < 0)) return;
  does();
  event.preventDefault();
  event.stopPropagation();
}

/**
 * Ask the server for the codes that a text may mean; null where there is no answer, or a later question.
 * @param {HTMLInputElement} at
 * @param {AbortSignal} [signal]
 * @returns {Promise<Found | null>}
 */
async function ask(at, signal) {
  try {
    const query = new URLSearchParams({ q: at.value.trim() });
    const answer = await fetch(`/look-up/${at.dataset.codes}/?${query}`, { signal });
    return answer.ok && !answer.redirected ? await answer.json() : null;
  } catch {
    return null;
  }
}

async function offer() {
  asking?.abort();
  asking = new AbortController();
  const asked = field;
  if (!asked) return;
  const text = asked.value;
  const found = await ask(asked, asking.signal);
  if (!found || field !== asked || asked.value !== text || document.activeElement !== asked) return;
  const { codes } = found;
  if (!codes.length || (codes.length === 1 && codes[0].code === text.trim())) {
    close();
    return;
  }
  show(asked, found);
}

/**
 * @param {HTMLInputElement} at
 * @param {Found} found
 */
function show(at, { codes, more, similar }) {
  const dialog = at.closest("dialog") ?? document.body;
  if (list.parentElement !== dialog) dialog.append(list);
  list.replaceChildren(...codes.map(optionOf));
  if (similar) list.prepend(lineOf(textOf("similarCodes")));
  if (more) list.append(lineOf(textOf("moreCodes")));
  list.hidden = false;
  place(at);
  at.setAttribute("aria-expanded", "true");
  activate(-1);
  announce(similar ? didYouMean(codes) : textOf("foundCodes").replace("{number}", String(codes.length)));
}

/**
 * @param {string} text
 * @returns {HTMLElement}
 */
function lineOf(text) {
  const line = document.createElement("p");
  line.className = "code-list-more";
  line.textContent = text;
  return line;
}

/**
 * Ask whether the likeliest of some similar codes was meant.
 * @param {Code[]} codes
 * @returns {string}
 */
function didYouMean(codes) {
  return textOf("didYouMean").replace("{suggestion}", codes[0].code);
}

/**
 * @param {Code} found
 * @param {number} index
 * @returns {HTMLElement}
 */
function optionOf(found, index) {
  const made = document.createElement("div");
  made.id = `code-${index}`;
  made.className = "code-option";
  made.setAttribute("role", "option");
  made.dataset.code = found.code;
  made.dataset.about = found.about;
  const code = document.createElement("b");
  code.className = "code";
  code.textContent = found.code;
  const about = document.createElement("span");
  about.textContent = found.about;
  made.append(code, about);
  return made;
}

/**
 * Put the list below its field, or above it where there is more room: within what the keyboard of a phone leaves.
 * @param {HTMLInputElement} at
 */
function place(at) {
  const box = at.getBoundingClientRect();
  const seen = window.visualViewport;
  const top = seen?.offsetTop ?? 0;
  const roomBelow = top + (seen?.height ?? window.innerHeight) - box.bottom - 8;
  const roomAbove = box.top - top - 8;
  list.style.maxHeight = "";
  const above = roomBelow < list.offsetHeight && roomAbove > roomBelow;
  list.style.maxHeight = `${Math.min(LIST_PIXELS_MAX, Math.max(above ? roomAbove : roomBelow, LIST_PIXELS_MIN))}px`;
  list.style.minWidth = `${box.width}px`;
  list.style.left = `${Math.max(4, Math.min(box.left, document.documentElement.clientWidth - list.offsetWidth - 4))}px`;
  list.style.top = `${above ? box.top - list.offsetHeight - 4 : box.bottom + 4}px`;
}

/** @param {number} index */
function activate(index) {
  active = index;
  for (const [at, made] of options().entries()) made.setAttribute("aria-selected", String(at === index));
  const chosen = options()[index];
  if (chosen) {
    field?.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  } else field?.removeAttribute("aria-activedescendant");
}

/** @param {number} index */
function choose(index) {
  const chosen = options()[index];
  if (!field || !chosen) return;
  field.value = chosen.dataset.code ?? "";
  note(field, chosen.dataset.about ?? "");
  const chosenIn = field;
  close();
  chosenIn.dispatchEvent(new Event("input", { bubbles: true }));
  chosenIn.dispatchEvent(new Event("change", { bubbles: true }));
  close();
}

function close() {
  window.clearTimeout(waiting);
  asking?.abort();
  asking = null;
  active = -1;
  list.hidden = true;
  field?.setAttribute("aria-expanded", "false");
  field?.removeAttribute("aria-activedescendant");
}

/**
 * Write a code as it is kept, and say what it is; of one that isn't there, which one may be meant.
 * @param {HTMLInputElement} at
 */
async function describe(at) {
  const text = at.value.trim();
  const found = text ? await ask(at) : null;
  if (at.value.trim() !== text) return;
  const meant = found ? sameIn(found.codes, text) : null;
  if (meant) at.value = meant.code;
  const question = found?.similar && !meant ? didYouMean(found.codes) : "";
  note(at, meant?.about ?? question);
  if (question) announce(question);
}

/**
 * Return the code that a text is, whatever its case; null where it is none, or could be several.
 * @param {Code[]} codes
 * @param {string} text
 * @returns {Code | null}
 */
function sameIn(codes, text) {
  const same = codes.filter((one) => one.code.toLowerCase() === text.toLowerCase());
  return same.find((one) => one.code === text) ?? (same.length === 1 ? same[0] : null);
}

/**
 * @param {HTMLInputElement} at
 * @param {string} text
 */
function note(at, text) {
  const shown = find("[data-code-note]", at.closest("td, .form-row") ?? document.createElement("p"));
  if (shown) shown.textContent = text;
}

// The keyboard of a phone makes the window smaller while a code is being typed.
window.visualViewport?.addEventListener("resize", () => {
  if (!list.hidden && field) place(field);
});
document.addEventListener(
  "scroll",
  (event) => {
    if (!list.hidden && event.target !== list && field) place(field);
  },
  { capture: true, passive: true },
);
