/**
 * What waits in the page for a purpose: scripts, templates, frames. Everything runs once and scripts in the order in which
 * they stand, also those that a single-page app adds later. The marks of other tools are understood, so that a site can
 * change over without touching its pages.
 */

import { all, listen, loading, make, root } from "./dom.js";

const MARKS = ["data-purpose", "data-category", "data-name", "data-cookieconsent"];
const LONGEST = 5_000;
const CLASS = "optanon-category-";
const WAITING = [...MARKS.map((mark) => `[${mark}]`), `[class*=${CLASS}]`]
  .flatMap((mark) => [`script[type="text/plain"]${mark}`, `script[type="opt-in"]${mark}`, `template${mark}`, `[data-src]${mark}`])
  .join();

/** Watches the page from the moment it is made. Until the page is read whole nothing runs: half a script may stand there. */
export class Guard {
  /** Purposes of which a script has run: it cannot be taken back without loading the page again. @type {Set<string>} */
  ran = new Set();
  /** @type {WeakSet<Element>} */
  #done = new WeakSet();
  /** @type {Map<HTMLElement, string[]>} */
  #loaded = new Map();
  /** Shown without a yes. @type {WeakSet<HTMLElement>} */
  #once = new WeakSet();
  /** @type {(HTMLScriptElement | HTMLTemplateElement)[]} */
  #line = [];
  #busy = false;

  /**
   * @param {(key: string) => boolean} allowed
   * @param {(name: string) => string} known the site's purpose behind a foreign name
   * @param {(frame: HTMLElement, key: string) => void} frameWaits for this purpose, or for nothing any more
   */
  constructor(allowed, known, frameWaits) {
    this.allowed = allowed;
    this.known = known;
    this.frameWaits = frameWaits;
    new MutationObserver((changes) => this.#added(changes)).observe(root(), { childList: true, subtree: true });
    listen("DOMContentLoaded", () => this.again());
    this.again();
  }

  /**
   * After an answer: what may run now does, and frames that may not any more are emptied.
   * @param {string[]} [refused] said no to just now: that ends what was shown for once, too
   */
  again(refused = []) {
    if (loading()) return;
    for (const [element, keys] of this.#loaded) {
      if (this.#once.has(element) ? !keys.some((key) => refused.includes(key)) : keys.every(this.allowed)) continue;
      this.#loaded.delete(element);
      this.#once.delete(element);
      this.#done.delete(element);
      element.removeAttribute("src");
    }
    for (const element of all(WAITING)) this.#look(element);
  }

  /** One frame, for this time. @param {HTMLElement} frame */
  once(frame) {
    this.#done.add(frame);
    this.#once.add(frame);
    this.#loaded.set(frame, keysOf(frame, this.known));
    this.#load(frame);
  }

  /** @param {MutationRecord[]} changes */
  #added(changes) {
    if (loading()) return;
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (!(node instanceof Element)) continue;
        if (node.matches(WAITING)) this.#look(/** @type {HTMLElement} */ (node));
        for (const one of node.querySelectorAll(WAITING)) this.#look(/** @type {HTMLElement} */ (one));
      }
    }
  }

  /** @param {HTMLElement} element */
  #look(element) {
    if (this.#done.has(element)) return;
    const keys = keysOf(element, this.known);
    const missing = keys.find((key) => !this.allowed(key));
    if (missing && element.localName === "iframe") this.frameWaits(element, missing);
    if (missing || !keys.length) return;
    this.#done.add(element);
    if (element instanceof HTMLScriptElement || element instanceof HTMLTemplateElement) {
      this.#line.push(element);
      return void this.#runAll();
    }
    this.#loaded.set(element, keys);
    this.#load(element);
  }

  /** @param {HTMLElement} element */
  #load(element) {
    this.frameWaits(element, "");
    // as the browser itself reads it from this page: `javascript:` would be a program that nobody allowed
    const { href, protocol } = make("a", { href: element.getAttribute("data-src") ?? "" });
    if (/^https?:$/.test(protocol)) element.setAttribute("src", href);
  }

  async #runAll() {
    if (this.#busy) return;
    this.#busy = true;
    for (let next; (next = this.#line.shift()); ) {
      const keys = keysOf(next, this.known);
      if (!keys.every(this.allowed)) {
        this.#done.delete(next); // taken back while it stood in line
        continue;
      }
      for (const key of keys) this.ran.add(key);
      if (next instanceof HTMLScriptElement) await run(next);
      else this.#line.unshift(...unpack(next));
    }
    this.#busy = false;
  }
}

/** `optanon-category-C0002-C0003` needs both. @param {Element} element @param {(name: string) => string} known */
export function keysOf(element, known) {
  const mark = MARKS.find((name) => element.hasAttribute(name));
  const names = mark
    ? (element.getAttribute(mark) ?? "").split(/[\s,]+/)
    : [...element.classList].filter((one) => one.startsWith(CLASS)).flatMap((one) => one.slice(CLASS.length).split("-"));
  return names.filter(Boolean).map(known);
}

/** A script that never ran is replaced by one that does. @param {HTMLScriptElement} waiting @returns {Promise<unknown> | void} */
function run(waiting) {
  const script = make("script");
  for (const { name, value } of waiting.attributes) {
    if (!["type", "data-type", "data-src", "src", "nonce"].includes(name)) script.setAttribute(name, value);
  }
  const type = waiting.getAttribute("data-type");
  const source = waiting.getAttribute("data-src") ?? waiting.getAttribute("src");
  if (type) script.type = type;
  if (waiting.nonce) script.nonce = waiting.nonce;
  script.text = waiting.text;
  script.async = waiting.hasAttribute("async");
  const ends = (source || type === "module") && !script.async && !script.noModule && waiting.isConnected;
  const end =
    ends &&
    new Promise((then) => {
      script.onload = script.onerror = then;
      setTimeout(then, LONGEST); // one that never comes must not hold up the others
    });
  if (source) script.src = source;
  waiting.replaceWith(script);
  if (end) return end;
}

/**
 * Puts a template's content into the page; answers its scripts, which go to the head of the line, or the second could run
 * before the first has come.
 * @param {HTMLTemplateElement} template
 */
function unpack(template) {
  const content = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const mark = MARKS.find((name) => template.hasAttribute(name)) ?? "class";
  const scripts = [...content.querySelectorAll("script")].filter((script) => !MARKS.some((name) => script.hasAttribute(name)));
  for (const script of scripts) {
    if (script.type) script.setAttribute("data-type", script.type);
    script.type = "waiting"; // no word that is looked for: these stand in line already
    script.setAttribute(mark, template.getAttribute(mark) ?? "");
  }
  template.replaceWith(content);
  return scripts;
}
