// @ts-check
// Editable tables of lines: rows are added, removed and restored in the page, cells take what is pasted from a
// spreadsheet, and the arrow keys and Enter move between rows. Without this script the buttons send the form instead.
import { around, find, findAll, origin } from "./dom.js";
import { pastedCells } from "./pasted-cells.js";

const NEW_INDEX = /__row__/g;
const NEW_NUMBER = /__number__/g;
/** How many rows one form can have; the server reads no more. */
const ROWS_MAX = 2000;

for (const table of findAll("[data-edit-table]")) prepare(table);

/** @param {HTMLElement} table */
function prepare(table) {
  table.addEventListener("click", (event) => pressed(table, event));
  table.addEventListener("input", () => keepEmptyRow(table));
  table.addEventListener("change", () => keepEmptyRow(table));
  table.addEventListener("paste", (event) => paste(table, event));
  table.addEventListener("keydown", (event) => move(table, event));
}

/**
 * @param {HTMLElement} table
 * @param {Event} event
 */
function pressed(table, event) {
  const button = around(event, "[data-add-row], [data-remove-row], [data-restore-row], [data-more-row]");
  if (!button) return;
  event.preventDefault();
  if (button.matches("[data-add-row]")) {
    const added = addRow(table);
    if (added) firstInput(added)?.focus();
    return;
  }
  const row = button.closest("tr");
  if (!row) return;
  if (button.matches("[data-more-row]")) {
    button.setAttribute("aria-expanded", String(row.classList.toggle("is-open")));
    return;
  }
  const removed = button.matches("[data-remove-row]");
  row.classList.toggle("is-removed", removed);
  for (const cell of findAll(".edit-cell", row)) cell.inert = removed;
  const mark = /** @type {HTMLInputElement} */ (find("[data-removed]", row));
  mark.value = removed ? "on" : "";
  mark.dispatchEvent(new Event("change", { bubbles: true }));
  find(removed ? "[data-restore-row]" : "[data-remove-row]", row)?.focus();
}

/**
 * Return the rows of a table.
 * @param {HTMLElement} table
 * @returns {HTMLTableRowElement[]}
 */
function rowsOf(table) {
  return /** @type {HTMLTableRowElement[]} */ (findAll("tbody tr", table));
}

/**
 * Return the inputs of a row in the order of its columns.
 * @param {Element} row
 * @returns {(HTMLInputElement | HTMLSelectElement)[]}
 */
function inputsOf(row) {
  return /** @type {(HTMLInputElement | HTMLSelectElement)[]} */ (
    findAll(".edit-cell input:not([type=hidden]), .edit-cell select", row)
  );
}

/** @param {Element} row */
function firstInput(row) {
  return inputsOf(row).find((input) => !input.value) ?? inputsOf(row)[0];
}

/** @param {Element} row */
function isEmpty(row) {
  return inputsOf(row).every((input) => (isCheckbox(input) ? !input.checked : !input.value.trim()));
}

/**
 * @param {Element} input
 * @returns {input is HTMLInputElement}
 */
function isCheckbox(input) {
  return input instanceof HTMLInputElement && input.type === "checkbox";
}

/**
 * Add an empty row at the end; null where the form is full.
 * @param {HTMLElement} table
 * @returns {HTMLTableRowElement | null}
 */
function addRow(table) {
  const body = find("tbody", table);
  const template = /** @type {HTMLTemplateElement | null} */ (find("[data-new-row]", table));
  const index = rowsOf(table).length;
  if (!body || !template || index >= ROWS_MAX) return null;
  const holder = document.createElement("tbody");
  for (const child of template.content.children) holder.append(document.importNode(child, true));
  for (const element of [holder, ...findAll("*", holder)]) {
    for (const attribute of element.getAttributeNames()) {
      const value = element.getAttribute(attribute) ?? "";
      const filled = value.replace(NEW_INDEX, String(index)).replace(NEW_NUMBER, String(index + 1));
      if (filled !== value) element.setAttribute(attribute, filled);
    }
  }
  const row = /** @type {HTMLTableRowElement} */ (holder.firstElementChild);
  body.append(row);
  return row;
}

/** Keep an empty row at the end. @param {HTMLElement} table */
function keepEmptyRow(table) {
  const last = rowsOf(table).at(-1);
  if (last && !isEmpty(last)) addRow(table);
}

/**
 * Fill cells from the one with the cursor to the right and downwards with what was copied from a spreadsheet.
 * @param {HTMLElement} table
 * @param {ClipboardEvent} event
 */
function paste(table, event) {
  const at = origin(event);
  const row = at?.closest("tr");
  if (!row || !(at instanceof HTMLInputElement || at instanceof HTMLSelectElement)) return;
  const cells = pastedCells(event.clipboardData?.getData("text/plain") ?? "");
  if (!cells) return;
  event.preventDefault();
  const headed = headedColumns(table, cells[0]);
  const lines = headed ? cells.slice(1) : cells;
  const left = inputsOf(row).indexOf(at);
  const columns = headed ?? cells[0].map((_cell, offset) => left + offset);
  const unread = fill(table, lines, rowsOf(table).indexOf(row), columns);
  keepEmptyRow(table);
  sayPasted(table, lines.length, unread);
}

/**
 * Return which columns the headings in a pasted line stand for; null where the line has none.
 * @param {HTMLElement} table
 * @param {string[]} line
 * @returns {number[] | null}
 */
function headedColumns(table, line) {
  const headings = findAll("thead th", table).map((heading) => plain(heading.textContent ?? ""));
  const columns = line.map((cell) => (plain(cell) ? headings.indexOf(plain(cell)) : -1));
  return columns.some((column) => column >= 0) ? columns : null;
}

/** @param {string} text */
function plain(text) {
  return text.trim().toLowerCase();
}

/**
 * @param {HTMLElement} table
 * @param {number} rows
 * @param {number} unread
 */
function sayPasted(table, rows, unread) {
  const { pasted, pastedExcept } = table.dataset;
  const said = (unread ? pastedExcept : pasted) ?? "";
  const note = find("[data-table-note]", table);
  if (note) note.textContent = said.replace("{rows}", String(rows)).replace("{cells}", String(unread));
}

/**
 * @param {HTMLElement} table
 * @param {string[][]} cells
 * @param {number} top
 * @param {number[]} columns
 * @returns {number} how many cells couldn't be filled
 */
function fill(table, cells, top, columns) {
  let unread = 0;
  cells.forEach((line, offset) => {
    while (rowsOf(table).length <= top + offset && addRow(table));
    const row = rowsOf(table)[top + offset];
    const inputs = row ? inputsOf(row) : [];
    line.forEach((text, column) => {
      const input = inputs[columns[column]];
      if (!(input && enter(input, text.trim())) && text.trim()) unread += 1;
    });
  });
  return unread;
}

const YES = /^(x|1|y|yes|true|ja|on|✓)$/i;

/**
 * Put a text into an input; return whether the input took it.
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @param {string} text
 * @returns {boolean}
 */
function enter(input, text) {
  const isDate = input instanceof HTMLInputElement && input.type === "date";
  if (isCheckbox(input)) input.checked = YES.test(text);
  else input.value = isDate ? isoDate(text) : text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
  return isCheckbox(input) || !text || Boolean(input.value);
}

/**
 * Return a date as date inputs hold it. 2026-03-12 and 12.3.2026 are clear; what could be either order isn't read.
 * @param {string} text
 * @returns {string}
 */
function isoDate(text) {
  const dotted = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text);
  return dotted ? `${dotted[3]}-${dotted[2].padStart(2, "0")}-${dotted[1].padStart(2, "0")}` : text;
}

/**
 * Move to the cell above or below: Enter and the arrow keys, as in a spreadsheet. Ctrl and Enter save.
 * @param {HTMLElement} table
 * @param {KeyboardEvent} event
 */
function move(table, event) {
  const at = origin(event);
  if (!(at instanceof HTMLInputElement) || event.altKey) return;
  const saves = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  const step = saves ? 0 : steps(event, at);
  if (!saves && !step) return;
  event.preventDefault();
  if (saves) at.form?.requestSubmit();
  else moveBy(table, at, step);
}

/**
 * @param {HTMLElement} table
 * @param {HTMLInputElement} at
 * @param {number} step
 */
function moveBy(table, at, step) {
  const row = at.closest("tr");
  if (!row) return;
  const rows = rowsOf(table);
  const next = rows[rows.indexOf(row) + step] ?? (step > 0 ? addRow(table) : null);
  if (next) inputsOf(next)[inputsOf(row).indexOf(at)]?.focus();
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement} at
 * @returns {number}
 */
function steps(event, at) {
  if (event.key === "Enter") return event.shiftKey ? -1 : 1;
  if (at.type === "date" || at.getAttribute("aria-expanded") === "true") return 0;
  return { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0;
}
