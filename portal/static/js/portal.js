// What a page gains when scripts run; every form and link works without it.
(() => {
  const on = (name, act) => document.addEventListener(name, act);
  const within = (root, selector) => root.matches?.(selector) ? root : root.querySelector?.(selector);
  // Says a sentence to screen readers; `shown`: to everybody.
  const say = (sentence, shown = false) => {
    const line = document.getElementById("spoken");
    if (!line) return;
    line.classList.toggle("shown", shown);
    line.textContent = "";
    setTimeout(() => { line.textContent = sentence || line.dataset.failed; }, 50);
  };

  // After a full load: the summary of errors, or what was just done, takes the focus.
  document.querySelector("[data-focus]")?.focus();

  // A whole page (an error, a sign-in) takes the whole body; a bare refusal is said and changes nothing.
  on("htmx:after:request", (event) => {
    const { ctx } = event.detail, text = ctx.text.trim();
    if (/^<!doctype/i.test(text)) Object.assign(ctx.hx, { retarget: "body", reswap: "innerHTML show:top" });
    else if (ctx.response.status >= 400 && text[0] !== "<") {
      event.preventDefault();
      say(text, true);
    }
  });

  // After a part was replaced: say what changed; keep the keyboard's place if its button has gone.
  on("htmx:after:swap", ({ target }) => {
    const told = within(target, "[data-say]");
    if (told) say(told.dataset.say);
    if (document.activeElement !== document.body) return;
    const next = within(target, "[data-focus]") || within(target, "h1") || target;
    if (next.tabIndex < 0) next.tabIndex = -1;
    next.focus({ preventScroll: true });
  });

  // The server was not reached: a click must never look saved.
  on("htmx:error", () => say("", true));

  // What is shown once is there to be copied: going there marks all of it.
  on("focusin", ({ target }) => { if (target.matches("input[readonly]")) target.select(); });

  // Officers: one box ticks all boxes of its table.
  on("change", ({ target }) => {
    if (!target.matches("[data-all]")) return;
    for (const box of target.closest("table").querySelectorAll("tbody [type=checkbox]")) box.checked = target.checked;
  });
})();
