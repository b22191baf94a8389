// @ts-check
// Numbers as a person types them, with the decimal sign of the page's language.
import { root } from "./dom.js";

/**
 * Return the number in a field, 0 for an empty one, or null for a text that isn't a plain number: the server says why.
 * @param {string} text
 * @returns {number | null}
 */
export function numberIn(text) {
  const plain = text.trim().replace(root.dataset.decimal || ".", ".");
  if (plain === "") return 0;
  return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : null;
}

/**
 * Return a number as a person would type it.
 * @param {number} value
 * @returns {string}
 */
export function asTyped(value) {
  return String(value).replace(".", root.dataset.decimal || ".");
}
