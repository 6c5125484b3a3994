// Tables: expectations, messages, faults, metrics, rare paths.

const ROWS_FIRST = 60;

function grown(rows, head, draw) {
  const body = h("tbody", {});
  const button = h("button", { class: "more", type: "button" });
  let shown = 0;
  const more = () => {
    for (const row of rows.slice(shown, shown + (shown ? 400 : ROWS_FIRST))) body.append(draw(row));
    shown = Math.min(rows.length, shown + (shown ? 400 : ROWS_FIRST));
    button.hidden = shown >= rows.length;
    button.textContent = `${say("more", { n: Math.min(400, rows.length - shown) })} (${say("shown_of", { n: shown, all: rows.length })})`;
  };
  button.addEventListener("click", more);
  more();
  return [h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, head.map(([key, kind]) => h("th", { class: kind }, say(key))))), body)), button];
}

function expectationSection() {
  const rows = DATA.meta.expectations;
  const head = [["result"], ["rule"], ["name"], ["demanded"], ["found"], ["detail"]];
  const draw = ([rule, name, holds, limit, found, detail]) => h("tr", { class: holds ? "" : "failed" },
    h("td", {}, h("span", { class: `pill ${holds ? "good" : "bad"}` }, say(holds ? "held" : "not_held"))),
    h("td", {}, sayOr("rule_", rule)), h("td", { class: "text" }, plain(name)), h("td", {}, limit), h("td", {}, found), h("td", { class: "text" }, detail));
  const body = rows.length ? grown([...rows].sort((a, b) => a[2] - b[2]), head, draw) : h("p", { class: "note" }, say("unjudged"));
  return h("section", { class: "long" }, h("div", { class: "title" }, h("h2", {}, say("expectations"))), body);
}

function messageSection() {
  const head = [["when"], ["precedences"], ["from"], ["to"], ["text"], ["took", "num"], ["bearer"], ["state"]];
  const draw = (m) => h("tr", { class: `click ${m.arrived < 0 && m.accepted ? "failed" : ""}`, onclick: () => openPanel(m) },
    h("td", { class: "when" }, clock(m.t)), h("td", {}, h("span", { class: "pill", style: `color: var(--p${m.p})` }, precedenceName(m.p))),
    h("td", { class: "when" }, m.by), h("td", { class: "when" }, m.whom || laneName(m.to)),
    h("td", { class: "text" }, h("button", { class: "plain", type: "button" }, m.text || say("unknown_text"))),
    h("td", { class: "num" }, m.arrived < 0 ? h("b", { class: "bad" }, "×") : span(m.latency)), h("td", {}, m.bearer && word(m.bearer)),
    h("td", {}, m.state ? word(m.state) : m.arrived >= 0 ? word("delivered") : m.accepted ? say("no_arrival") : say("not_accepted")));
  return h("section", { class: "long" }, h("div", { class: "title" }, h("h2", {}, say("messages"))), grown([...DATA.messages.filter((m) => m.typed), ...DATA.messages.filter((m) => !m.typed)], head, draw));
}

function faultSection() {
  if (!DATA.faults.length) return null;
  const head = [["when"], ["length", "num"], ["fault"], ["target"], ["cause"]];
  const draw = (f) => h("tr", { class: "click", onclick: () => timeline.goto(f.t, f.to) },
    h("td", { class: "when" }, clock(f.t, 1e5)), h("td", { class: "num" }, f.end < 0 ? say("until_end") : span((f.to - f.t) / 1e6)),
    h("td", {}, h("button", { class: "plain", type: "button" }, faultWord(f.name))), h("td", { class: "text" }, f.target), h("td", { class: "text" }, sayOr("cause_", f.cause) || "–"));
  return h("section", { class: "long" }, h("div", { class: "title" }, h("h2", {}, say("faults_title")), h("span", { class: "note" }, DATA.faults.length)),
    grown(DATA.faults, head, draw));
}

function metricSection() {
  const rows = Object.entries(DATA.meta.metrics);
  if (!rows.length) return null;
  return h("section", {}, h("div", { class: "title" }, h("h2", {}, say("metrics"))),
    h("div", { class: "scroll" }, h("table", {}, h("tbody", {}, rows.map(([name, value]) => h("tr", {}, h("td", { class: "text" }, h("code", {}, name)), h("td", { class: "num" }, figure(value))))))));
}

function probeSection() {
  const { reached, missed, of } = DATA.probes;
  const hits = Object.entries(reached);
  if (!of && !hits.length) return null;
  const verdict = !of ? say("probes_none") : missed.length ? say("probes_missed", { n: missed.length, of }) : say("probes_all", { of });
  return h("section", {}, h("div", { class: "title" }, h("h2", {}, say("probes"))),
    h("p", { class: missed.length ? "bad" : "" }, verdict),
    missed.length > 0 && h("p", { class: "names" }, missed.map((name) => h("code", { class: "bad" }, name))),
    hits.length > 0 && h("p", { class: "note more" }, say("probes_hit")),
    hits.length > 0 && h("p", { class: "names" }, hits.map(([name, n]) => h("code", {}, `${name} ×${n}`))));
}
