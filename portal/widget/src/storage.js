/**
 * What this browser remembers, under one key of localStorage: the answers, and the words that have not reached the server
 * yet. Every change reads again first, because other tabs write the same key. Where storage is blocked the page remembers
 * for as long as it is open.
 */

import { clean, text } from "./settings.js";

/**
 * @typedef {{id: string, edition: string, answers: Record<string, boolean>, how: string, source: string | null,
 *   said_at: string, device: string | null, link: string | null}} Word
 * @typedef {{answers: Record<string, boolean>, edition: string, at: number, how: string, device: string | null,
 *   queue: Word[], signal: boolean, proof: string, linked: boolean, id: string}} Memory
 */

export class Storage {
  /** @param {string} key @param {boolean} kept false in test mode: nothing is written */
  constructor(key, kept = true) {
    this.key = key;
    this.kept = kept && writable(key);
    /** @type {string | null} */
    this.page = null;
  }

  /** @returns {Memory} */
  read() {
    let found = null;
    try {
      found = JSON.parse((this.kept ? localStorage.getItem(this.key) : this.page) ?? "null");
    } catch {
      // written by somebody else, or blocked meanwhile: nothing is remembered
    }
    return remembered(found);
  }

  /** @param {(memory: Memory) => void} how @returns {Memory} */
  change(how) {
    const memory = this.read();
    how(memory);
    this.page = JSON.stringify(memory);
    try {
      if (this.kept) localStorage.setItem(this.key, this.page);
    } catch {
      this.kept = false; // full: from here on the page remembers
    }
    return memory;
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
    linked: given.linked === true,
    id: text(given.id),
  };
}

/** @param {any} given @returns {Record<string, boolean>} */
export function answersOf(given) {
  const answers = Object.create(null);
  for (const [key, answer] of Object.entries(given ?? {})) if (typeof answer === "boolean") answers[key] = answer;
  return answers;
}
