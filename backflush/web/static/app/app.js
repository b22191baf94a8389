// The one script of our own: theme, keys, focus and what happens when there is no answer. What a page shows comes from
// the server; htmx swaps it in. No inline script anywhere, nothing evaluated.
"use strict";

const root = document.documentElement;
const $ = (sel, at = document) => at.querySelector(sel);
const $$ = (sel, at = document) => [...at.querySelectorAll(sel)];
const typing = (node) => node.matches("input:not([type=checkbox], [type=radio]), textarea, select");
const say = (text) => { $("#live").textContent = text; };

// ---- theme: the server sets it on <html> from the cookie; pressing changes both -------------------------------
const wished = () => (root.dataset.bsTheme === "dark" ? "light" : "dark");

document.addEventListener("submit", (e) => {
  if (!e.target.matches("[data-theme-switch]")) return;
  e.preventDefault();
  const theme = wished();
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `backflush_theme=${theme}; path=/; max-age=31536000; samesite=lax${secure}`;
  delete root.dataset.themeBySystem;
  root.dataset.bsTheme = theme;
  document.dispatchEvent(new CustomEvent("theme-changed"));
});

// ---- keys ------------------------------------------------------------------------------------------------------
document.addEventListener("keydown", (e) => {
  if (typing(e.target) || e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === "/" && $("#find")) {
    e.preventDefault();
    $("#find").focus();
  }
});

// ---- selects that send themselves, amounts that are stepped or set, rows that are pressed ----------------------------
document.addEventListener("change", (e) => {
  if (e.target.matches("[data-sends]")) e.target.form.requestSubmit();
});

document.addEventListener("click", (e) => {
  const printing = e.target.closest("[data-print]");
  if (printing) window.print();
  const button = e.target.closest("[data-step], [data-set]");
  if (!button) return;
  const [id, amount] = (button.dataset.step || button.dataset.set).split(" ");
  const input = document.getElementById(id);
  if (button.dataset.step) {
    // Whole steps of what stands there; what can't be read is left alone, for the server to say.
    const now = input.value.trim() === "" ? 0 : Number(input.value.replaceAll(",", ""));
    if (!Number.isFinite(now)) return;
    input.value = String(Math.max(0, now + Number(amount)));
  } else {
    input.value = amount;
  }
  input.dispatchEvent(new Event("input", { bubbles: true }));
});

// A form that is sent needs no preview any more.
document.addEventListener("submit", (e) => {
  const part = $(e.target.dataset.previews || "#none");
  if (part) htmx.trigger(part, "htmx:abort");
});

// ---- what a form is about to post is old while its answer is awaited ---------------------------------------------------
document.addEventListener("input", (e) => {
  const form = e.target.closest("[data-previews]");
  if (form) $$(form.dataset.previews).forEach((part) => part.classList.add("old"));
});

document.addEventListener("htmx:afterSwap", (e) => e.detail.target.classList.remove("old"));

// ---- htmx: focus goes with what a person asked for, never with what refreshed itself -----------------------------------
document.addEventListener("htmx:afterSettle", (e) => {
  const part = e.detail.target;
  if (!part || !part.matches || !part.matches("[data-takes-focus]") || part.id === "panel") return;
  $("[tabindex='-1']", part)?.focus();
});

document.addEventListener("htmx:sendError", () => noAnswer("No connection. What you typed is kept here and nothing was posted yet."));
document.addEventListener("htmx:responseError", (e) => noAnswer(e.detail.xhr.status >= 500 ? "Something failed here. Nothing was posted." : "That wasn't possible. Load the page again."));

function noAnswer(text) {
  const texts = $("#toasts").dataset;
  const note = document.createElement("div");
  note.className = "toast-note toast-bad";
  const words = document.createElement("span");
  words.textContent = texts[text] || text;
  const close = document.createElement("button");
  close.className = "btn btn-s";
  close.type = "button";
  close.textContent = texts.close || "Close";
  close.addEventListener("click", () => note.remove());
  note.append(words, close);
  $("#toasts").replaceChildren(note);
  say(words.textContent);
}

// ---- the queue: the row whose panel is open, the sheet that keeps focus inside, keys ------------------------------------
const narrow = matchMedia("(max-width: 1359.98px)");

function settlePanel() {
  const panel = $("#panel");
  if (!panel) return;
  const number = panel.dataset.number;
  $$("#queue tbody tr").forEach((row) => {
    const open = row.dataset.row === number;
    row.classList.toggle("picked", open);
    const link = $("[data-open]", row);
    if (open) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  });
  const covered = narrow.matches && panel.classList.contains("open");
  $$(".bar, .head, .dock, .skip, #queue-panel").forEach((part) => { part.inert = covered; });
}

let lastOpen = "";
document.addEventListener("htmx:afterSettle", (e) => {
  settlePanel();
  const panel = $("#panel");
  if (!panel) return;
  if (e.detail.target?.id === "panel") {
    if (panel.dataset.number) $("#panel-title").focus();
    else $(`#queue [data-row="${lastOpen}"] [data-open]`)?.focus();
  }
  lastOpen = panel.dataset.number || "";
});
narrow.addEventListener("change", settlePanel);
document.addEventListener("DOMContentLoaded", () => { settlePanel(); lastOpen = $("#panel")?.dataset.number || ""; });
document.addEventListener("click", (e) => {
  if (e.target.closest("[data-closes]")) $("[data-close]")?.click();
  // Anywhere on a row opens it, but for its box and its other links.
  const row = e.target.closest("#queue tbody tr");
  if (row && !e.target.closest("a, input, button")) $("[data-open]", row).click();
});

document.addEventListener("keydown", (e) => {
  if (!$("#queue") || e.ctrlKey || e.metaKey || e.altKey || $("dialog[open]")) return;
  if (e.key === "Escape" && $("#panel [data-close]")) $("#panel [data-close]").click();
  if (typing(e.target)) return;
  const links = $$("#queue [data-open]");
  const at = links.findIndex((link) => link.hasAttribute("aria-current"));
  const does = {
    j: () => links[at + 1]?.click(),
    k: () => links[at - 1]?.click(),
    x: () => links[at]?.closest("tr").querySelector(".tick").click(),
    r: () => $("[data-resolves]")?.click(),
    c: () => $("[data-not-used]")?.click(),
    "?": () => $("#keys").showModal(),
  }[e.key.length === 1 ? e.key.toLowerCase() : ""];
  if (does) { e.preventDefault(); does(); }
});

// ---- blocks of Home ask again every minute, but not in a hidden tab nor while someone works in them ---------------------
setInterval(() => {
  if (document.visibilityState !== "visible") return;
  $$("[data-refreshes]").forEach((block) => {
    if (!block.contains(document.activeElement)) htmx.trigger(block, "refresh");
  });
}, 60000);
