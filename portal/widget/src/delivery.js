/**
 * Brings the visitor's words to the server: each is in storage before it is sent, goes with the same id every time, and
 * leaves storage only when the server has answered for good. In the order they were said: an old yes that arrives after a
 * newer no would count. Another tab may send the same word at the same moment; the server records it once.
 */

import { listen } from "./dom.js";
import { clean } from "./settings.js";

/** @typedef {import("./storage.js").Word} Word */

const HOPELESS = [400, 409, 413, 422]; // the same words would be refused again
const FIRST_PAUSE = 2_000;
const LONGEST_PAUSE = 300_000;
const DAY = 86_400_000;
const SLEW = 1_000; // a clock that is being set right may seem to go back by so much

/**
 * @param {string} site address @param {import("./storage.js").Storage} storage
 * @param {(word: Word, status: number, answer: any) => void} settled
 */
export function courier(site, storage, settled) {
  let busy = false;
  let pause = FIRST_PAUSE;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  async function deliver() {
    clearTimeout(timer);
    if (busy) return;
    busy = true;
    try {
      for (let word; (word = storage.read().queue[0]); ) {
        const wait = await send(word);
        if (wait) {
          timer = setTimeout(deliver, wait);
          break;
        }
      }
    } finally {
      busy = false; // also when the page itself stumbles over what it is told
    }
  }

  /** @param {Word} word @returns {Promise<number>} milliseconds to wait before trying again; 0: it is settled */
  async function send(word) {
    let answer;
    try {
      // text/plain needs no question beforehand, which a page that is being left would not live to hear answered
      const headers = { "content-type": "text/plain;charset=UTF-8" };
      answer = await fetch(`${site}/choices`, { method: "POST", mode: "cors", credentials: "omit", keepalive: true, headers, body: JSON.stringify({ ...word, age: ageOf(word, Date.now()) }) });
    } catch {
      return longer();
    }
    if (!answer.ok && !HOPELESS.includes(answer.status)) return Math.min(Number(answer.headers.get("retry-after")) * 1000, LONGEST_PAUSE) || longer();
    const said = await answer.json().catch(() => ({}));
    storage.change((memory) => (memory.queue = memory.queue.filter((one) => one.id !== word.id)));
    pause = FIRST_PAUSE;
    settled(word, answer.status, clean(said) ?? {});
    return 0;
  }

  function longer() {
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    return pause / 2;
  }

  addEventListener("online", deliver);
  addEventListener("pageshow", deliver);
  listen("visibilitychange", deliver);
  return deliver;
}

/**
 * How long ago it was said, in milliseconds: the server reckons by its own clock, whatever this one shows. A clock that was
 * set back meanwhile no longer tells; then it was long ago, so that no newer no is overruled.
 * @param {Word} word @param {number} now
 */
function ageOf({ said_at }, now) {
  const age = now - Date.parse(said_at);
  return age >= 0 ? age : age > -SLEW ? 0 : DAY;
}

/** 16 random bytes: a UUID of version 4, also on pages without TLS, where `crypto.randomUUID` is missing. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** 22 characters that say nothing about the device; made only with a first yes. */
export function newDevice() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (one) => ({ "+": "-", "/": "_", "=": "" })[one] ?? "");
}
