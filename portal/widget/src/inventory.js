/**
 * For the tests of a site: what the page has set and loaded by now, and what of it was there before this script. Names and
 * hosts, never a value.
 */

import { cookies } from "./dom.js";

const SOON = 2_000;

/** @typedef {{kind: string, name: string, when: string}} Thing */

/**
 * Called in test mode alone; prints the list when the page has had time to load.
 * @param {string} base where this script answers to: its host is none of the list @returns {() => Thing[]}
 */
export function inventory(base) {
  const own = [location.host, new URL(base, location.href).host];
  const before = found(own);
  const list = () => found(own).map(([kind, name]) => ({ kind, name, when: before.some((one) => one[0] === kind && one[1] === name) ? "before" : "after" }));
  setTimeout(() => console.table(list()), SOON);
  return list;
}

/** @param {string[]} own hosts @returns {string[][]} kind and name */
function found(own) {
  const things = [
    ...cookies().split("; ").map((one) => ["cookie", one.split("=")[0]]),
    ...keys("local", () => localStorage),
    ...keys("session", () => sessionStorage),
    ...performance.getEntriesByType("resource").map(loaded),
  ];
  return [...new Map(things.filter(([, name]) => name && !own.includes(name)).map((thing) => [thing.join(), thing])).values()];
}

/** @param {string} kind @param {() => globalThis.Storage} store */
function keys(kind, store) {
  try {
    return Object.keys(store()).map((name) => [kind, name]);
  } catch {
    return []; // storage is blocked
  }
}

/** @param {any} entry of the page's own account of what it loaded */
const loaded = ({ name, initiatorType }) => [/frame/.test(initiatorType) ? "frame" : "host", new URL(name).host];
