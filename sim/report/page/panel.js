// The panel at the side: one message's life, as a diagram and in words.

function drawing(text) {
  const made = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  return made.nodeName === "svg" ? document.adoptNode(made) : null;
}

function stepRow([t, place, to, chinese, english, tone]) {
  const where = to && to !== place ? `${place} → ${to}` : place;
  return h("li", { class: tone === "bad" || tone === "good" ? tone : "" }, h("span", { class: "dim" }, clock(t, 1e3)), h("span", {}, where),
    h("span", { class: `what ${tone === "bad" || tone === "good" ? tone : ""}` }, zh() ? chinese : english));
}

function openPanel(m) {
  view.chosen = m;
  showTip([], 0, 0);
  const panel = document.getElementById("panel");
  const state = m.arrived >= 0 ? h("span", { class: "pill good" }, `${say("delivered")} ${span(m.latency)}`)
    : h("span", { class: "pill bad" }, m.accepted || !m.typed ? say("no_arrival") : say("not_accepted"));
  panel.replaceChildren(...[
    h("button", { class: "close", type: "button", onclick: closePanel }, say("close")),
    h("h2", {}, say("life"), " ", h("code", { class: "dim" }, m.id || m.key)),
    m.failing && h("p", { class: "bad" }, say("failing")),
    h("blockquote", { style: `border-color: var(--p${m.p})` }, m.text || say("unknown_text")),
    h("p", {}, h("span", { class: "pill", style: `color: var(--p${m.p})` }, precedenceName(m.p)), " ", state, " ",
      m.state && h("span", { class: "pill dim" }, word(m.state)), " ", m.bearer && h("span", { class: "pill dim" }, word(m.bearer)), " ",
      m.native && h("span", { class: "pill dim" }, say("native"))),
    h("p", {}, `${m.by} → ${m.whom || laneName(m.to) || "?"} · ${clock(m.t, 1e3)}`),
    (m.repeats > 0 || m.duplicates > 0) && h("p", { class: m.duplicates ? "bad" : "warn" }, `${say("repeats")} ${m.repeats} · ${say("duplicates")} ${m.duplicates}`),
    h("div", { class: "actions" }, h("button", { type: "button", onclick: () => timeline.reveal(m, true) }, say("zoom_to"))),
    m.svg && h("div", { class: "seqbox" }, drawing(m.svg)),
    h("h3", {}, say("steps")),
    h("ol", { class: "steps" }, m.steps.map(stepRow)),
    m.dropped > 0 && h("p", { class: "note" }, say("dropped", { n: m.dropped })),
  ].filter(Boolean));
  panel.hidden = false;
  panel.scrollTop = 0;
  timeline.repaint();
}

function closePanel() {
  document.getElementById("panel").hidden = true;
  timeline.repaint();
}

addEventListener("keydown", (event) => event.key === "Escape" && closePanel());
