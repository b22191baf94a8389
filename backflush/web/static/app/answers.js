// @ts-check
// What happens when htmx has the server's answer, or has none.
import { find } from "./dom.js";
import { showError, textOf } from "./messages.js";
import { showOffline } from "./offline.js";

// Focus goes to a part that a person asked for, never to one that refreshed itself. queue.js does so for the panel.
document.addEventListener("htmx:afterSettle", (event) => {
  const part = event.detail.target;
  if (!part?.matches?.("[data-takes-focus]") || part.id === "panel") return;
  find("[tabindex='-1']", part)?.focus();
});

/**
 * Tell whether a block of Home asked by itself: board.js then shows the failure within the block.
 * @param {CustomEvent<HtmxDetail>} event
 */
function isRefresh(event) {
  const asking = event.detail.elt;
  return Boolean(asking.closest?.("[data-refreshes]")) && !asking.closest("form");
}

document.addEventListener("htmx:sendError", (event) => {
  if (isRefresh(event)) return;
  // A preview is a GET, and isn't said at its form: the person who types keeps the focus.
  const form = event.detail.requestConfig.verb === "post" ? event.detail.elt.closest("form") : null;
  if (form) showOffline(form);
  else showError(textOf("offline"));
});

document.addEventListener("htmx:responseError", (event) => {
  if (isRefresh(event)) return;
  const { xhr } = event.detail;
  const reference = xhr.getResponseHeader("X-Reference");
  if (xhr.status < 500) showError(textOf("impossible"));
  else showError(reference ? textOf("failedAs").replace("7F3K", reference) : textOf("failed"));
});
