// @ts-check
// The preview of a form is marked as old while a person types, until the server's answer replaces it.
import { around, find, findAll, origin } from "./dom.js";

document.addEventListener("input", (event) => {
  const previews = around(event, "[data-previews]")?.dataset.previews;
  if (previews) findAll(previews).forEach((part) => part.classList.add("is-old"));
});

document.addEventListener("htmx:afterSwap", (event) => event.detail.target.classList.remove("is-old"));

// A form that is sent needs no preview any more.
document.addEventListener("submit", (event) => {
  const form = origin(event);
  const previews = form instanceof HTMLFormElement ? form.dataset.previews : undefined;
  const part = previews ? find(previews) : null;
  if (part) htmx.trigger(part, "htmx:abort");
});
