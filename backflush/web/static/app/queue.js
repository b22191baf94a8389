// @ts-check
// The queue of unresolved movements: the row whose panel is open, the panel over the page on small screens, and keys.
import { around, find, findAll, origin, whenParsed } from "./dom.js";
import { areLettersOff, hasModifier, isTyping } from "./shortcuts.js";

const covers = matchMedia("(max-width: 84.99em)");

/** The number of the movement whose panel was open before the last swap: its row takes the focus back. */
let lastOpen = "";

/** Mark the row of the open panel, and make the page inert where the panel covers it. */
function settlePanel() {
  const panel = find("#panel");
  if (!panel) return;
  for (const row of findAll("#queue tbody tr")) {
    const isOpen = row.dataset.row === panel.dataset.number;
    row.classList.toggle("is-picked", isOpen);
    const link = find("[data-open]", row);
    if (isOpen) link?.setAttribute("aria-current", "true");
    else link?.removeAttribute("aria-current");
  }
  const isCovered = covers.matches && panel.classList.contains("is-open");
  for (const part of findAll(".top-bar, .page-head, .bottom-nav, .skip-to-main, #queue-panel")) part.inert = isCovered;
}

document.addEventListener("htmx:afterSettle", (event) => {
  settlePanel();
  const panel = find("#panel");
  if (!panel) return;
  if (event.detail.target?.id === "panel") {
    if (panel.dataset.number) find("#panel-title")?.focus();
    else find(`#queue [data-row="${lastOpen}"] [data-open]`)?.focus();
  }
  lastOpen = panel.dataset.number || "";
});

covers.addEventListener("change", settlePanel);

whenParsed(() => {
  settlePanel();
  lastOpen = find("#panel")?.dataset.number || "";
});

document.addEventListener("click", (event) => {
  if (around(event, "[data-closes]")) find("[data-close]")?.click();
  // A press anywhere on a row opens it, except on its box and its other links.
  const row = around(event, "#queue tbody tr");
  if (row && !around(event, "a, input, button")) find("[data-open]", row)?.click();
});

/**
 * Return what a letter does in the queue, or nothing.
 * @param {string} letter
 * @param {HTMLElement[]} links
 * @param {number} at the index of the open one, or -1
 * @returns {HTMLElement | null | undefined}
 */
function pressedBy(letter, links, at) {
  switch (letter) {
    case "j":
      return links[at + 1];
    case "k":
      return links[at - 1];
    case "x":
      return links[at]?.closest("tr")?.querySelector(".checkbox");
    case "r":
      return find("[data-resolves]");
    case "c":
      return find("[data-not-used]");
    default:
      return null;
  }
}

/**
 * Open the first row, or go to the open panel; on a link or a button Enter does what it always does.
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} links
 * @param {number} at
 */
function enter(event, links, at) {
  if (origin(event)?.closest("a, button, input, summary, select")) return;
  if (at < 0) links[0]?.click();
  else find("#panel-title")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (!find("#queue") || hasModifier(event) || find("dialog[open]")) return;
  if (event.key === "Escape") find("#panel [data-close]")?.click();
  if (isTyping(event)) return;
  const links = findAll("#queue [data-open]");
  const at = links.findIndex((link) => link.hasAttribute("aria-current"));
  if (event.key === "Enter") enter(event, links, at);
  if (areLettersOff() || event.key.length !== 1) return;
  const pressed = pressedBy(event.key.toLowerCase(), links, at);
  if (!pressed) return;
  event.preventDefault();
  pressed.click();
});
