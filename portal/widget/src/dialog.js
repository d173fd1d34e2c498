/**
 * One switch for each purpose. Closing it, by Esc too, says nothing; where the browser asks not to sell, a yes to that
 * takes a second step (11 CCR 7025(c)(3)).
 */

import { make } from "./dom.js";
import { link } from "./layer.js";
import { againstSignal } from "./signals.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {Record<string, boolean>} Answers */

/**
 * @param {Settings} settings
 * @param {{counts: Answers, said: Answers, law: string, signal: boolean, proof: string, waiting: boolean}} now
 * @param {Answers | null} proposed what already waits for the second step
 * @param {(answers: Answers) => void} save
 */
export function dialog(settings, now, proposed, save) {
  const { texts, links } = settings;
  const second = make("div", { class: "second" });
  const open = settings.purposes.filter((purpose) => !purpose.needed);
  /** @type {Record<string, HTMLInputElement>} */
  const boxes = Object.create(null);
  for (const [number, { key }] of open.entries()) boxes[key] = box(`p${number}`, proposed?.[key] ?? now.counts[key]);

  /** @param {(key: string) => boolean} say @param {(key: string) => boolean} [about] */
  function propose(say, about = () => true) {
    const answers = Object.fromEntries(open.filter(({ key }) => about(key)).map(({ key }) => [key, say(key)]));
    if (!now.signal || !againstSignal(settings, now.counts, answers)) return finish(answers);
    const yes = make("button", { type: "button", "aria-describedby": "again", onclick: () => finish(answers) }, texts.signal_yes ?? texts.save);
    second.replaceChildren(make("p", { class: "say", id: "again" }, texts.signal_again ?? texts.signal), yes);
    yes.focus();
  }

  /** Where the law lets things run unasked, a switch that was left alone says nothing. @param {string} key */
  const switched = (key) => now.law !== "opt-out" || key in now.said || boxes[key].checked !== now.counts[key];

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
        make("button", { type: "button", onclick: () => propose((key) => boxes[key].checked, switched) }, texts.save),
      ),
    ),
  );
  if (proposed) propose((key) => proposed[key], (key) => key in proposed);
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
