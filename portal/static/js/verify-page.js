// The page around verify.js: takes a file, and says in plain words what it proves or what is wrong with it.
(() => {
  const at = (id) => document.getElementById(id);
  const { words, events, names, actors, values } = JSON.parse(document.body.dataset.words);
  const fill = (word, blanks = {}) => (words[word] ?? word).replace(/%\((\w+)\)s/g, (_all, name) => String(blanks[name] ?? ""));
  let chosen = null;

  async function check() {
    if (!chosen) return;
    let report;
    try {
      if (chosen.size > LONGEST) throw new Wrong("too-long");
      report = await verify(strictText(new Uint8Array(await chosen.arrayBuffer())), at("key").value);
    } catch (problem) {
      report = { problems: [told(problem)], unchecked: "" };
    }
    show(report, chosen.name);
  }

  function show(report, name) {
    const kind = report.problems.length ? "bad" : report.unchecked ? "warn" : "good";
    const said = element("div", "notice " + kind);
    said.append(element("h2", "", fill(kind)), element("p", "small", name));
    if (report.problems.length) {
      const list = element("ul");
      list.append(...report.problems.map((each) => element("li", "", fill(each.word, each.told))));
      said.append(list);
    } else said.append(element("p", "", fill(report.unchecked || "unchanged")));
    if (kind === "good" && report.belongs) said.append(element("p", "", fill(report.belongs.word, report.belongs.told)));
    at("result").replaceChildren(said);
    // What a wrong proof claims is not shown: it would be read as if it were true.
    at("facts").replaceChildren(...(report.problems.length || !report.statement ? [] : [facts(report)]));
    said.scrollIntoView({ block: "nearest" });
  }

  function facts(report) {
    const { statement } = report, said = { ...statement.payload }, actor = String(statement.actor);
    const main = [["happened", events[report.event] ?? report.event]];
    for (const name of ["purpose", "channel", "answer", "address", "edition", "text_sha256"]) {
      main.push([name, values[name]?.[said[name]] ?? said[name]]);
      delete said[name];
    }
    main.push(["at", moment(statement.at)], ["entered", moment(report.time)], ["by", actors[actor.split(":")[0]] ?? actor]);
    main.push(["place", fill("place", report)], ["signed", report.unchecked ? "" : report.origin]);
    const rest = element("details", "more");
    rest.append(element("summary", "", fill("rest")), list([...Object.entries(said), ["about", statement.object]]));
    const all = element("div");
    all.append(list(main), rest);
    return all;
  }

  function list(pairs) {
    const made = element("dl", "facts");
    for (const [name, value] of pairs.filter(([, each]) => each !== undefined && each !== "")) {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      made.append(element("dt", "", names[name] ?? name), element("dd", "", text));
    }
    return made;
  }

  function moment(text) {
    const when = new Date(text);
    if (Number.isNaN(when.getTime())) return String(text);
    const shown = { dateStyle: "long", timeStyle: "medium", timeZone: "UTC" };
    return `${when.toLocaleString(document.documentElement.lang, shown)} (UTC)`;
  }

  function element(tag, style = "", text = "") {
    const made = document.createElement(tag);
    made.className = style;
    made.textContent = text;
    return made;
  }

  const take = (file) => { if (file) { chosen = file; check(); } };
  at("file").addEventListener("change", ({ target }) => take(target.files[0]));
  at("file").addEventListener("click", ({ target }) => { target.value = ""; });  // the same file again, changed meanwhile
  at("key").addEventListener("change", check);
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      at("drop").classList.toggle("over", name === "dragover");
      if (name === "drop") take(event.dataTransfer.files[0]);
    });
  }
  at("work").hidden = false;
  if (location.protocol === "file:") at("keep").remove();
})();
