/**
 * How what is said changes what this browser remembers. No page and no network here: each function changes a memory that
 * was just read.
 */

import { howSaid, outdated } from "./answers.js";
import { newDevice, newId } from "./delivery.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./storage.js").Memory} Memory */
/** @typedef {import("./storage.js").Word} Word */
/** @typedef {Record<string, boolean>} Answers */

export const HOUR = 3_600_000; // milliseconds
const MOST = 50; // customers of one browser that are told apart
const AGAINST_SIGNAL = "against-signal"; // where a yes was said: at the second step, knowing what the browser asks for

/**
 * Into memory and in line for the server. A yes to the tool used before counts only once the server says so.
 * @param {Memory} memory @param {Settings} settings @param {Answers} answers
 * @param {{how: string, source: string | null, signal: boolean, link: string | null}} said
 */
export function keep(memory, settings, answers, { how, source, signal, link }) {
  const now = Date.now();
  const earlier = how === "earlier";
  if (how === "signal") memory.signal = true;
  else {
    if (outdated(settings, memory)) takeBack(memory, Object.keys(memory.answers)); // the new edition is not theirs
    Object.assign(memory, { edition: settings.edition, at: now, signal });
  }
  memory.how = how;
  for (const [key, answer] of Object.entries(answers)) {
    if (!earlier || !answer) memory.answers[key] = answer;
    delete memory.held[key];
  }
  if (Object.values(answers).some((answer) => (answer ? !earlier : settings.refusals))) memory.device ??= newDevice();
  const despite = signal && !earlier && isAgainst(settings, answers);
  line(memory, { edition: settings.edition, answers, how, source: despite ? AGAINST_SIGNAL : source, link }, now);
}

/** @param {Memory} memory @param {Pick<Word, "edition" | "answers" | "how" | "source" | "link">} word @param {number} at */
function line(memory, word, at) {
  const id = newId();
  for (const key in word.answers) memory.last[key] = id;
  memory.queue.push({ ...word, id, said_at: new Date(at).toISOString(), device: memory.device });
}

/** Whether a yes among them is to what the browser's signal stops. @param {Settings} settings @param {Answers} answers */
const isAgainst = (settings, answers) => settings.purposes.some(({ key, signal }) => signal && answers[key]);

/**
 * Whether what was said has yet to reach the customer; a token that the server does not take is no reason to hurry.
 * @param {Memory} memory @param {string} link @param {number} now
 */
export const isToCarry = ({ at, signal, linked, queue, carried, tried }, link, now) =>
  (linked.length ? signal && !linked.includes(customerOf(link)) : at > 0 || signal) &&
  !queue.some((word) => word.link) &&
  (tried !== customerOf(link) || Math.abs(now - carried) > HOUR);

/**
 * A customer's short mark: enough to tell those of one browser apart, too little to find out from it who was here.
 * @param {string} link the site's token: what it says, a dot, a signature
 */
export function customerOf(link) {
  let who = link;
  try {
    const { email, phone, account } = JSON.parse(atob(link.split(".")[0].replace(/-/g, "+").replace(/_/g, "/")));
    who = String(email ?? phone ?? account);
  } catch {
    // the server will not take it either
  }
  let mark = 0;
  for (const letter of who) mark = (mark * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return String(mark);
}

/**
 * For the customer whom the site names from now on: what was said before, as it was said and when. Where another customer
 * was named first, what they said is theirs; the browser's signal is everybody's.
 * @param {Memory} memory @param {Settings} settings @param {string} link
 */
export function carry(memory, settings, link) {
  const waiting = memory.queue.length;
  if (memory.linked.length) carrySignal(memory, settings, link);
  else carryAll(memory, settings, link);
  if (memory.queue.length > waiting) Object.assign(memory, { carried: Date.now(), tried: customerOf(link) });
}

/** @param {Memory} memory @param {Settings} settings @param {string} link */
function carryAll(memory, settings, link) {
  /** @type {Answers} */
  const own = Object.create(null);
  /** @type {Answers} */
  const signals = Object.create(null);
  for (const { key, needed, signal: stops } of settings.purposes) {
    if (needed || !(key in memory.answers) || memory.held[key]) continue;
    const bySignal = memory.signal && stops && !memory.answers[key];
    (bySignal ? signals : own)[key] = memory.answers[key];
  }
  const now = Date.now();
  const word = { source: null, link };
  if (Object.keys(signals).length) line(memory, { ...word, edition: settings.edition, answers: signals, how: "signal" }, now);
  if (memory.at && !outdated(settings, memory) && Object.keys(own).length) {
    const source = memory.signal && isAgainst(settings, own) ? AGAINST_SIGNAL : null;
    line(memory, { ...word, source, edition: memory.edition, answers: own, how: howSaid(own) }, memory.at);
  }
}

/** For this customer only: nothing of it is about the browser, which has said it. @param {Memory} memory @param {Settings} settings @param {string} link */
function carrySignal({ queue }, settings, link) {
  const answers = Object.fromEntries(settings.purposes.filter(({ signal, needed }) => signal && !needed).map(({ key }) => [key, false]));
  if (!Object.keys(answers).length) return;
  queue.push({ edition: settings.edition, answers, how: "signal", source: null, link, id: newId(), said_at: new Date().toISOString(), device: null });
}

/**
 * The server has answered. What was said since about the same purpose is not its affair.
 * @param {Memory} memory @param {Settings | undefined} settings @param {Word} word @param {number} status @param {any} answer
 * @returns {string[]} the yeses that it did not take
 */
export function heard(memory, settings, word, status, answer) {
  const earlier = word.how === "earlier";
  const latest = Object.keys(word.answers).filter((key) => memory.last[key] === word.id);
  const granted = latest.filter((key) => word.answers[key] && answer.answers?.[key] === true);
  const denied = earlier ? [] : latest.filter((key) => word.answers[key] && !granted.includes(key));
  if (status !== 200) {
    takeBack(memory, denied); // what nobody recorded does not count
    return denied;
  }
  for (const key of denied) memory.answers[key] = false;
  if (!word.link) memory.linked = []; // news for whoever signs in next
  else if (answer.linked === true) memory.linked = [...new Set([...memory.linked, customerOf(word.link)])].slice(-MOST);
  if (latest.length) memory.proof = typeof answer.proof === "string" ? answer.proof : "";
  if (earlier) for (const key of granted) memory.answers[key] ??= true;
  const refused = !earlier && !Object.values(memory.answers).some(Boolean);
  if (refused && settings && !settings.refusals) memory.device = null; // nobody to recognise any more
  return denied;
}

/**
 * What became of the yeses of this browser: said no to elsewhere, which may change again, or lapsed.
 * @param {Memory} memory @param {Record<string, boolean | null>} standing
 * @returns {boolean} whether anything did
 */
export function stand(memory, standing) {
  const before = JSON.stringify([memory.answers, memory.held]);
  for (const key in memory.answers) {
    if (!memory.answers[key] || !(key in standing)) continue;
    if (standing[key] === null) delete memory.answers[key];
    if (standing[key] === false) memory.held[key] = true;
    else delete memory.held[key];
  }
  return JSON.stringify([memory.answers, memory.held]) !== before;
}

/** The yeses among them; a no stays a no. @param {Memory} memory @param {string[]} keys */
export function takeBack(memory, keys) {
  for (const key of keys) if (memory.answers[key]) delete memory.answers[key];
}
