/**
 * What counts now, and whether to ask. No page and no network here: only the rules (GDPR Art. 4(11) and 7, ePrivacy
 * Art. 5(3); CCPA § 7025 for the browser's signal).
 */

import { numberOf } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./storage.js").Memory} Memory */

const MONTH = 365.25 / 12 * 24 * 3600 * 1000;

/**
 * The law of the visitor's region. A region that nobody knows gets the strictest that the site lists.
 * @param {Settings} settings @param {string | null} region of the tag
 */
export function lawOf(settings, region) {
  const where = settings.region ?? region;
  const laws = settings.law;
  const law = where ? laws[where] ?? laws[where.split("-")[0]] ?? laws.default : null;
  const out = law ? law === "opt-out" : Object.values(laws).length > 0 && Object.values(laws).every((one) => one === "opt-out");
  return out ? "opt-out" : "opt-in";
}

/**
 * Each purpose and whether it may run. A yes to an older text does not cover what has changed since; a no stays a no.
 * @param {Settings} settings @param {string} law @param {Memory} memory @param {boolean} signal of the browser
 * @returns {Record<string, boolean>}
 */
export function whatCounts(settings, law, memory, signal) {
  const counts = Object.create(null);
  const stale = outdated(settings, memory);
  for (const { key, needed, signal: stops } of settings.purposes) {
    const said = memory.answers[key];
    counts[key] = needed || (said === false || memory.held[key] ? false : said && !stale ? true : law === "opt-out" && !(signal && stops));
  }
  return counts;
}

/** Whether something material has changed since the answer. @param {Settings} settings @param {Memory} memory */
export const outdated = (settings, memory) => memory.edition !== "" && numberOf(memory.edition) < settings.material;

/**
 * Why the visitor is asked: "first", "changed", "again" (a refusal of long ago), or "" for not at all. With the browser's
 * signal nobody is asked: it has answered.
 * @param {Settings} settings @param {string} law @param {Memory} memory @param {boolean} signal @param {number} now
 */
export function whyAsk(settings, law, memory, signal, now) {
  const open = settings.purposes.filter((purpose) => !purpose.needed);
  if (law === "opt-out" || signal || open.length === 0) return "";
  if (open.some(({ key }) => !(key in memory.answers))) return "first";
  if (outdated(settings, memory)) return "changed";
  const refused = open.some(({ key }) => memory.answers[key] === false);
  return refused && now - memory.at > settings.months * MONTH ? "again" : "";
}

/** @param {Record<string, boolean>} answers */
export function howSaid(answers) {
  const said = Object.values(answers);
  return said.every(Boolean) ? "accept" : said.some(Boolean) ? "mixed" : "refuse";
}
