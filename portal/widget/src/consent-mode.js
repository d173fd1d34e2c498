/**
 * Google Consent Mode v2: everything denied before any tag runs, and the update within the click. Google's tags read the
 * `arguments` object itself, so a plain array would be ignored.
 */

/** @typedef {import("./settings.js").Settings} Settings */

const CELLS = ["ad_storage", "ad_user_data", "ad_personalization", "analytics_storage", "functionality_storage", "personalization_storage"];

/** @param {...unknown} _ */
function gtag(..._) {
  const page = /** @type {any} */ (window);
  if (!Array.isArray(page.dataLayer)) page.dataLayer = [];
  page.dataLayer.push(arguments);
}

export function denyAll() {
  gtag("consent", "default", { ...Object.fromEntries(CELLS.map((cell) => [cell, "denied"])), security_storage: "granted", wait_for_update: 500 });
}

/**
 * A cell that two purposes share needs both.
 * @param {Settings} settings @param {Record<string, boolean>} counts
 */
export function tellGoogle(settings, counts) {
  /** @type {Record<string, string>} */
  const update = {};
  for (const { key, cells } of settings.purposes) {
    for (const cell of cells) {
      if (CELLS.includes(cell)) update[cell] = counts[key] && update[cell] !== "denied" ? "granted" : "denied";
    }
  }
  if (Object.keys(update).length) gtag("consent", "update", update);
}
