/**
 * The small things at the edge of the page: a sentence about what has just happened, and the way back to the choices, in
 * one tap, for good. With the state of California's mark where the site sells or shares data (11 CCR 7015).
 */

import { all, make, shape } from "./dom.js";

/** @typedef {import("./settings.js").Settings} Settings */

const READ_IN = 8_000;
const WHITE = "#fff";
const BLUE = "#06f";
/** @type {[string, string][]} */
const MARK = [
  [WHITE, "M7.4 12.8h6.8l3.1-11.6H7.4C4.2 1.2 1.6 3.8 1.6 7s2.6 5.8 5.8 5.8z"],
  [BLUE, "M22.6 0H7.4c-3.9 0-7 3.1-7 7s3.1 7 7 7h15.2c3.9 0 7-3.1 7-7s-3.2-7-7-7zm-21 7c0-3.2 2.6-5.8 5.8-5.8h9.9l-3.1 11.6H7.4c-3.2 0-5.8-2.6-5.8-5.8z"],
  [WHITE, "M24.6 4c.2.2.2.6 0 .8L22.5 7l2.2 2.2c.2.2.2.6 0 .8s-.6.2-.8 0l-2.2-2.2-2.2 2.2c-.2.2-.6.2-.8 0s-.2-.6 0-.8L20.8 7l-2.2-2.2c-.2-.2-.2-.6 0-.8s.6-.2.8 0l2.2 2.2L23.8 4c.2-.2.6-.2.8 0z"],
  [BLUE, "M12.7 4.1c.2.2.3.6.1.8L8.6 9.8c-.1.1-.2.2-.3.2-.2.1-.5.1-.7-.1L5.4 7.7c-.2-.2-.2-.6 0-.8s.6-.2.8 0L8 8.6l3.8-4.5c.2-.2.6-.2.9 0z"],
];

/** @param {Settings} settings @param {() => void} show */
export function wayBack(settings, show) {
  const { texts, sells } = settings;
  if (all(sells ? '[data-choices="sale"]' : "[data-choices]").length) return null; // the page has its own
  return make("button", { type: "button", class: "open", "aria-haspopup": "dialog", onclick: show }, sells && mark(), sells ? texts.choices_link : texts.reopen);
}

function mark() {
  const svg = shape("svg");
  svg.setAttribute("viewBox", "0 0 30 14");
  svg.setAttribute("aria-hidden", "true");
  for (const [fill, d] of MARK) {
    const path = shape("path");
    path.setAttribute("fill", fill);
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** @param {HTMLElement} dock */
export function notes(dock) {
  const note = make("div", { class: "note", role: "status" });
  dock.prepend(note);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const clear = () => note.replaceChildren();
  /** One with a button stays until it is pressed. @param {string | undefined} words @param {string} [button] @param {() => void} [then] */
  return (words, button, then) => {
    clearTimeout(timer);
    clear();
    if (!words) return;
    note.append(make("span", {}, words));
    if (button) note.append(make("button", { type: "button", onclick: () => (clear(), then?.()) }, button));
    else timer = setTimeout(clear, READ_IN);
  };
}
