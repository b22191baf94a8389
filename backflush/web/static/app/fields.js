// @ts-check
// Selects that send their form, buttons that step or set an amount, buttons that print the page, and units that change
// the keyboard of a phone from digits to letters, so that a quantity can be entered with another unit: 7 PCS.
import { around, origin } from "./dom.js";
import { stepped } from "./numbers.js";

document.addEventListener("change", (event) => {
  const field = origin(event);
  if (field instanceof HTMLSelectElement && field.matches("[data-sends]")) field.form?.requestSubmit();
});

document.addEventListener("click", (event) => {
  if (around(event, "[data-print]")) window.print();
});

document.addEventListener("click", (event) => {
  const button = around(event, "[data-step], [data-set]");
  if (!button) return;
  const { step, set } = button.dataset;
  const [id, amount] = (step || set || "").split(" ");
  const input = document.getElementById(id);
  if (!(input instanceof HTMLInputElement)) return;
  const value = step ? stepped(input.value, Number(amount)) : amount;
  if (value === null) return;
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("click", (event) => {
  const input = document.getElementById(around(event, "[data-letters]")?.dataset.letters ?? "");
  if (!(input instanceof HTMLInputElement)) return;
  input.inputMode = "text";
  input.focus();
  input.setSelectionRange(input.value.length, input.value.length);
});
