/** What the site's owner wrote on the script's own tag. */

import { all, root, runningScript } from "./dom.js";

/** @typedef {{site: string, base: string, language: string, region: string | null, link: string | null, mode: string, nonce: string}} Tag */

/** @returns {Tag | null} */
export function readTag() {
  const running = runningScript();
  const script = running?.dataset?.site ? running : /** @type {HTMLScriptElement | undefined} */ (all("script[data-site][src]")[0]);
  const { site, origin, lang, region, link, mode } = script?.dataset ?? {};
  if (!script || !site) return null;
  const from = origin ?? script.src.slice(0, script.src.lastIndexOf("/w/v1/"));
  return {
    site,
    base: `${from}/w/v1/${encodeURIComponent(site)}`,
    language: lang || root().lang || navigator.language,
    region: region || null,
    link: link || null,
    mode: testMode(mode),
    nonce: script.nonce,
  };
}

/**
 * For the tests of a site: everything or nothing allowed, no question, no network. Never from the page's address: a link
 * could then say yes for whoever follows it.
 * @param {string | undefined} mode of the tag
 */
function testMode(mode) {
  const wished = mode ?? /** @type {any} */ (window).privacyChoicesTest;
  return wished === "test:all" || wished === "test:none" ? wished : "";
}
