// @ts-check
// The preview of a form is marked as old while a person types, until the server's answer replaces it. What was typed
// before the scripts of a slow page had loaded, or is restored by the browser, is previewed as soon as they have.
import { around, find, findAll, origin } from "./dom.js";

document.addEventListener("input", (event) => {
  const previews = around(event, "[data-previews]")?.dataset.previews;
  if (previews) findAll(previews).forEach((part) => part.classList.add("is-old"));
});

document.addEventListener("htmx:afterSwap", (event) => event.detail.target.classList.remove("is-old"));

document.addEventListener("htmx:load", (event) => {
  for (const form of formsIn(event.detail.elt)) {
    const typed = [...form.elements].find(isTyped);
    typed?.dispatchEvent(new Event("input", { bubbles: true }));
  }
});

/**
 * Return the forms with a preview that have just come to the page.
 * @param {Element} part
 * @returns {HTMLFormElement[]}
 */
function formsIn(part) {
  const forms = part.matches("form[data-previews]") ? [part] : findAll("form[data-previews]", part);
  return /** @type {HTMLFormElement[]} */ (forms);
}

/** @param {Element} control */
function isTyped(control) {
  const isText = control instanceof HTMLInputElement || control instanceof HTMLTextAreaElement;
  return isText && control.type !== "hidden" && control.value !== control.defaultValue;
}

// A form that is sent needs no preview any more.
document.addEventListener("submit", (event) => {
  const form = origin(event);
  const previews = form instanceof HTMLFormElement ? form.dataset.previews : undefined;
  const part = previews ? find(previews) : null;
  if (part) htmx.trigger(part, "htmx:abort");
});
