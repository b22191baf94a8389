// @ts-check
// Home: blocks ask for news, say in themselves that they failed, and are dragged to where they are dropped. Everything
// else that a person does to the board is a form, which works by keys, by touch and without scripts.
import { around, find, findAll } from "./dom.js";

const REFRESH_MILLISECONDS = 60_000;

// Not in a hidden tab, nor while a person works in the block.
setInterval(() => {
  if (document.visibilityState !== "visible") return;
  for (const block of findAll("[data-refreshes]")) {
    if (!block.contains(document.activeElement)) htmx.trigger(block, "refresh");
  }
}, REFRESH_MILLISECONDS);

/**
 * Return the block of Home that an htmx event is about, or null.
 * @param {CustomEvent<HtmxDetail>} event
 * @returns {HTMLElement | null}
 */
function blockOf(event) {
  const { elt, target } = event.detail;
  const block = elt.closest?.("[data-refreshes]") || target?.closest?.("[data-refreshes]");
  return block instanceof HTMLElement && block.id ? block : null;
}

/**
 * Show in a block that it is loading, or that it got no answer.
 * @param {Element} block
 * @param {boolean} hasFailed
 */
function showState(block, hasFailed) {
  const loading = find("[data-block-loading]", block);
  const failed = find("[data-block-failed]", block);
  if (!loading || !failed) return; // it has loaded before: what it shows stays
  loading.hidden = hasFailed;
  failed.hidden = !hasFailed;
}

// The server describes a block's failure in its answer, which htmx would throw away.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (blockOf(event) && event.detail.xhr.status === 500) event.detail.shouldSwap = true;
});

document.addEventListener("htmx:sendError", (event) => {
  const block = blockOf(event);
  if (block) showState(block, true);
});

document.addEventListener("click", (event) => {
  const block = around(event, "[data-again]")?.closest("[data-refreshes]");
  if (!block) return;
  showState(block, false);
  htmx.trigger(block, "refresh");
});

/** The name of the block that is dragged, or empty. */
let dragged = "";

/**
 * Return the block under the pointer while the board is being arranged, or null.
 * @param {DragEvent} event
 */
const blockUnder = (event) => around(event, ".is-arranging [data-block]");

/** @param {string} name */
function unmark(name) {
  for (const block of findAll(`.${name}`)) block.classList.remove(name);
}

document.addEventListener("dragstart", (event) => {
  const block = blockUnder(event);
  dragged = block?.dataset.block || "";
  if (!block || !event.dataTransfer) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged);
  block.classList.add("is-dragged");
});

document.addEventListener("dragover", (event) => {
  const block = blockUnder(event);
  if (!dragged || !block) return;
  event.preventDefault();
  unmark("is-drop-target");
  if (block.dataset.block !== dragged) block.classList.add("is-drop-target");
});

document.addEventListener("dragend", () => {
  unmark("is-dragged");
  unmark("is-drop-target");
  dragged = "";
});

document.addEventListener("drop", (event) => {
  const over = blockUnder(event)?.dataset.block;
  if (!dragged || !over) return;
  event.preventDefault();
  const form = /** @type {HTMLFormElement | null} */ (find(`#block-${dragged} .board-block-tools`));
  if (over === dragged || !form) return;
  const order = findAll("[data-block]").map((block) => block.dataset.block);
  const side = order.indexOf(dragged) < order.indexOf(over) ? "after" : "before";
  htmx.ajax("POST", form.action, {
    source: form,
    target: "#home",
    swap: "outerHTML",
    values: { do: "place", [side]: over },
  });
});
