// @ts-check
// Counts that couldn't be sent are kept in this browser, for this person, and sent once the network is back. Each has
// the key of its form, so that one that the server has received already isn't entered twice.
import { find, findAll } from "./dom.js";
import { announce } from "./messages.js";

/**
 * A count that waits to be sent: where to, its fields with the moment of the count, and words for the person.
 * @typedef {{ address: string, fields: [string, string][], what: string }} KeptCount
 */

const RETRY_MILLISECONDS = 10_000;
const WAIT_MILLISECONDS = 15_000;
const page = find("[data-counting]");
const store = `backflush-counts ${page?.dataset.user ?? ""}`;
// The server's clock less this device's, whose clock may be wrong.
const ahead = Number(page?.dataset.now ?? Date.now()) - Date.now();
let sending = false;
let isSignedOut = false;

/** @returns {KeptCount[]} */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(store) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {KeptCount[]} counts */
function keep(counts) {
  localStorage.setItem(store, JSON.stringify(counts));
  show();
}

/**
 * Keep a form's count to send it, with the moment at which it was counted.
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
export function keepCount(form, submitter) {
  const data = new FormData(form, submitter);
  data.delete("csrfmiddlewaretoken");
  if (!data.get("at")) data.set("at", new Date(Date.now() + ahead).toISOString());
  const fields = /** @type {[string, string][]} */ ([...data].map(([name, value]) => [name, String(value)]));
  const address = form.dataset.keptAddress ?? form.action;
  keep([...kept(), { address, fields, what: form.dataset.what ?? "" }]);
}

/** Send what is kept, in its order, until it is all sent or the server can't be reached. */
export async function sendKept() {
  if (sending) return;
  sending = true;
  try {
    for (let first = kept()[0]; first; first = kept()[0]) {
      if (!(await sendOne(first))) break;
      keep(kept().slice(1));
    }
  } finally {
    sending = false;
    show();
  }
}

/**
 * Send one count; tell whether the server has taken or refused it, so that it needn't be kept.
 * @param {KeptCount} count
 */
async function sendOne(count) {
  const body = new URLSearchParams(count.fields);
  const token = /** @type {HTMLInputElement | null} */ (find("[name=csrfmiddlewaretoken]"));
  body.set("csrfmiddlewaretoken", token?.value ?? "");
  try {
    const headers = { "X-Kept-Count": "1", "X-CSRFToken": token?.value ?? "" };
    const signal = AbortSignal.timeout(WAIT_MILLISECONDS);
    const answer = await fetch(count.address, { method: "POST", body, headers, signal });
    isSignedOut = !(answer.headers.get("content-type") ?? "").includes("json") && answer.status < 500;
    if (isSignedOut || answer.status >= 500) return false;
    const { said, refused } = await answer.json();
    if (refused) addRefusal(`${count.what}: ${refused}`);
    else say(said);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} text */
function say(text) {
  const note = find("[data-said]");
  if (note) {
    note.hidden = false;
    const words = find("p", note);
    if (words) words.textContent = text;
    find(".notice-action", note)?.remove();
  }
  announce(text);
}

/** @param {string} text */
function addRefusal(text) {
  const list = find("[data-refused-list]");
  const line = document.createElement("li");
  line.textContent = text;
  list?.append(line);
  const note = find("[data-refused]");
  if (note) note.hidden = false;
}

function show() {
  const strip = find("[data-kept]");
  const words = find("[data-kept-words]", strip ?? document);
  const number = kept().length;
  if (!strip || !words) return;
  strip.hidden = number === 0;
  const text = (isSignedOut ? words.dataset.signedOut : words.dataset.keptWords) ?? "";
  const shown = text.replace("{number}", String(number));
  if (words.textContent !== shown) words.textContent = shown;
}

// The form of a single count, which is sent as a plain form while there is a network.
document.addEventListener("backflush:unreached", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches("[data-kept-form]")) return;
  event.preventDefault();
  keepCount(form, null);
  for (const field of findAll("input[name=quantity], input[name=serial]", form)) {
    if (field instanceof HTMLInputElement) field.value = "";
  }
  // The next count from this form is another one.
  const key = find("[name=key]", form);
  if (key instanceof HTMLInputElement) key.value = `web-${crypto.randomUUID()}`;
  find("input[name=quantity]", form)?.focus();
});

find("[data-send-kept]")?.addEventListener("click", sendKept);
find("[data-drop-refused]")?.addEventListener("click", () => {
  const note = find("[data-refused]");
  if (note) note.hidden = true;
  find("[data-refused-list]")?.replaceChildren();
});
window.addEventListener("online", sendKept);
setInterval(() => kept().length > 0 && sendKept(), RETRY_MILLISECONDS);
show();
sendKept();
