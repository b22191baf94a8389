// @ts-check
// What a person enters while a page is still loading is handled once its scripts listen. Until then nobody hears the
// events of a field: a preview would stay empty, a table would get no further row, and a check would not be asked for.
// The same goes for what the browser fills in again by itself when a person comes back to a page.
import { findAll } from "./dom.js";

const FIELDS = "form[method=post] :is(input, select, textarea):not([type=hidden], [type=submit], [data-sends])";

/**
 * Tell whether a field no longer holds what the server put into it.
 * @param {Element} field
 * @returns {boolean}
 */
function isChanged(field) {
  if (field instanceof HTMLSelectElement) {
    const sent = [...field.options].findIndex((option) => option.defaultSelected);
    return !field.multiple && field.selectedIndex !== Math.max(sent, 0);
  }
  if (field instanceof HTMLTextAreaElement) return field.value !== field.defaultValue;
  if (!(field instanceof HTMLInputElement)) return false;
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}

// htmx begins at this event as well, and was named first in the page, so it hears what is said here.
document.addEventListener("DOMContentLoaded", () => {
  for (const field of findAll(FIELDS).filter(isChanged)) {
    field.dispatchEvent(new Event("input", { bubbles: true }));
    // A field that has the focus says itself when it is left.
    if (field !== document.activeElement) field.dispatchEvent(new Event("change", { bubbles: true }));
  }
});
