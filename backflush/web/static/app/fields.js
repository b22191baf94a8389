// @ts-check
// Selects that send their form, buttons that step or set an amount, and buttons that print the page.
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
