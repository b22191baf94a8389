// @ts-check
// The chosen day in words beside each date field: browsers show dates in an order of their own.
import { findAll, origin, root, whenParsed } from "./dom.js";

const DATE_FIELDS = "input[type=date], input[type=datetime-local]";
const isEnglish = root.lang === "en";
const dayFormat = new Intl.DateTimeFormat(isEnglish ? "en-GB" : root.lang, {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

/**
 * Write the day of a field in words beside it.
 * @param {Element} input
 */
function showDay(input) {
  if (!(input instanceof HTMLInputElement)) return;
  const next = input.nextElementSibling;
  const words = next?.matches("[data-day-said]") ? next : addWords(input);
  const day = /^\d{4}-\d\d-\d\d/.exec(input.value);
  const text = day ? dayFormat.format(new Date(`${day[0]}T00:00:00Z`)) : "";
  words.textContent = isEnglish ? text.replace(",", "") : text;
}

/**
 * @param {HTMLInputElement} input
 * @returns {HTMLElement}
 */
function addWords(input) {
  const words = document.createElement("span");
  words.className = "date-in-words";
  words.dataset.daySaid = "";
  input.after(words);
  return words;
}

/** @param {ParentNode} part */
const showDays = (part) => findAll(DATE_FIELDS, part).forEach(showDay);

whenParsed(() => showDays(document));
document.addEventListener("htmx:load", (event) => showDays(event.detail.elt));
document.addEventListener("input", (event) => {
  const field = origin(event);
  if (field?.matches(DATE_FIELDS)) showDay(field);
});
