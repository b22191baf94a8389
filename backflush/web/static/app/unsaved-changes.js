// @ts-check
// A form with many fields asks before the page is left with changes that weren't saved.
import { around, find, findAll, origin } from "./dom.js";

/** @type {Set<HTMLFormElement>} */
const changed = new Set();

for (const form of findAll("form[data-keeps-changes]")) {
  if (!(form instanceof HTMLFormElement)) continue;
  form.addEventListener("input", () => changed.add(form));
  form.addEventListener("change", () => changed.add(form));
  // A form that comes back refused, or with another row, still holds changes.
  if (form.dataset.keepsChanges === "changed" || find("[aria-invalid=true]", form)) changed.add(form);
}

// offline.js holds a form back until the server is reached, and sends it then.
document.addEventListener("submit", (event) => {
  const form = origin(event);
  if (form instanceof HTMLFormElement && !event.defaultPrevented) changed.delete(form);
});

document.addEventListener("click", (event) => {
  if (around(event, "[data-discards]")) changed.clear();
});

window.addEventListener("beforeunload", (event) => {
  for (const form of changed) if (!form.isConnected) changed.delete(form);
  if (changed.size) event.preventDefault();
});
