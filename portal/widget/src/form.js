/**
 * `<privacy-choice purpose="newsletter">` in a form of the site: the words in force and a box that is never ticked, posted
 * with the form together with the server's signed note of which words were shown. Where the site's backend has already put
 * them there, they stay. Without words there is no box, and so no yes.
 */

import { all, make, root, runningScript } from "./dom.js";
import { clean, text } from "./settings.js";

const script = runningScript();

class PrivacyChoice extends HTMLElement {
  connectedCallback() {
    if (!this.querySelector("input")) void this.fill();
  }

  async fill() {
    const purpose = text(this.getAttribute("purpose"));
    const tag = script?.dataset?.site ? script : /** @type {HTMLScriptElement} */ (all("script[data-site][src]")[0]);
    const site = this.getAttribute("site") ?? tag?.dataset.site;
    if (!purpose || !site) return;
    const base = this.getAttribute("origin") ?? tag?.dataset.origin ?? tag?.src.split("/w/v1/")[0] ?? "";
    const language = this.lang || tag?.dataset.lang || root().lang || navigator.language;
    const address = `${base}/w/v1/${encodeURIComponent(site)}/form/${encodeURIComponent(purpose)}?lang=${encodeURIComponent(language)}`;
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      this.show(purpose, clean(await answer.json()));
    } catch {
      addEventListener("online", () => this.connectedCallback(), { once: true });
    }
  }

  /** @param {string} purpose @param {any} words */
  show(purpose, words) {
    if (!text(words?.token) || !text(words.text) || this.querySelector("input")) return;
    const box = make("input", { type: "checkbox", name: `privacy-choice-${purpose}`, value: "yes", autocomplete: "off" });
    this.replaceChildren(
      make("label", { lang: text(words.language) }, box, " ", words.text),
      make("input", { type: "hidden", name: "privacy-choice", value: words.token }),
    );
  }
}

if (!customElements.get("privacy-choice")) customElements.define("privacy-choice", PrivacyChoice);
