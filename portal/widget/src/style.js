/**
 * How it looks. Sizes go by the visitor's own letter size (`medium`), not by the page's. One rule for all buttons: whoever
 * may choose colours cannot make one answer louder than the other.
 */

import { make } from "./dom.js";

const CSS = `
:host{all:initial!important}
:host([hidden]),[hidden]{display:none!important}
.ui,dialog{font:400 medium/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans","Noto Sans Thai","Noto Naskh Arabic",Arial,sans-serif;color:var(--ink);text-align:start;--line:rgba(128,128,128,.45)}
.ui{font-size:.9375em}
.dock{position:fixed;z-index:2147483647;inset:0;display:flex;flex-direction:column;justify-content:end;align-items:start;gap:8px;padding:8px;padding-block-end:max(8px,env(safe-area-inset-bottom));pointer-events:none}
.dock>*{pointer-events:auto;box-sizing:border-box}
.card,.note,.open,dialog{background:var(--surface);color:var(--ink);border:1px solid var(--line);border-radius:var(--radius);box-shadow:0 4px 24px rgba(0,0,0,.18)}
.card{inline-size:min(28em,100%);max-block-size:min(40vh,24em);display:flex;flex-direction:column;padding:16px;gap:12px}
.words{overflow:auto;min-block-size:0}
h2{font-size:1.0625em;line-height:1.3;margin:0 0 4px;outline:0}
p{margin:0;overflow-wrap:anywhere}
.row{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:8px;flex:none}
button{font:inherit;font-weight:600;line-height:1.2;color:var(--on);background:var(--accent);border:1px solid var(--rim);border-radius:var(--radius);padding:8px 6px;min-block-size:44px;margin:0;cursor:pointer;overflow-wrap:anywhere}
button:hover{text-decoration:underline;text-underline-offset:3px}
:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
a{color:inherit;text-underline-offset:3px;display:inline-block;padding-block:2px;min-block-size:24px;box-sizing:border-box}
a:focus-visible{border-radius:2px}
.open,.x{background:var(--surface);color:var(--ink);border-color:var(--line);font-weight:400;font-size:.875em;padding:4px 12px;min-block-size:32px;display:inline-flex;align-items:center;gap:8px}
.open{box-shadow:0 1px 6px rgba(0,0,0,.15)}
svg{inline-size:30px;block-size:14px;flex:none}
.note{padding:12px 16px;display:flex;flex-wrap:wrap;gap:8px 16px;align-items:center;max-inline-size:min(34em,100%)}
.note:empty{display:none}
.note button{padding-inline:16px}
dialog{box-sizing:border-box;inline-size:min(38em,100% - 16px);max-block-size:min(90vh,46em);padding:0;margin:auto;overflow:hidden}
dialog[open]{display:flex;flex-direction:column}
dialog::backdrop{background:rgba(0,0,0,.55)}
.top{display:flex;align-items:start;justify-content:space-between;gap:16px;padding:20px 20px 8px;flex:none}
.top h2{font-size:1.25em;margin:0;align-self:center}
.x{border-color:var(--line);font-size:.9375em;flex:none;min-block-size:36px}
.list{overflow:auto;min-block-size:0;padding:0 20px 12px}
.list>p{margin-block-end:12px}
ul{list-style:none;margin:0;padding:0}
li{padding-block:14px;border-block-start:1px solid var(--line)}
li label,li .name{display:flex;justify-content:space-between;align-items:center;gap:16px;font-weight:600;min-block-size:28px}
li label{cursor:pointer}
li p{font-size:.9375em;padding-inline-end:60px}
.links{display:flex;flex-wrap:wrap;gap:4px 20px;padding-block-start:12px;border-block-start:1px solid var(--line);font-size:.9375em}
.foot{padding:12px 20px 20px;border-block-start:1px solid var(--line);display:grid;gap:12px;flex:none}
.say{border-inline-start:4px solid var(--ink);padding-inline-start:12px}
.second{display:grid;gap:8px}
.second:empty{display:none}
.done{font-weight:600}
input{appearance:none;flex:none;box-sizing:border-box;inline-size:46px;block-size:26px;margin:0;border:2px solid var(--ink);border-radius:13px;background:transparent;position:relative;cursor:pointer}
input::before{content:"";position:absolute;inset-block-start:3px;inset-inline-start:3px;inline-size:16px;block-size:16px;border-radius:8px;background:var(--ink)}
input:checked{background:var(--accent)}
input:checked::before{inset-inline-start:23px;background:var(--on)}
.place{display:inline-block;overflow:hidden;max-inline-size:100%}
.embed{box-sizing:border-box;block-size:100%;display:flex;flex-direction:column;align-items:center;justify-content:center;gap:12px;padding:16px;overflow:auto;background:var(--surface);border:1px solid var(--line);border-radius:var(--radius);text-align:center}
.embed div{display:flex;flex-wrap:wrap;gap:8px;justify-content:center}
.embed button{padding-inline:16px}
:lang(th),:lang(ar){line-height:1.7}
:lang(th) button,:lang(ar) button,:lang(th) h2{line-height:1.45}
@media(min-width:640px){.dock{padding:24px;padding-block-end:max(24px,env(safe-area-inset-bottom))}.card{padding:20px}}
@media(max-width:400px){.card{padding:12px;gap:8px;font-size:.9375em}.foot{padding:8px 12px 12px}.top{padding:12px 12px 8px}.list{padding-inline:12px}li p{padding-inline-end:0}}
@media(max-height:480px){.card{max-block-size:80vh}dialog{max-block-size:98vh}}
@media(prefers-reduced-motion:no-preference){input::before{transition:inset-inline-start .12s}}
@media(forced-colors:active){input{appearance:auto}}
@media print{:host{display:none!important}}`;

const DARK = "--surface:#1c1f22;--ink:#eef0f2;--rim:rgba(255,255,255,.45)";
const COLOUR = /^#[0-9a-f]{3,8}$/i;
const RADIUS = /^\d{1,2}(px|rem)$/;

/** @type {CSSStyleSheet | undefined} */
let sheet;

/**
 * Gives a shadow root its style; no style element and no style attribute, so that a strict policy has nothing to refuse.
 * @param {ShadowRoot} shadow @param {Record<string, string>} theme @param {string} nonce for browsers that know no sheets of this kind
 */
export function dress(shadow, theme, nonce) {
  const css = `:host{${tokens(theme)}}@media(prefers-color-scheme:dark){:host{${DARK}}}${CSS}`;
  try {
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
    }
    shadow.adoptedStyleSheets = [sheet];
  } catch {
    const style = make("style", {}, css);
    style.nonce = nonce;
    shadow.append(style);
  }
}

/** @param {Record<string, string>} theme */
function tokens(theme) {
  /** @param {string} name @param {string} otherwise */
  const colour = (name, otherwise) => (COLOUR.test(theme[name] ?? "") ? theme[name] : otherwise);
  const radius = RADIUS.test(theme.radius ?? "") ? theme.radius : "8px";
  const brand = `--accent:${colour("accent", "#0f4f43")};--on:${colour("on_accent", "#fff")};--rim:var(--accent);--radius:${radius}`;
  return `${brand};--surface:${colour("surface", "#fff")};--ink:${colour("ink", "#17211d")}`;
}
