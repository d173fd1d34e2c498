/**
 * Whether the yeses of this browser still count: their person may have said no elsewhere, or they have lapsed. Asked now
 * and then, and only by a browser that said yes: about any other the server has nothing to tell.
 */

import { clean, object } from "./settings.js";
import { HOUR } from "./words.js";

/** @typedef {import("./storage.js").Memory} Memory */

/** @param {Memory} memory @param {number} now */
export const isToAsk = (memory, now) =>
  Boolean(memory.device) && memory.queue.length === 0 && Object.values(memory.answers).some(Boolean) && Math.abs(now - memory.looked) > HOUR;

/**
 * @param {string} site address @param {string | null} device
 * @returns {Promise<Record<string, boolean | null> | null>} null: nobody knows now, and nothing changes
 */
export async function fetchStanding(site, device) {
  try {
    const headers = { "content-type": "text/plain;charset=UTF-8" };
    const answer = await fetch(`${site}/standing`, { method: "POST", mode: "cors", credentials: "omit", headers, body: JSON.stringify({ device }) });
    return answer.ok ? object(object(clean(await answer.json())).answers) : null;
  } catch {
    return null;
  }
}
