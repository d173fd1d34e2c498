// Checks a proof file (c2sp.org/tlog-proof@v1) alone: no network, no library, also when this page is opened from disk.
// As strict as portal/audit/receipts.py, which judges the same files alike (RFC 6962, c2sp.org/signed-note, Ed25519).
"use strict";
const FIRST_LINE = "c2sp.org/tlog-proof@v1", LONGEST = 65536, LONGEST_PROOF = 63, ED25519 = 1;
const LEAF = new RegExp('^\\{"c":"([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])",(?:"d":"([!#-\\[\\]-~]{1,200})",)?"e":"([a-z_]+\\.[a-z_]+)",' +
  '(?:"n":(0|[1-9][0-9]{0,18}),)?"t":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)","v":1\\}$');

// `word` names the sentence of the page that says what is wrong; `told` fills its blanks.
class Wrong extends Error {
  constructor(word, told = {}) {
    super(word);
    Object.assign(this, { word, told });
  }
}

// What the receipt proves, or what is wrong with it: problems [{word, told}], unchecked (a word: what this browser cannot do).
async function verify(text, keysText) {
  const report = { problems: [], unchecked: "" };
  if (!globalThis.crypto?.subtle) return { ...report, unchecked: "no-crypto" };
  let keys, parts;
  try {
    keys = await Promise.all(keysText.trim().split(/\s+/).map(readKey));
    parts = parse(text);
  } catch (problem) {
    return { ...report, problems: [told(problem)] };
  }
  report.index = parts.index;
  const trying = async (step) => {
    try { return await step(); } catch (problem) { report.problems.push(told(problem)); return null; }
  };
  const signed = await trying(() => readCheckpoint(parts.note));
  Object.assign(report, signed);
  await trying(async () => {
    const known = signed ? [...keys, ...await underName(keys, signed.origin)] : keys;
    report.unchecked = await checkSignature(parts.note, known, signed);
  });
  if (signed) await trying(() => checkPlace(parts, signed));
  await trying(() => checkContents(report, parts.extra));
  if (signed) report.belongs = belongs(signed.origin, keys);
  return report;
}

function told(problem) {
  return problem instanceof Wrong ? { word: problem.word, told: problem.told } : { word: "malformed", told: {} };
}

// `name+0123abcd+base64`: whose signatures count. Several: a log that had to be begun anew has a name for each part.
async function readKey(text) {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  if (!found) throw new Wrong("key-form");
  const material = decode64(found[3], "key-form");
  if (material.length !== 33 || material[0] !== ED25519) throw new Wrong("key-kind");
  const key = await keyOf(found[1], material.slice(1));
  if (key.id !== found[2]) throw new Wrong("key-id");
  return key;
}

async function keyOf(name, material) {
  const id = (await sha256(utf8(name + "\n"), [ED25519], material)).slice(0, 4);
  return { name, id: hex(id), public: material };
}

// As portal/audit/earlier.py: a log that follows another one (…/audit/1, …/audit/2) has its key.
async function underName(keys, origin) {
  const kin = keys.filter(({ name }) => name !== origin && isKin(name, origin));
  return Promise.all(kin.map(async (key) => ({ ...await keyOf(origin, key.public), given: key.name })));
}

// To which log of a portal a proof belongs, seen from the newest one whose key is known; null when it is that one.
function belongs(origin, keys) {
  const known = keys.map(({ name }) => name).filter((name) => isKin(name, origin));
  const now = known.reduce((newest, name) => numberOf(name) > numberOf(newest) ? name : newest, known[0] ?? origin);
  if (now === origin) return null;
  return { word: numberOf(origin) < numberOf(now) ? "belongs-before" : "belongs-later", told: { origin, now } };
}

function isKin(one, other) {
  const address = (name) => name.slice(0, Math.max(name.lastIndexOf("/"), 0));
  return address(one) === address(other) && numberOf(one) > 0 && numberOf(other) > 0;
}

function numberOf(origin) {
  const number = origin.slice(origin.lastIndexOf("/") + 1);
  return /^[0-9]{1,9}$/.test(number) ? Number(number) : 0;
}

function parse(text) {
  if (utf8(text).length > LONGEST) throw new Wrong("too-long");
  const end = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(end, 0)).split("\n");
  if (lines[0] !== FIRST_LINE) throw new Wrong("first-line", { line: FIRST_LINE });
  if (lines.length < 3 || !lines[1].startsWith("extra ") || !lines[2].startsWith("index ")) throw new Wrong("no-lines");
  if (lines.length - 3 > LONGEST_PROOF) throw new Wrong("too-many", { most: LONGEST_PROOF });
  const extra = readExtra(decode64(lines[1].slice("extra ".length)));
  const proof = lines.slice(3).map((line) => decode64(line));
  return { index: decimal(lines[2].slice("index ".length)), proof, extra, note: text.slice(end + 2) };
}

function readExtra(bytes) {
  const written = strictText(bytes), extra = JSON.parse(written);
  const texts = ["leaf", "salt", "statement"].map((name) => extra?.[name]);
  if (!texts.every((each) => typeof each === "string") || Object.keys(extra).length !== 3) throw new Wrong("no-lines");
  const [leaf, salt, statement] = texts;
  // Half of a surrogate pair has no UTF-8: what would be hashed is not what would be shown.
  if (JSON.stringify({ leaf, salt, statement }) !== written || texts.some((each) => strictText(utf8(each)) !== each)) throw new Wrong("extra-form");
  return { leaf, salt, statement };
}

function readCheckpoint(note) {
  const lines = noteParts(note).text.slice(0, -1).split("\n");
  if (lines.length < 3 || lines.some((line) => !line)) throw new Wrong("checkpoint-form");
  const [origin, size, root] = lines;
  const hashed = decode64(root);
  if (hashed.length !== 32) throw new Wrong("checkpoint-form");
  return { origin, size: decimal(size), root: hashed };
}

function noteParts(note) {
  if (utf8(note).length > LONGEST) throw new Wrong("too-long");
  if (/[\x00-\x09\x0b-\x1f]/.test(note)) throw new Wrong("control");
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || !note.endsWith("\n")) throw new Wrong("no-signature");
  return { text: note.slice(0, end + 1), signatures: note.slice(end + 2, -1).split("\n") };
}

// "" when one of the keys signed it; the word for what this browser lacks when nobody can tell; raises Wrong otherwise.
async function checkSignature(note, keys, signed) {
  const { text, signatures } = noteParts(note);
  const names = [];
  let unchecked = "";
  for (const line of signatures) {
    const found = /^— ((?:[^\s\x85+]|\ufeff)+) ([A-Za-z0-9+/=]+)$/.exec(line);
    if (!found) throw new Wrong("signature-form");
    const signature = decode64(found[2]);
    if (signature.length < 5) throw new Wrong("signature-form");
    const key = keys.find(({ name, id }) => found[1] === name && hex(signature.slice(0, 4)) === id);
    if (!key) continue;
    unchecked = await isSigned(key, utf8(text), signature.slice(4));
    names.push(key.name);
  }
  if (!names.length) throw new Wrong("stranger", { name: keys.filter(({ given }) => !given).map(({ name }) => name).join(", ") });
  if (signed && !names.includes(signed.origin)) throw new Wrong("other-log", { origin: signed.origin, name: names.join(", ") });
  return unchecked;
}

async function isSigned(key, text, signature) {
  let ed25519;
  try {
    ed25519 = await crypto.subtle.importKey("raw", key.public, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return "no-ed25519";
  }
  if (!await crypto.subtle.verify({ name: "Ed25519" }, ed25519, signature, text)) throw new Wrong("signature", { name: key.name });
  return "";
}

// RFC 9162 section 2.1.3.2, in BigInt: a log may outgrow what a number of JavaScript holds.
async function checkPlace({ index, proof, extra }, { size, root }) {
  const wrong = (word) => new Wrong(word, { index, size });
  if (index >= size) throw wrong("no-entry");
  if (proof.some((hashed) => hashed.length !== 32)) throw wrong("hash-length");
  let position = index, last = size - 1n, computed = await sha256([0], utf8(extra.leaf));
  for (const sibling of proof) {
    if (last === 0n) throw wrong("proof-long");
    if (position & 1n || position === last) {
      computed = await sha256([1], sibling, computed);
      while (!(position & 1n) && position) [position, last] = [position >> 1n, last >> 1n];
    } else computed = await sha256([1], computed, sibling);
    [position, last] = [position >> 1n, last >> 1n];
  }
  if (last) throw wrong("proof-short");
  if (hex(computed) !== hex(root)) throw wrong("other-root");
}

async function checkContents(report, extra) {
  const leaf = LEAF.exec(extra.leaf);
  if (!leaf) throw new Wrong("leaf-form");
  const salt = decode64url(extra.salt);
  let statement;
  try { statement = JSON.parse(extra.statement, asWritten); } catch { throw new Wrong("leaf-form"); }
  if (salt.length !== 32) throw new Wrong("contents");
  const key = await crypto.subtle.importKey("raw", salt, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  if (!await crypto.subtle.verify("HMAC", key, decode64url(leaf[1]), utf8(extra.statement))) throw new Wrong("contents");
  if (statement === null || typeof statement !== "object" || statement.event !== leaf[3]) throw new Wrong("event");
  Object.assign(report, { event: leaf[3], time: leaf[5], statement });
}

// Numbers are shown as they were written, however long.
function asWritten(_name, value, context) {
  return typeof value === "number" && context?.source ? context.source : value;
}

function decimal(text) {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(text)) throw new Wrong("decimal", { number: text.slice(0, 40) });
  return BigInt(text);
}

function decode64(text, word = "base64") {
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Wrong(word);
  let raw;
  try { raw = atob(text); } catch { throw new Wrong(word); }
  if (btoa(raw) !== text) throw new Wrong(word);
  return Uint8Array.from(raw, (each) => each.charCodeAt(0));
}

function decode64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Wrong("leaf-form");
  const plain = text.replaceAll("-", "+").replaceAll("_", "/");
  return decode64(plain + "=".repeat((4 - plain.length % 4) % 4), "leaf-form");
}

// No byte order mark is swallowed and no wrong byte replaced.
function strictText(bytes) {
  try { return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes); } catch { throw new Wrong("not-text"); }
}

function utf8(text) { return new TextEncoder().encode(text); }

function hex(bytes) { return Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join(""); }

async function sha256(...parts) {
  const joined = new Uint8Array(parts.reduce((length, each) => length + each.length, 0));
  parts.reduce((at, each) => { joined.set(each, at); return at + each.length; }, 0);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
}
