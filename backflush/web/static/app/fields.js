// @ts-check
// Selects that send their form, buttons that step or set an amount, and buttons that print the page.
import { around, origin } from "./dom.js";
import { asTyped, numberIn } from "./numbers.js";

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

/**
 * Return what a field holds after one step, never below zero; null where it holds no number.
 * @param {string} text
 * @param {number} step
 * @returns {string | null}
 */
function stepped(text, step) {
  const now = numberIn(text);
  return now === null ? null : asTyped(Math.max(0, now + step));
}
