/**
 * The first question. Three buttons of one size and one contrast, the refusal first; nothing happens until one is pressed,
 * and nothing holds the visitor back from the page.
 */

import { make } from "./dom.js";
import { link } from "./layer.js";

/** @typedef {import("./settings.js").Settings} Settings */

/**
 * @param {Settings} settings @param {string} why "first", "changed" or "again"
 * @param {{accept: () => void, refuse: () => void, more: () => void}} then
 */
export function banner(settings, why, then) {
  const { texts, links } = settings;
  const words = make(
    "div",
    { class: "words" },
    make("h2", { id: "t" }, texts.title),
    why === "changed" && settings.changed && make("p", { class: "done" }, texts.changed?.replace("{what}", () => settings.changed) ?? settings.changed),
    make("p", { id: "b" }, texts.body),
  );
  const answers = make(
    "div",
    { class: "row" },
    make("button", { type: "button", onclick: then.refuse }, texts.refuse),
    make("button", { type: "button", onclick: then.accept }, texts.accept),
    make("button", { type: "button", onclick: then.more, "aria-haspopup": "dialog" }, texts.more),
  );
  return make("section", { class: "card", "aria-labelledby": "t", "aria-describedby": "b" }, words, answers, link(links.policy, texts.policy));
}
