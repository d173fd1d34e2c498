/**
 * What this browser remembers, under one key of localStorage: the answers, and the words that have not reached the server
 * yet. Every change reads again first, because other tabs write the same key. Where storage is blocked or full the page
 * remembers for as long as it is open.
 */

import { clean, dictionary, text } from "./settings.js";

/**
 * @typedef {{id: string, edition: string, answers: Record<string, boolean>, how: string, source: string | null,
 *   said_at: string, device: string | null, link: string | null}} Word
 * @typedef {{answers: Record<string, boolean>, edition: string, at: number, how: string, device: string | null,
 *   queue: Word[], signal: boolean, proof: string, linked: string[], last: Record<string, string>, held: Record<string, boolean>, looked: number, carried: number, tried: string}} Memory
 *   `last`: the word, by its id, that last said something about a purpose; `held`: the yeses that were stopped elsewhere;
 *   `looked`: when the server was asked about that; `linked`: the customers who have heard it, by their marks;
 *   `carried`: when all was last said again for a customer, `tried`: for whom
 */

export class Storage {
  /** @param {string} key @param {boolean} kept false in test mode: nothing is written */
  constructor(key, kept = true) {
    this.key = key;
    this.kept = kept && writable(key);
    /** What this page alone remembers; null: nothing yet, storage is asked. @type {string | null} */
    this.page = kept ? null : "null";
  }

  /** @returns {Memory} */
  read() {
    let found = null;
    try {
      found = JSON.parse(this.page ?? localStorage.getItem(this.key) ?? "null");
    } catch {
      // written by somebody else, or blocked meanwhile: nothing is remembered
    }
    return remembered(found);
  }

  /** @param {(memory: Memory) => void} how @returns {Memory} */
  change(how) {
    const memory = this.read();
    how(memory);
    const words = JSON.stringify(memory);
    this.kept = this.page === null && this.#keep(words);
    if (!this.kept) this.page = words;
    return memory;
  }

  /** Where there is no room the old words go first: an old yes must not outlive a no. @param {string} words */
  #keep(words) {
    for (const full of [false, true]) {
      try {
        if (full) localStorage.removeItem(this.key);
        localStorage.setItem(this.key, words);
        return true;
      } catch {
        // full or blocked
      }
    }
    return false;
  }
}

/** @param {string} key */
function writable(key) {
  try {
    localStorage.setItem(`${key}?`, "1");
    localStorage.removeItem(`${key}?`);
    return true;
  } catch {
    return false;
  }
}

/** @param {unknown} found @returns {Memory} */
function remembered(found) {
  const given = clean(found) ?? {};
  return {
    answers: answersOf(given.answers),
    edition: text(given.edition),
    at: Number(given.at) || 0,
    how: text(given.how),
    device: text(given.device) || null,
    queue: Array.isArray(given.queue) ? given.queue.filter((/** @type {any} */ word) => text(word?.id)) : [],
    signal: given.signal === true,
    proof: text(given.proof),
    linked: Array.isArray(given.linked) ? given.linked.filter(text) : [],
    last: dictionary(given.last),
    held: answersOf(given.held),
    looked: Number(given.looked) || 0,
    carried: Number(given.carried) || 0,
    tried: text(given.tried),
  };
}

/** @param {any} given @returns {Record<string, boolean>} */
export function answersOf(given) {
  const answers = Object.create(null);
  for (const [key, answer] of Object.entries(given ?? {})) if (typeof answer === "boolean") answers[key] = answer;
  return answers;
}
