/**
 * Takes away what a purpose has left in the browser when its yes is taken back: listed names, `_ga*` for all that begin so.
 * A name is tried on every domain and path that this page may write for.
 */

import { cookies, writeCookie } from "./dom.js";

/** @typedef {import("./settings.js").Purpose} Purpose */

/** @param {Purpose} purpose */
export function clear({ clears }) {
  for (const pair of cookies().split("; ")) {
    const name = pair.split("=")[0];
    if (name && listed(clears.names, name)) expire(name);
  }
  sweep(() => localStorage, clears.local);
  sweep(() => sessionStorage, clears.session);
}

/** @param {string[]} patterns @param {string} name */
const listed = (patterns, name) => patterns.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one));

/** @param {string} name */
function expire(name) {
  const labels = location.hostname.split(".");
  const domains = ["", ...labels.map((_, from) => `; domain=${labels.slice(from).join(".")}`)];
  const steps = location.pathname.split("/");
  const paths = steps.flatMap((_, to) => [steps.slice(0, to + 1).join("/"), `${steps.slice(0, to + 1).join("/")}/`]);
  for (const path of paths) {
    for (const domain of domains) writeCookie(`${name}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=${path || "/"}${domain}`);
  }
}

/** @param {() => globalThis.Storage} store @param {string[]} patterns */
function sweep(store, patterns) {
  try {
    for (const key of Object.keys(store())) if (listed(patterns, key)) store().removeItem(key);
  } catch {
    // storage is blocked: nothing was left there
  }
}
