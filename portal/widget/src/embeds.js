/**
 * What stands where a frame waits: what it needs, and two ways to see it, this once or from now on. As large as the frame,
 * so that nothing on the page moves.
 */

import { make } from "./dom.js";
import { dress } from "./style.js";

/** @typedef {import("./settings.js").Settings} Settings */

/** @type {WeakMap<Element, HTMLElement>} */
const standing = new WeakMap();

/**
 * @param {Settings} settings @param {string} nonce @param {HTMLElement} frame @param {string} key
 * @param {{once: () => void, always: () => void}} then
 */
export function standIn(settings, nonce, frame, key, then) {
  const purpose = settings.purposes.find((one) => one.key === key);
  if (!purpose || standing.has(frame)) return;
  const { texts } = settings;
  const { width, height } = frame.getBoundingClientRect();
  const { display, margin, verticalAlign } = getComputedStyle(frame);
  const host = make("div", { lang: settings.language, dir: settings.dir });
  const shadow = host.attachShadow({ mode: "open" });
  dress(shadow, settings.theme, nonce);
  const inside = make(
    "section",
    { class: "ui embed", "aria-label": frame.title || purpose.title },
    make("p", {}, texts.placeholder?.replace("{purpose}", () => purpose.title)),
    make(
      "div",
      {},
      make("button", { type: "button", onclick: then.once }, texts.load_once),
      make("button", { type: "button", onclick: then.always }, texts.load_always),
    ),
  );
  // through the object model: a style attribute in the markup would break a strict policy
  const place = make("div", { class: "place" }, inside);
  place.style.cssText = `inline-size:${width || 300}px;block-size:${height || 150}px;margin:${margin};vertical-align:${verticalAlign}`;
  if (display !== "inline") place.style.display = "block";
  shadow.append(place);
  frame.before(host);
  frame.hidden = true;
  standing.set(frame, host);
}

/** @param {HTMLElement} frame */
export function standAside(frame) {
  standing.get(frame)?.remove();
  if (standing.delete(frame)) frame.hidden = false;
}
