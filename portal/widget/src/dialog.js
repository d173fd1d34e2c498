/**
 * One switch for each purpose. Closing it, by Esc too, says nothing; where the browser asks not to sell, a yes to that
 * takes a second step (11 CCR 7025(c)(3)).
 */

import { make } from "./dom.js";
import { link } from "./layer.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {Record<string, boolean>} Answers */

/**
 * @param {Settings} settings
 * @param {{counts: Answers, signal: boolean, proof: string, waiting: boolean}} now
 * @param {(answers: Answers) => void} save
 */
export function dialog(settings, now, save) {
  const { texts, links } = settings;
  const second = make("div", { class: "second" });
  const open = settings.purposes.filter((purpose) => !purpose.needed);
  /** @type {Record<string, HTMLInputElement>} */
  const boxes = Object.create(null);
  for (const [number, { key }] of open.entries()) boxes[key] = box(`p${number}`, now.counts[key]);

  /** @param {(key: string) => boolean} say */
  function propose(say) {
    /** @type {Answers} */
    const answers = Object.create(null);
    for (const { key } of open) answers[key] = say(key);
    const against = now.signal && open.some(({ key, signal }) => signal && answers[key] && !now.counts[key]);
    if (!against) return finish(answers);
    const yes = make("button", { type: "button", "aria-describedby": "again", onclick: () => finish(answers) }, texts.signal_yes ?? texts.save);
    second.replaceChildren(make("p", { class: "say", id: "again" }, texts.signal_again ?? texts.signal), yes);
    yes.focus();
  }

  /** @param {Answers} answers */
  function finish(answers) {
    window.close();
    save(answers);
  }

  const window = make(
    "dialog",
    { class: "ui", "aria-labelledby": "d" },
    make(
      "div",
      { class: "top" },
      make("h2", { id: "d", tabindex: "-1", autofocus: true }, texts.title),
      make("button", { type: "button", class: "x", onclick: () => window.close() }, texts.close),
    ),
    make(
      "div",
      { class: "list" },
      make("p", {}, texts.body),
      now.signal && make("p", { class: "say" }, texts.signal, " ", make("span", { class: "done" }, texts.signal_done)),
      now.waiting && make("p", { class: "say" }, texts.waiting),
      make("ul", {}, ...settings.purposes.map((purpose) => row(purpose, boxes[purpose.key], texts))),
      make(
        "div",
        { class: "links" },
        link(links.policy, texts.policy),
        link(links.centre, texts.centre),
        link(/^https?:/.test(now.proof) ? now.proof : "", texts.proof),
      ),
    ),
    make(
      "div",
      { class: "foot" },
      second,
      make(
        "div",
        { class: "row" },
        make("button", { type: "button", onclick: () => propose(() => false) }, texts.refuse),
        make("button", { type: "button", onclick: () => propose(() => true) }, texts.accept),
        make("button", { type: "button", onclick: () => propose((key) => boxes[key].checked) }, texts.save),
      ),
    ),
  );
  return window;
}

/** @param {string} id @param {boolean} on */
function box(id, on) {
  const input = make("input", { type: "checkbox", role: "switch", id, "aria-describedby": `${id}w` });
  input.checked = on;
  return input;
}

/** @param {import("./settings.js").Purpose} purpose @param {HTMLInputElement | undefined} input @param {Record<string, string>} texts */
function row(purpose, input, texts) {
  const name = input
    ? make("label", { for: input.id }, purpose.title, input)
    : make("div", { class: "name" }, purpose.title);
  const goes = purpose.recipients.length && texts.recipients?.replace("{names}", () => purpose.recipients.join(", "));
  return make("li", {}, name, make("p", input ? { id: `${input.id}w` } : {}, purpose.what), goes ? make("p", {}, goes) : false, !input && make("p", { class: "always" }, texts.always));
}
