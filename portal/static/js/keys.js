// Keys for an officer's lists. They only press what is on the page: rows' links and boxes, and whatever names its [data-key].
// Single letters can be switched off (WCAG 2.2, 2.1.4); this browser remembers it.
(() => {
  const OFF = "keys-off", box = document.querySelector("[data-keys]");
  const rows = [...document.querySelectorAll("table.ledger tbody tr")].filter((row) => row.querySelector(".main a"));
  const tickOf = (row) => row?.querySelector("[type=checkbox]");
  const here = () => rows.findIndex((row) => row.contains(document.activeElement));
  const off = () => localStorage.getItem(OFF) === "1";
  let from = -1;

  function count() {
    const chosen = document.querySelector("[data-chosen]");
    if (chosen) chosen.textContent = rows.filter((row) => tickOf(row)?.checked).length;
  }

  function move(step) {
    const next = Math.min(rows.length - 1, Math.max(0, here() + step));
    rows[next]?.querySelector(".main a").focus();
  }

  function tick() {
    const one = tickOf(rows[here()]);
    if (one) one.checked = !one.checked;
    from = here();
    count();
  }

  function tickUpToHere() {
    const to = here(), first = from < 0 ? to : from;
    for (const row of rows.slice(Math.min(first, to), Math.max(first, to) + 1)) if (tickOf(row)) tickOf(row).checked = true;
    count();
  }

  function tickAll() {
    const all = rows.map(tickOf).filter(Boolean), wanted = !all.every((each) => each.checked);
    for (const each of all) each.checked = wanted;
    count();
  }

  const acts = { j: () => move(1), k: () => move(here() < 0 ? 1 : -1), x: tick, X: tickUpToHere, a: tickAll };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input:not([type=checkbox]), select, textarea");
    if (off() || typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key === "x") return;
    const pressed = rows.length && acts[event.key];
    const named = !pressed && [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === event.key);
    if (!pressed && !named) return;
    event.preventDefault();
    if (pressed) pressed(); else named.click();
  });
  document.addEventListener("change", () => setTimeout(count));

  if (box) {
    box.checked = !off();
    box.addEventListener("change", () => { if (box.checked) localStorage.removeItem(OFF); else localStorage.setItem(OFF, "1"); });
    document.querySelectorAll("[data-needs-keys]").forEach((each) => { each.hidden = false; });
  }
  count();
})();
