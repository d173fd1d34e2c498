/**
 * Global Privacy Control: the browser's own word against selling and sharing. Only exactly `true` counts, and it is
 * passed on once per browser: a later yes of the person (in two steps) is not undone by the next page.
 */

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./storage.js").Memory} Memory */

export const signalled = () => /** @type {any} */ (navigator).globalPrivacyControl === true;

/**
 * The noes to write down because of the signal, or null when it is not on, already written down, or stops nothing here.
 * @param {Settings} settings @param {Memory} memory @param {boolean} signal
 */
export function refusedBySignal(settings, memory, signal) {
  if (!signal || memory.signal) return null;
  /** @type {Record<string, boolean>} */
  const answers = Object.create(null);
  for (const purpose of settings.purposes) if (purpose.signal && !purpose.needed) answers[purpose.key] = false;
  return Object.keys(answers).length ? answers : null;
}

/**
 * Whether these answers allow what the browser's signal stops: that takes a second step.
 * @param {Settings} settings @param {Record<string, boolean>} counts @param {Record<string, boolean>} answers
 */
export const againstSignal = (settings, counts, answers) => settings.purposes.some(({ key, signal, needed }) => signal && !needed && answers[key] && !counts[key]);
