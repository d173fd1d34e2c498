/**
 * The script that a website embeds: asks the visitor, keeps the answer in this browser, lets run what was allowed and
 * brings the answer to the portal. The page never waits for us, and without settings nothing that needs a yes runs.
 */

import { howSaid, lawOf, whatCounts, whyAsk } from "./answers.js";
import { banner } from "./banner.js";
import { Guard } from "./blocking.js";
import { clear } from "./clearing.js";
import { denyAll, tellGoogle } from "./consent-mode.js";
import { courier } from "./delivery.js";
import { dialog } from "./dialog.js";
import { all, focused, listen } from "./dom.js";
import { earlierAnswers } from "./earlier.js";
import { standAside, standIn } from "./embeds.js";
import { events } from "./events.js";
import { inventory } from "./inventory.js";
import { layer } from "./layer.js";
import { notes, wayBack } from "./notes.js";
import { fetchSettings } from "./settings.js";
import { againstSignal, refusedBySignal, signalled } from "./signals.js";
import { fetchStanding, isToAsk } from "./standing.js";
import { Storage, answersOf } from "./storage.js";
import { readTag } from "./tag.js";
import { carry, heard, isToCarry, keep, stand } from "./words.js";

/** @typedef {import("./storage.js").Word} Word */
/** @typedef {Record<string, boolean>} Answers */

const tag = /** @type {import("./tag.js").Tag} */ (readTag());
const { on, emit } = events();
const signal = signalled();
/** @type {(seen: object) => void} */
let isReady;
const ready = new Promise((then) => (isReady = then));
/** @type {Storage} */
let storage;
/** @type {() => Promise<void>} */
let deliver;
/** @type {import("./settings.js").Settings} */
let settings;
/** @type {Answers} */
let counts = Object.create(null);
let law = "opt-in";
let pause = 8_000;
/** @type {Guard | undefined} */
let blocked;
/** The word that last said something about each purpose, as the page was last told. @type {Record<string, string>} */
let told = Object.create(null);
/** What this page has just written; a tab that had read before can write over it. @type {import("./storage.js").Memory | undefined} */
let fresh;
let unlike = false; // before the settings came: the server had counted less than the visitor said
/** @type {ReturnType<typeof layer> | undefined} */
let ours;
/** @type {ReturnType<typeof notes>} */
let say;
/** @type {HTMLElement | null} */
let question = null;
/** @type {HTMLElement | null} */
let corner = null;
/** @type {HTMLDialogElement | undefined} */
let choices;
/** In test mode: what the page has set and loaded by now. @type {(() => import("./inventory.js").Thing[]) | undefined} */
let list;

if (tag && !Object.hasOwn(window, "privacyChoices")) start();

function start() {
  storage = new Storage(`pc1:${tag.site}`, !tag.mode);
  Object.defineProperty(window, "privacyChoices", { value: Object.freeze({ ready, get, set, show: () => show(), reset, on }) });
  if (tag.mode) {
    list = inventory(tag.base);
    new Guard(() => tag.mode === "test:all", (name) => name, () => {});
    return announce();
  }
  denyAll();
  deliver = courier(tag.base, storage, settled);
  void deliver(); // what an earlier page could not
  void begin();
}

async function begin() {
  try {
    settings = await fetchSettings(tag.base, tag.language);
  } catch {
    return void setTimeout(begin, (pause *= 2));
  }
  const { answers, last } = storage.read();
  told = last;
  counts = { ...answers }; // what ended since the last page is cleared like what ends on this one
  settle();
  const memory = storage.read();
  const { link } = tag;
  if (link && isToCarry(memory, link, Date.now())) {
    storage.change((memory) => carry(memory, settings, link));
    void deliver();
  } else if (isToAsk(memory, Date.now())) void look();
  listen("click", openFromPage, true);
  addEventListener("storage", (event) => event.key === storage.key && follow());
  addEventListener("pageshow", (event) => event.persisted && follow()); // what was said on the page left by "back"
  announce();
}

function announce() {
  isReady(get());
  emit("ready", get());
}

/** From the settings and what is remembered to the page as it should be now. */
function settle() {
  law = lawOf(settings, tag.region);
  if (!signal && storage.read().signal) storage.change((memory) => (memory.signal = false));
  const earlier = !storage.read().at && earlierAnswers(settings, Date.now());
  if (earlier) write(earlier.answers, "earlier", earlier.source);
  const refused = refusedBySignal(settings, storage.read(), signal);
  if (refused) write(refused, "signal", null);
  apply();
  draw();
  const { texts } = settings;
  if (refused) say([texts.signal, texts.signal_done].filter(Boolean).join(" "), texts.close);
  if (unlike) say(texts.unlike, texts.close);
  unlike = false;
}

/** @returns {boolean} whether something runs that only a new load of the page can stop */
function apply() {
  const before = counts;
  const memory = storage.read();
  counts = whatCounts(settings, law, memory, signal);
  const noes = Object.keys(memory.last).filter((key) => memory.last[key] !== told[key] && memory.answers[key] === false);
  told = memory.last;
  tellGoogle(settings, counts);
  const revoked = settings.purposes.filter(({ key }) => before[key] && !counts[key]);
  revoked.forEach(clear);
  if (!blocked) {
    blocked = new Guard(allowed, known, frameWaits);
    return false;
  }
  setTimeout(() => blocked?.again(noes)); // after the click has been answered on the screen
  if (settings.purposes.some(({ key }) => before[key] !== counts[key])) emit("change", get());
  return revoked.some(({ key }) => blocked?.ran.has(key));
}

/** @param {string} key */
function allowed(key) {
  return counts[key] === true;
}

/** @param {string} name */
function known(name) {
  return settings.aliases[name] ?? name;
}

/** @param {HTMLElement} frame @param {string} key nothing: it waits no more */
function frameWaits(frame, key) {
  if (!key) return standAside(frame);
  const always = () => wish({ [key]: true }, null);
  standIn(settings, tag.nonce, frame, key, { once: () => blocked?.once(frame), always });
}

/** A yes against the browser's signal first takes a second step. @param {Answers} answers @param {string | null} source */
function wish(answers, source) {
  if (signal && againstSignal(settings, counts, answers)) show(answers);
  else decide(answers, source);
}

/** What one press of the visitor means: only what it names. @param {Answers} answers @param {string | null} source */
function decide(answers, source) {
  /** @type {Answers} */
  const said = Object.create(null);
  for (const { key, needed } of settings.purposes) if (!needed && key in answers) said[key] = answers[key];
  if (Object.keys(said).length) write(said, howSaid(said), source);
  const { texts } = settings;
  shown(storage.kept ? texts.saved : (texts.not_stored ?? texts.saved));
}

/** The page as it should be now, and words about it. @param {string | undefined} words @param {string} [news] that nobody must miss */
function shown(words, news) {
  const reload = apply();
  draw();
  const { texts } = settings;
  if (reload) say([news, texts.reload].filter(Boolean).join(" "), texts.reload_button, () => location.reload());
  else if (news) say(news, texts.close);
  else say(question ? "" : words); // while other questions stand nothing is done yet
}

/** Into this browser's memory first, then to the server. @param {Answers} answers @param {string} how @param {string | null} source */
function write(answers, how, source) {
  fresh = storage.change((memory) => keep(memory, settings, answers, { how, source, signal, link: tag.link }));
  setTimeout(() => (fresh = undefined), 1_000); // long since read by every tab
  void deliver();
}

/** @param {Word} word @param {number} status @param {any} answer */
function settled(word, status, answer) {
  /** @type {string[]} */
  let denied = [];
  storage.change((memory) => (denied = heard(memory, settings, word, status, answer)));
  const news = denied.length > 0 && status === 200;
  if (!settings) return void (unlike ||= news);
  if (status === 409) void askAgain();
  else if (denied.length) shown("", news ? settings.texts.unlike : "");
  else if (word.how === "earlier") follow();
}

/** A no that its person said elsewhere reaches this browser too. */
async function look() {
  const before = storage.read();
  const standing = await fetchStanding(tag.base, before.device);
  const { device, at } = storage.read();
  if (!standing || device !== before.device || at !== before.at) return; // the visitor has said something meanwhile
  let changed = false;
  storage.change((memory) => (changed = stand(Object.assign(memory, { looked: Date.now() }), standing)));
  if (changed) shown("");
}

/** The texts that were answered are no longer in force: whoever says yes now must have seen the new ones. */
async function askAgain() {
  settings = await fetchSettings(tag.base, tag.language, true).catch(() => settings);
  choices?.close();
  question?.remove();
  question = null;
  for (const frame of all("iframe")) standAside(frame);
  say("");
  settle();
}

/** Another tab, or a later page of this one, has decided. */
function follow() {
  const { at } = fresh ?? {};
  if (at && storage.read().at < at) storage.change((memory) => Object.assign(memory, fresh));
  apply();
  draw();
}

function draw() {
  if (!ours) {
    ours = layer(settings, tag.nonce);
    say = notes(ours.dock);
  }
  const why = whyAsk(settings, law, storage.read(), signal, Date.now());
  if (Boolean(why) !== Boolean(question)) {
    question?.remove();
    question = why ? banner(settings, why, { accept: () => decide(every(true), null), refuse: () => decide(every(false), null), more: () => show() }) : null;
    if (question) ours.dock.prepend(question);
  }
  corner?.remove();
  corner = !why || settings.sells ? wayBack(settings, () => show()) : null;
  if (corner) ours.dock.append(corner);
}

/** @param {boolean} answer @returns {Answers} */
const every = (answer) => Object.fromEntries(settings.purposes.map(({ key }) => [key, answer]));

/** @param {Answers | null} [proposed] what waits for a second step */
function show(proposed = null) {
  if (!settings || !ours || choices?.open) return;
  const { answers: said, proof, queue } = storage.read();
  const from = /** @type {HTMLElement | null} */ (ours.shadow.activeElement) ?? focused();
  const mine = (choices = dialog(settings, { counts, said, law, signal, proof, waiting: queue.length > 0 }, proposed, (answers) => decide(answers, null)));
  mine.addEventListener("close", () => {
    mine.remove();
    (from?.isConnected ? from : corner)?.focus();
    emit("close", get());
  });
  ours.shadow.append(mine);
  mine.showModal();
  emit("open", get());
}

/** @param {Event} event */
function openFromPage(event) {
  if (!(event.target instanceof Element && event.target.closest("[data-choices]"))) return;
  event.preventDefault();
  show();
}

function get() {
  const { at, how, edition, signal: told, proof } = storage.read();
  const moment = at ? new Date(at).toISOString() : null;
  const { kept: stored } = storage;
  return { answers: { ...counts }, answered: at > 0, at: moment, how, edition, law, signal: told, stored, proof: proof || null, mode: tag.mode, ...(list && { found: list() }) };
}

/** The site's own page says it for the visitor. @param {Answers} answers */
function set(answers) {
  if (tag.mode) return;
  if (settings) wish(answersOf(answers), "site");
  else void ready.then(() => set(answers));
}

function reset() {
  if (tag.mode) return;
  storage.change((memory) => Object.assign(memory, { answers: {}, last: {}, edition: "", at: 0, how: "", signal: false, proof: "", linked: [], held: {}, looked: 0, carried: 0, tried: "", device: null }));
  if (settings) follow();
}
