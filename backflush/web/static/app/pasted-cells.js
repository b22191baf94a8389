// @ts-check
// What was copied from a spreadsheet or a file of comma-separated values, as rows of cells.

/**
 * Return the rows of cells in a text; null where it is one cell, which the browser pastes by itself.
 * @param {string} text
 * @returns {string[][] | null}
 */
export function pastedCells(text) {
  const trimmed = text.replace(/\r\n?/g, "\n").replace(/\n+$/, "");
  const separator = separatorOf(trimmed);
  if (!separator && !trimmed.includes("\n")) return null;
  return split(trimmed, separator ?? "\n");
}

/**
 * Return what separates the cells: a tab as spreadsheets copy it, else a semicolon or comma that every line has.
 * @param {string} text
 * @returns {string | null}
 */
function separatorOf(text) {
  if (text.includes("\t")) return "\t";
  const lines = text.split("\n");
  if (lines.length < 2) return null;
  return [";", ","].find((sign) => lines.every((line) => line.includes(sign))) ?? null;
}

/**
 * Split a text into cells. A cell in quotation marks may hold separators and line breaks; two marks stand for one.
 * @param {string} text
 * @param {string} separator
 * @returns {string[][]}
 */
function split(text, separator) {
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    const row = rows[rows.length - 1];
    const cell = row.length - 1;
    if (quoted) {
      if (sign !== '"') row[cell] += sign;
      else if (text[at + 1] === '"') row[cell] += text[(at += 1)];
      else quoted = false;
    } else if (sign === '"' && row[cell] === "") quoted = true;
    else if (sign === "\n") rows.push([""]);
    else if (sign === separator) row.push("");
    else row[cell] += sign;
  }
  return rows;
}
