// @ts-check
// Messages that a script shows itself. Their words are data attributes of #toasts, in the language of the page.
import { find } from "./dom.js";

/**
 * Return a text of the page.
 * @param {"offline" | "failed" | "failedAs" | "impossible" | "close" | "codes" | "foundCodes" | "moreCodes" | "similarCodes" | "didYouMean"} name
 * @returns {string}
 */
export function textOf(name) {
  return find("#toasts")?.dataset[name] ?? "";
}

/**
 * Have screen readers say a text.
 * @param {string} text
 */
export function announce(text) {
  const live = find("#live");
  if (live) live.textContent = text;
}

/**
 * Show an error at the edge of the window, in place of the one before.
 * @param {string} text
 */
export function showError(text) {
  const note = document.createElement("div");
  note.className = "toast-note toast-bad";
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.className = "button button-small";
  close.type = "button";
  close.textContent = textOf("close");
  close.addEventListener("click", () => note.remove());
  note.append(words, close);
  find("#toasts")?.replaceChildren(note);
  announce(text);
}
