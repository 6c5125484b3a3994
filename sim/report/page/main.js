// The page: head with the verdict, then timeline, charts, tables; drawn again when language or theme change.

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  readInk();
  timeline.repaint();
}

const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function verdict() {
  const { holds } = DATA.meta;
  const unmet = DATA.meta.expectations.filter((one) => !one[2]);
  const promises = [...new Set(DATA.broken.map((one) => one[2]).filter(Boolean))];
  const names = promises.length ? promises : unmet.map((one) => plain(one[1]));
  const judged = DATA.meta.expectations.length > 0 || DATA.broken.length > 0;
  const said = !judged ? say("unjudged") : holds ? say("holds") : promises.length ? say("broken") : say("unmet");
  return [h("div", { class: `verdict ${!judged ? "dim" : holds ? "good" : "bad"}` }, h("span", { class: "mark", "aria-hidden": "true" }, !judged ? "–" : holds ? "✓" : "✗"),
    h("strong", {}, said), !holds && h("span", {}, names.slice(0, 6).join(zh() ? "、" : ", "))),
    DATA.broken.length > 0 && h("ul", { class: "broken" }, DATA.broken.slice(0, 5).map(([lane, t, promise, detail]) => h("li", {},
      h("button", { class: "plain", type: "button", onclick: () => timeline.goto(t - 2e7, t + 2e7) }, `${clock(t, 1e3)} ${promise}`), " ", laneName(lane), " ", detail)))];
}

function head() {
  const { meta } = DATA;
  const failing = DATA.messages.find((m) => m.failing);
  const main = zh() ? meta.title_zh : meta.title_en;
  const other = zh() ? meta.title_en : meta.title_zh;
  const links = DATA.lanes.reduce((sum, lane) => sum + lane.links.length, 0);
  const people = DATA.lanes.filter((lane) => !lane.links.length).length;
  const facts = [["seed", meta.seed], ["trace", meta.trace], ["duration", clock(meta.duration)], ["version", meta.version],
    ["nodes", `${DATA.lanes.length - people} · ${say("links_n", { n: links })}${people ? ` · ${say("people", { n: people })}` : ""}`]];
  const copy = (event) => {
    const button = event.currentTarget;
    navigator.clipboard?.writeText(meta.replay).then(() => { button.textContent = say("copied"); }, () => {});
  };
  return h("header", {}, verdict(),
    h("div", { class: "top" }, h("div", { class: "grow" }, h("h1", {}, main), h("p", { class: "sub" }, other, " ", h("code", {}, meta.scenario)),
      h("dl", { class: "facts" }, facts.map(([key, value]) => h("div", {}, h("dt", {}, say(key)), h("dd", {}, value)))),
      meta.replay && h("div", { class: "replay" }, h("span", { class: "dim" }, say("replay")), h("code", {}, meta.replay), h("button", { type: "button", onclick: copy }, say("copy"))),
      failing && h("p", { class: "more" }, h("button", { type: "button", onclick: () => { timeline.reveal(failing, true); openPanel(failing); } }, `${say("failing")} → ${(failing.text || failing.key).slice(0, 40)}`))),
      h("div", { class: "tools" }, h("button", { type: "button", onclick: () => { settings.lang = zh() ? "en" : "zh"; render(); } }, say("language")),
        h("button", { type: "button", onclick: () => setTheme(isDark() ? "light" : "dark") }, say("theme")),
        h("button", { type: "button", onclick: () => print() }, say("print")))),
    tiles());
}

function tiles() {
  const c = counted;
  const lost = c.accepted - c.delivered;
  const calls = DATA.charts.roll_calls.filter((call) => call.points.length);
  const last = calls.at(-1)?.points.at(-1)[1] ?? {};
  const sum = (states) => states.reduce((all, state) => all + (last[state] ?? 0), 0);
  const present = sum(["answered", "late", "relayed", "substitute"]);
  const asked = Object.values(last).reduce((a, b) => a + b, 0) - sum(["excused", "maintenance"]);
  const shown = [
    [`${figure(c.delivered)} / ${figure(c.accepted)}`, "ratio", lost > 0 ? "warn" : ""],
    [figure(lost), "lost", lost > 0 ? "bad" : ""], [span(c.median), "median"], [span(c.p99), "p99"],
    [figure(c.duplicates), "duplicates", c.duplicates ? "bad" : ""], [figure(c.repeats), "repeats"],
    calls.length && [`${present} / ${asked}`, "roll_answered"], [figure(DATA.faults.length), "faults"], [figure(DATA.meta.counts.frames), "frames"],
  ].filter(Boolean);
  return h("div", { class: "tiles" }, shown.map(([value, key, tone]) => h("div", { class: "tile" }, h("b", { class: tone || "" }, value), h("span", {}, say(key)))));
}

function render() {
  document.documentElement.lang = zh() ? "zh-CN" : "en";
  document.title = `${zh() ? DATA.meta.title_zh : DATA.meta.title_en} · ${DATA.meta.seed}`;
  readInk();
  layout();
  const parts = [head(), timelineSection(), mapSection(), chartSections(), expectationSection(), messageSection(), faultSection(),
    h("div", { class: "grid" }, [probeSection(), metricSection()].filter(Boolean)), h("footer", {}, say("made", { v: DATA.meta.version }))];
  document.getElementById("report").replaceChildren(...parts.filter(Boolean));
  if (!document.getElementById("panel").hidden && view.chosen) openPanel(view.chosen);
  timeline.now();
  ground.draw();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(document.documentElement.dataset.theme));
addEventListener("resize", () => {
  timeline.repaint();
  ground.at(ground.t);
});
addEventListener("beforeprint", () => {
  timeline.before = document.documentElement.dataset.theme;
  timeline.printing = true;
  setTheme("light");
  timeline.now();
});
addEventListener("afterprint", () => {
  timeline.printing = false;
  setTheme(timeline.before);
});
if (location.hash.includes("dark")) document.documentElement.dataset.theme = "dark";
if (location.hash.includes("light")) document.documentElement.dataset.theme = "light";
render();
