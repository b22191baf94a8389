// @ts-check
// Numbers as a person types them and reads them, in the number format that the person chose.
import { root } from "./dom.js";

const decimal = root.dataset.decimal || ".";
/** A locale that writes numbers in that format. */
const locale = decimal === "," ? "de" : "en";

/**
 * Return what a field holds after one step, never below zero and with as many decimals as before. An empty field counts
 * as 0. A text that isn't a plain number gives null: the server says what is wrong with it.
 * @param {string} text
 * @param {number} step
 * @returns {string | null}
 */
export function stepped(text, step) {
  const plain = text.trim().replace(decimal, ".") || "0";
  if (!/^-?\d+(\.\d+)?$/.test(plain)) return null;
  const decimals = plain.split(".")[1]?.length ?? 0;
  return Math.max(0, Number(plain) + step)
    .toFixed(decimals)
    .replace(".", decimal);
}

/**
 * Return a number with a sign between thousands.
 * @param {number} value
 * @returns {string}
 */
export function asShown(value) {
  return value.toLocaleString(locale);
}
