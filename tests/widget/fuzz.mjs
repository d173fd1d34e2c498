/** Ten thousand poisoned settings, as a hostile server could send them, read by the script's own reader (path given). */

const [{ clean, readSettings }, { answersOf }] = await Promise.all(process.argv.slice(2).map((path) => import(path)));
const REFUSED = ["__proto__", "constructor", "prototype"];
const NAMES = [...REFUSED, "purposes", "texts", "law", "clears", "key", "theme", "aliases", "toString", "x"];
const KINDS = [Object, Array, Function];

let state = 7;
const chance = (n) => (state = (state * 48271) % 2147483647) % n;

/** JSON, as text: an object made here could not carry the name `__proto__`. */
function made(depth) {
  const kind = chance(depth > 5 ? 4 : 8);
  if (kind < 4) return ['"text"', "7", "null", "true"][kind];
  if (kind === 4) return `[${Array.from({ length: chance(4) }, () => made(depth + 1))}]`;
  return `{${Array.from({ length: chance(5) + 1 }, () => `"${NAMES[chance(NAMES.length)]}":${made(depth + 1)}`)}}`;
}

let looked = 0;
function look(value) {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    if (REFUSED.includes(key)) throw new Error(`${key} was kept`);
    looked++;
    look(value[key]);
  }
}

const prototypes = () => JSON.stringify(KINDS.map((kind) => Reflect.ownKeys(kind.prototype).map(String)));
const before = prototypes();
for (let turn = 0; turn < 10_000; turn++) {
  const given = JSON.parse(made(0));
  for (const read of [clean(given), readSettings(given), answersOf(clean(given))]) look(read);
}
if (looked < 100_000) throw new Error("Nothing deep was made.");
if (prototypes() !== before) throw new Error("A prototype was changed.");
console.log("clean");
