/**
 * The document's own abilities, taken from its prototype: a page in which `<img name="body">` or `<form id="cookie">`
 * stands answers that element for `document.body`, and must not lead us astray by it ("DOM clobbering").
 */

const own = Document.prototype;

/** @param {string} name @returns {any} */
const read = (name) => Object.getOwnPropertyDescriptor(own, name)?.get?.call(document);

export const root = () => /** @type {HTMLElement} */ (read("documentElement"));
export const body = () => /** @type {HTMLElement | null} */ (read("body"));
export const runningScript = () => /** @type {HTMLScriptElement | null} */ (read("currentScript"));
export const focused = () => /** @type {HTMLElement | null} */ (read("activeElement"));
export const loading = () => read("readyState") === "loading";

/** @returns {string} */
export function cookies() {
  try {
    return String(read("cookie"));
  } catch {
    return ""; // a sandboxed frame has none
  }
}

/** @param {string} value */
export function writeCookie(value) {
  try {
    Object.getOwnPropertyDescriptor(own, "cookie")?.set?.call(document, value);
  } catch {
    // a sandboxed frame has none
  }
}

/** @param {string} selector @returns {HTMLElement[]} */
export const all = (selector) => /** @type {HTMLElement[]} */ ([...own.querySelectorAll.call(document, selector)]);

/** @param {string} event @param {(event: any) => void} then @param {boolean} [capture] */
export const listen = (event, then, capture) => EventTarget.prototype.addEventListener.call(document, event, then, capture);

/** A part of a drawing. @param {string} name */
export const shape = (name) => own.createElementNS.call(document, "http://www.w3.org/2000/svg", name);

/**
 * An element with its attributes and children. Text is always text: no string from a server becomes markup.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, string | boolean | EventListener>} [attributes] `onclick` and the like take a function; false leaves one out
 * @param {(Node | string | false | null | undefined)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(name, attributes = {}, ...children) {
  const element = own.createElement.call(document, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(.../** @type {(Node | string)[]} */ (children.filter(Boolean)));
  return /** @type {any} */ (element);
}
