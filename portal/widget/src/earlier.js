/**
 * A visitor's answers to the tool that the site used before, from where that tool kept them. Taken for the site's purposes
 * only where every foreign name of a purpose said the same; never older than a refusal is remembered.
 */

import { cookies } from "./dom.js";
import { clean } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {{said: Record<string, unknown>, at?: number, whole?: boolean}} Found `whole`: what is not named was refused */

/** @type {Record<string, () => Found | null>} */
const READERS = {
  orejime: () => flat(kept("orejime")),
  klaro: () => flat(kept("klaro")),
  "vanilla-cookieconsent": categories,
  cookiebot: marks,
  onetrust: groups,
};

/**
 * @param {Settings} settings @param {number} now
 * @returns {{answers: Record<string, boolean>, source: string} | null}
 */
export function earlierAnswers(settings, now) {
  for (const source of settings.earlier) {
    const found = Object.hasOwn(READERS, source) ? tried(READERS[source]) : null;
    if (!found || (found.at && now - found.at > settings.months * 30 * 86_400_000)) continue;
    const answers = translated(settings, found);
    if (Object.keys(answers).length) return { answers, source };
  }
  return null;
}

/** @param {Settings} settings @param {Found} found */
function translated(settings, found) {
  /** @type {Record<string, boolean>} */
  const answers = Object.create(null);
  for (const { key, needed } of settings.purposes) {
    if (needed) continue;
    const names = Object.keys(found.said).filter((name) => (settings.aliases[name] ?? name) === key);
    if (names.length || found.whole) answers[key] = names.length > 0 && names.every((name) => found.said[name] === true);
  }
  return answers;
}

/** A reader stumbles over what another program has written: then there is no earlier answer. @param {() => Found | null} reader */
function tried(reader) {
  try {
    return reader();
  } catch {
    return null;
  }
}

/** What stands under a name, in a cookie or in localStorage. @param {string} name */
function kept(name) {
  const found = cookies().split("; ").find((one) => one.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : decodeURIComponent(localStorage.getItem(name) ?? "");
}

/** `{"analytics": true, …}` @param {string} value @returns {Found | null} */
const flat = (value) => (value ? { said: clean(JSON.parse(value)) } : null);

/** `{"categories": ["analytics"], "lastConsentTimestamp": …}`: whatever is not listed was refused. @returns {Found | null} */
function categories() {
  const value = kept("cc_cookie");
  if (!value) return null;
  const given = clean(JSON.parse(value));
  if (!Array.isArray(given.categories)) return null;
  const said = clean(Object.fromEntries(given.categories.map((/** @type {unknown} */ name) => [name, true])));
  return { said, whole: true, at: Date.parse(given.lastConsentTimestamp) || 0 };
}

/** `{stamp:'…',statistics:true,marketing:false,method:'explicit',utc:1700000000000}`: no JSON. @returns {Found | null} */
function marks() {
  const value = kept("CookieConsent");
  if (!value.includes("method:'explicit'")) return null; // implied is no answer
  /** @type {Record<string, boolean>} */
  const said = Object.create(null);
  for (const [, name, answer] of value.matchAll(/\b(preferences|statistics|marketing):(true|false)/g)) said[name] = answer === "true";
  return { said, at: Number(/utc:(\d+)/.exec(value)?.[1] ?? 0) };
}

/** `groups=C0001:1,C0002:0`, an answer only where the box was closed by the visitor. @returns {Found | null} */
function groups() {
  const closed = kept("OptanonAlertBoxClosed");
  const value = new URLSearchParams(kept("OptanonConsent")).get("groups");
  if (!closed || !value) return null;
  /** @type {Record<string, boolean>} */
  const said = Object.create(null);
  for (const [, name, answer] of value.matchAll(/(\w+):([01])/g)) said[name] = answer === "1";
  return { said, at: Date.parse(closed) || 0 };
}
