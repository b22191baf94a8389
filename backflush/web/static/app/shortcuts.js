// @ts-check
// Keyboard shortcuts on every page: "/" finds, "?" lists the keys, "G" and a letter go to an area.
import { find, origin, root } from "./dom.js";

const GO_MILLISECONDS = 1500;

/**
 * Tell whether a key press belongs to the field that has focus.
 * @param {Event} event
 */
export function isTyping(event) {
  return origin(event)?.matches("input:not([type=checkbox], [type=radio]), textarea, select") ?? false;
}

/**
 * Tell whether a key was pressed together with Control, Command or Alt: then it is the browser's.
 * @param {KeyboardEvent} event
 */
export function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

/**
 * Tell whether single-letter keys do nothing now: the person switched them off, or a dialog is open.
 */
export function areLettersOff() {
  return root.dataset.keys === "off" || find("dialog[open]") !== null;
}

/** When "G" was pressed. */
let goPressed = -Infinity;

/**
 * Return what a key does, or nothing.
 * @param {KeyboardEvent} event
 * @returns {(() => void) | undefined}
 */
function actionOf(event) {
  const goes = event.timeStamp - goPressed < GO_MILLISECONDS && event.key.length === 1;
  goPressed = !goes && event.key.toLowerCase() === "g" ? event.timeStamp : -Infinity;
  if (goes) return () => find(`[data-goes="${CSS.escape(event.key.toLowerCase())}"]`)?.click();
  if (event.key === "/") return () => find("#find")?.focus();
  if (event.key === "?") return () => /** @type {HTMLDialogElement | null} */ (find("#keys"))?.showModal();
  return undefined;
}

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || hasModifier(event) || areLettersOff()) return;
  const action = actionOf(event);
  if (!action) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  action();
});
