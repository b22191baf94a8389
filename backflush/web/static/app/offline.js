// @ts-check
// A form keeps what was typed when the server can't be reached, and says so.
import { find } from "./dom.js";
import { showError, textOf } from "./messages.js";

const REACH_MILLISECONDS = 5000;

/**
 * Say at a form that posts that there is no connection; for any other form at the edge of the window.
 * @param {HTMLFormElement} form
 */
export function showOffline(form) {
  // Not `form.method`, which is a field of that name where there is one, as on the page of a count.
  if (form.getAttribute("method") !== "post") {
    showError(textOf("offline"));
    return;
  }
  const note = find("[data-offline-note]", form) ?? addNote(form);
  note.textContent = textOf("offline");
  note.focus();
}

/**
 * @param {HTMLFormElement} form
 * @returns {HTMLElement}
 */
function addNote(form) {
  const note = document.createElement("p");
  note.className = "notice notice-bad";
  note.dataset.offlineNote = "";
  note.setAttribute("role", "alert");
  note.tabIndex = -1;
  form.prepend(note);
  return note;
}

// The browser would replace a plain form with its own error page, and what was typed would be lost. So the server is
// asked for a small file first, and the form is sent once that is answered: docs/decisions/0011.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented) return;
  if (form.getAttribute("method") !== "post" || form.matches("[hx-post], [data-theme-switch]")) return;
  if (form.dataset.reached) {
    delete form.dataset.reached;
    return;
  }
  event.preventDefault();
  if (form.dataset.reaching) return;
  form.dataset.reaching = "yes";
  const reached = await isServerReached();
  delete form.dataset.reaching;
  if (!reached) {
    // A page of counts keeps the form and sends it later: kept-counts.js.
    const unreached = new CustomEvent("backflush:unreached", { bubbles: true, cancelable: true });
    if (form.dispatchEvent(unreached)) showOffline(form);
    return;
  }
  find("[data-offline-note]", form)?.remove();
  form.dataset.reached = "yes";
  form.requestSubmit(event.submitter);
});

async function isServerReached() {
  const icon = /** @type {HTMLLinkElement} */ (find("link[rel=icon]"));
  try {
    const options = { method: "HEAD", cache: /** @type {const} */ ("no-store") };
    await fetch(icon.href, { ...options, signal: AbortSignal.timeout(REACH_MILLISECONDS) });
    return true;
  } catch {
    return false;
  }
}
