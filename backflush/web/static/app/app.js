// The one script of our own: theme, keys, focus and what happens when there is no answer. What a page shows comes from
// the server; htmx swaps it in. No inline script anywhere, nothing evaluated.
"use strict";

const root = document.documentElement;
const $ = (sel, at = document) => at.querySelector(sel);
const $$ = (sel, at = document) => [...at.querySelectorAll(sel)];
const typing = (node) => node.matches("input:not([type=checkbox], [type=radio]), textarea, select");
const say = (text) => { $("#live").textContent = text; };

// ---- theme: the server sets it on <html> from the cookie; pressing changes both -------------------------------
const wished = () => (root.dataset.theme === "dark" ? "light" : "dark");

document.addEventListener("submit", (e) => {
  if (!e.target.matches("[data-theme-switch]")) return;
  e.preventDefault();
  const theme = wished();
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `backflush_theme=${theme}; path=/; max-age=31536000; samesite=lax${secure}`;
  delete root.dataset.themeBySystem;
  root.dataset.theme = theme;
  document.dispatchEvent(new CustomEvent("theme-changed"));
});

// ---- tabs: the one that is open is in sight where they are wider than the screen ------------------------------
$(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

// ---- keys: letters alone, unless the person has switched them off --------------------------------------------------
const lettersOff = () => root.dataset.keys === "off" || $("dialog[open]") !== null;
let gone = -Infinity; // when G was pressed: the next letter goes somewhere

document.addEventListener("keydown", (e) => {
  if (typing(e.target) || e.ctrlKey || e.metaKey || e.altKey || lettersOff()) return;
  const going = e.timeStamp - gone < 1500 && e.key.length === 1;
  gone = !going && e.key.toLowerCase() === "g" ? e.timeStamp : -Infinity;
  const link = going && $(`[data-goes="${CSS.escape(e.key.toLowerCase())}"]`);
  const does = going ? () => link?.click() : { "/": () => $("#find")?.focus(), "?": () => $("#keys")?.showModal() }[e.key];
  if (!does) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  does();
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
    const now = input.value.trim() === "" ? 0 : Number(plainNumber(input.value));
    if (!Number.isFinite(now)) return;
    input.value = String(Math.max(0, now + Number(amount))).replace(".", decimalSign);
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
  if (form) $$(form.dataset.previews).forEach((part) => part.classList.add("is-old"));
});

document.addEventListener("htmx:afterSwap", (e) => e.detail.target.classList.remove("is-old"));

// ---- htmx: focus goes with what a person asked for, never with what refreshed itself -----------------------------------
document.addEventListener("htmx:afterSettle", (e) => {
  const part = e.detail.target;
  if (!part || !part.matches || !part.matches("[data-takes-focus]") || part.id === "panel") return;
  $("[tabindex='-1']", part)?.focus();
});

// What refreshes itself says in its own place that it failed (board.js).
const byItself = (e) => e.detail.elt.closest?.("[data-refreshes]") && !e.detail.elt.closest("form");
// The words for it are the page's own, in its language.
const texts = () => $("#toasts").dataset;

document.addEventListener("htmx:sendError", (e) => {
  if (byItself(e)) return;
  // A preview that got no answer is said in passing: whoever types keeps the focus.
  if (e.detail.requestConfig.verb === "post") offline(e.detail.elt.closest("form")); else noAnswer(texts().offline);
});
document.addEventListener("htmx:responseError", (e) => {
  if (byItself(e)) return;
  if (e.detail.xhr.status < 500) { noAnswer(texts().impossible); return; }
  const reference = e.detail.xhr.getResponseHeader("X-Reference");
  noAnswer(reference ? texts().failedAs.replace("7F3K", reference) : texts().failed);
});

// ---- no connection: said at the form, which keeps what was typed --------------------------------------------------------
function offline(form) {
  if (!form || form.method !== "post") { noAnswer(texts().offline); return; }
  let note = $("[data-offline-note]", form);
  if (!note) {
    note = document.createElement("p");
    note.className = "notice notice-bad";
    note.dataset.offlineNote = "";
    note.setAttribute("role", "alert");
    note.tabIndex = -1;
    form.prepend(note);
  }
  note.textContent = texts().offline;
  note.focus();
}

// A plain form would lose itself to the browser's own page of errors, so the server is knocked at first.
document.addEventListener("submit", async (e) => {
  const form = e.target;
  if (e.defaultPrevented || form.method !== "post" || form.matches("[hx-post], [data-theme-switch]")) return;
  if (form.dataset.reached) { delete form.dataset.reached; return; }
  e.preventDefault();
  if (form.dataset.knocking) return;
  form.dataset.knocking = "1";
  const reached = await knock();
  delete form.dataset.knocking;
  if (!reached) { offline(form); return; }
  $("[data-offline-note]", form)?.remove();
  form.dataset.reached = "1";
  form.requestSubmit(e.submitter);
});

async function knock() {
  try {
    await fetch($("link[rel=icon]").href, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(5000) });
    return true;
  } catch {
    return false;
  }
}

function noAnswer(text) {
  const note = document.createElement("div");
  note.className = "toast-note toast-bad";
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.className = "button button-small";
  close.type = "button";
  close.textContent = texts().close;
  close.addEventListener("click", () => note.remove());
  note.append(words, close);
  $("#toasts").replaceChildren(note);
  say(words.textContent);
}

// ---- the queue: the row whose panel is open, the sheet that keeps focus inside, keys ------------------------------------
const narrow = matchMedia("(max-width: 84.99em)");

function settlePanel() {
  const panel = $("#panel");
  if (!panel) return;
  const number = panel.dataset.number;
  $$("#queue tbody tr").forEach((row) => {
    const open = row.dataset.row === number;
    row.classList.toggle("is-picked", open);
    const link = $("[data-open]", row);
    if (open) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  });
  const covered = narrow.matches && panel.classList.contains("is-open");
  $$(".top-bar, .page-head, .bottom-nav, .skip-to-main, #queue-panel").forEach((part) => { part.inert = covered; });
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
  // Enter does what it does on a link or a button; anywhere else it opens the first, or goes to the open one.
  if (e.key === "Enter" && !e.target.closest("a, button, input, summary, select")) {
    if (at < 0) links[0]?.click(); else $("#panel-title")?.focus();
  }
  if (lettersOff()) return;
  const does = {
    j: () => links[at + 1]?.click(),
    k: () => links[at - 1]?.click(),
    x: () => links[at]?.closest("tr").querySelector(".checkbox").click(),
    r: () => $("[data-resolves]")?.click(),
    c: () => $("[data-not-used]")?.click(),
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

// ---- the chosen day in words, beside each field of a date: browsers show dates in their own order -----------------------
const dayFormat = new Intl.DateTimeFormat(root.lang === "en" ? "en-GB" : root.lang, { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

function sayDay(input) {
  let words = input.nextElementSibling;
  if (!words?.matches("[data-day-said]")) {
    words = document.createElement("span");
    words.className = "date-in-words";
    words.dataset.daySaid = "";
    input.after(words);
  }
  const day = /^(\d{4}-\d\d-\d\d)/.exec(input.value);
  const said = day ? dayFormat.format(new Date(`${day[1]}T00:00:00Z`)) : "";
  words.textContent = root.lang === "en" ? said.replace(",", "") : said;
}

const DATES = "input[type=date], input[type=datetime-local]";
const sayDays = (part) => $$(DATES, part).forEach(sayDay);
document.addEventListener("DOMContentLoaded", () => sayDays(document));
document.addEventListener("htmx:load", (e) => sayDays(e.detail.elt));
document.addEventListener("input", (e) => { if (e.target.matches(DATES)) sayDay(e.target); });
