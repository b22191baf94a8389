// @ts-check
// Short ways to find elements, typed for the checker.

/** The html element: its data attributes carry the theme, the decimal sign and whether single-letter keys are on. */
export const root = document.documentElement;

/**
 * Return the first element that matches, or null.
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {HTMLElement | null}
 */
export function find(selector, within = document) {
  return within.querySelector(selector);
}

/**
 * Return all elements that match.
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {HTMLElement[]}
 */
export function findAll(selector, within = document) {
  return [...within.querySelectorAll(/** @type {keyof HTMLElementTagNameMap} */ (selector))];
}

/**
 * Return the element at which an event happened, or null for the document itself.
 * @param {Event} event
 * @returns {Element | null}
 */
export function origin(event) {
  return event.target instanceof Element ? event.target : null;
}

/**
 * Return the nearest element around the origin of an event that matches, or null.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function around(event, selector) {
  return /** @type {HTMLElement | null} */ (origin(event)?.closest(selector) ?? null);
}

/**
 * Run a function as soon as the page is parsed.
 * @param {() => void} run
 */
export function whenParsed(run) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", run);
  else run();
}
