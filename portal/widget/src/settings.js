/**
 * What the site's owner has settled: purposes, texts, law, theme. The same for every visitor and public, so it is read as
 * a stranger's words: rebuilt without prototypes, every field of the kind expected or left empty.
 */

/**
 * @typedef {{key: string, title: string, what: string, needed: boolean, signal: boolean, cells: string[],
 *   clears: {names: string[], local: string[], session: string[]}, recipients: string[]}} Purpose
 * @typedef {{language: string, dir: string, edition: string, number: number, material: number, changed: string,
 *   law: Record<string, string>, region: string | null, sells: boolean, months: number, purposes: Purpose[],
 *   texts: Record<string, string>, links: Record<string, string>, theme: Record<string, string>,
 *   aliases: Record<string, string>, earlier: string[], refusals: boolean}} Settings
 */

const REFUSED = ["__proto__", "constructor", "prototype"];

/**
 * The same value with objects that inherit nothing and without the names that reach a prototype.
 * @param {unknown} value @returns {any}
 */
export function clean(value, depth = 0) {
  if (typeof value !== "object" || value === null) return value;
  if (depth > 20) return null;
  if (Array.isArray(value)) return value.map((one) => clean(one, depth + 1));
  const copy = Object.create(null);
  for (const key of Object.keys(value)) {
    if (!REFUSED.includes(key)) copy[key] = clean(/** @type {any} */ (value)[key], depth + 1);
  }
  return copy;
}

/** @param {unknown} value */
export const text = (value) => (typeof value === "string" ? value : "");

/** @param {unknown} value @returns {any} */
export const object = (value) => (typeof value === "object" && value && !Array.isArray(value) ? value : Object.create(null));

/** @param {unknown} value @returns {string[]} */
const texts = (value) => (Array.isArray(value) ? value.filter((one) => typeof one === "string") : []);

/** @param {unknown} value @returns {Record<string, string>} */
export function dictionary(value) {
  const copy = Object.create(null);
  for (const [key, one] of Object.entries(object(value))) if (typeof one === "string") copy[key] = one;
  return copy;
}

/** Only the web's own addresses: `javascript:` is none. @param {string} address */
const link = (address) => (/^https?:\/\//.test(address) ? address : "");

/** Which version of the site's texts: 3 of "site-shop@3/ro". @param {unknown} edition */
export const numberOf = (edition) => Number(/@(\d+)\//.exec(text(edition))?.[1] ?? 0);

/** @param {unknown} answer @returns {Settings} */
export function readSettings(answer) {
  const given = object(clean(answer));
  const links = dictionary(given.links);
  for (const name in links) links[name] = link(links[name]);
  return {
    language: text(given.language) || "en",
    dir: given.dir === "rtl" ? "rtl" : "ltr",
    edition: text(given.edition),
    number: numberOf(given.edition),
    material: Number(given.material) || 0,
    changed: text(given.changed),
    law: dictionary(given.law),
    region: text(given.region) || null,
    sells: given.sells === true,
    months: Number(given.months) > 0 ? Number(given.months) : 6,
    purposes: (Array.isArray(given.purposes) ? given.purposes : []).map(readPurpose).filter((/** @type {Purpose} */ one) => one.key),
    texts: dictionary(given.texts),
    links,
    theme: dictionary(given.theme),
    aliases: dictionary(given.aliases),
    earlier: texts(given.earlier),
    refusals: given.refusals === true,
  };
}

/** @param {unknown} value @returns {Purpose} */
function readPurpose(value) {
  const given = object(value);
  const clears = object(given.clears);
  return {
    key: text(given.key),
    title: text(given.title),
    what: text(given.what),
    needed: given.needed === true,
    signal: given.signal === true,
    cells: texts(given.cells),
    clears: { names: texts(clears.names), local: texts(clears.local), session: texts(clears.session) },
    recipients: texts(given.recipients),
  };
}

/**
 * Throws if what comes are no settings, as a refusal in words.
 * @param {string} site address of the site's settings @param {string} language @param {boolean} [again] past every cache
 */
export async function fetchSettings(site, language, again) {
  const address = `${site}/settings?lang=${encodeURIComponent(language)}`;
  const settings = readSettings(again ? await (await fetch(address, { cache: "reload" })).json() : JSON.parse(await loaded(address)));
  if (!settings.edition) throw new Error(address);
  return settings;
}

/** Also what the page has loaded ahead; in fewer turns of a busy page than by `fetch`. @param {string} address @returns {Promise<string>} */
const loaded = (address) =>
  new Promise((then) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.onloadend = () => then(request.responseText);
    request.send();
  });
