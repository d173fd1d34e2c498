/**
 * Our own layer over the site's page: a shadow root that the page's styles do not reach, first in the page's order, so that
 * one Tab reaches the first answer. It stands beside `body`, where a single-page app may replace everything.
 */

import { body, make, root } from "./dom.js";
import { dress } from "./style.js";

/** @typedef {import("./settings.js").Settings} Settings */

/** @param {Settings} settings @param {string} nonce */
export function layer(settings, nonce) {
  const host = make("div", { lang: settings.language, dir: settings.dir });
  const shadow = host.attachShadow({ mode: "open" });
  dress(shadow, settings.theme, nonce);
  const dock = make("div", { class: "ui dock" });
  shadow.append(dock);
  root().insertBefore(host, body());
  return { host, shadow, dock };
}

/** A link of the site, or nothing where there is none. @param {string | undefined} address @param {string | undefined} words */
export const link = (address, words) => address && words && make("a", { href: address }, words);
