// The roll-call board: what somebody must act on floats to the top.

import { countdown, fill, h, icon, openDialog, toast } from "./dom.js";
import { get, post } from "./net.js";
import { gatewayNow, mayAct, state } from "./state.js";
import { ageText, currentLanguage, reason, t } from "./texts.js";
import { badge } from "./view_links.js";
import { clockText } from "./view_top.js";

const ORDER = ["absent", "fault", "wrong_station", "pending", "late", "substitute", "relayed", "inferred", "answered", "excused", "maintenance"];
const ICONS = {
  pending: "wait", answered: "tick", late: "tick", relayed: "relay", substitute: "person", inferred: "unknown",
  absent: "down", fault: "suspect", wrong_station: "suspect", excused: "none", maintenance: "none",
};
const PRESENT = ["answered", "late", "relayed", "substitute", "inferred"];
const MARKS = ["answered", "substitute", "excused", "maintenance", "wrong_station", "fault"];

export function drawRoll(redraw) {
  const { call } = state;
  fill("roll",
    h("h2", { id: "roll-title" }, t("roll.title"), h("span", { class: "space" }),
      mayAct() && h("button", { type: "button", class: "primary", "data-key": "start", on: { click: () => startDialog(redraw) } }, t("roll.start"))),
    call === null ? h("p", { class: "empty" }, t("roll.none")) : board(call, redraw));
}

function board(call, redraw) {
  const { counts } = call;
  const present = counts.answered + counts.inferred; // answered holds late, relayed and substitute
  const running = call.state === "running";
  const left = (call.deadline_unix_ms - gatewayNow()) / 1000;
  const select = h("select", { "data-key": "pick", "aria-label": t("roll.pick"), on: { change: (event) => {
    state.wantedCall = event.target.value;
    redraw.fetch("roll");
  } } }, state.calls.map((one) => h("option", { value: one.id }, `${clockText(one.started_unix_ms)} ${one.title || one.id}`)));
  select.value = call.id;
  const sorted = [...call.entries].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.station - b.station);
  return [
    h("div", { class: "call" }, select, call.exercise && h("span", { class: "tag" }, t("app.exercise")),
      h("span", { class: "tag" }, t(`roll.${call.state}`)), h("span", { class: "space" }),
      h("button", { type: "button", class: "plain", "data-key": "report", on: { click: () => reportDialog(call) } }, t("roll.report"))),
    h("div", { class: "progress" },
      h("strong", {}, `${present}/${counts.expected}`), h("span", { class: "dim" }, t("roll.rate")),
      h("progress", { max: counts.expected || 1, value: counts.expected - counts.pending }),
      running && (left > 0 ? countdown(left, "roll.deadline") : h("span", { class: "attention" }, t("roll.over")))),
    h("dl", { class: "counts" }, ["expected", ...PRESENT, "absent", "fault", "wrong_station", "pending"].map((name) =>
      h("div", { class: counts[name] ? `c-${name}` : "zero" }, h("dt", {}, t(`roll.${name}`)), h("dd", {}, String(counts[name]))))),
    (counts.excused + counts.maintenance) > 0 && h("p", { class: "dim beside" }, t("roll.beside", {
      list: ["excused", "maintenance"].filter((name) => counts[name]).map((name) => `${t(`roll.${name}`)} ${counts[name]}`).join(" · "),
    })),
    h("ul", { class: "grid" }, sorted.map((entry) => h("li", {}, cell(call, entry, redraw)))),
  ];
}

function cell(call, entry, redraw) {
  const open = () => entryDialog(call, entry, redraw);
  return h("button", { type: "button", class: `cell s-${entry.state}`, "data-key": `cell-${entry.station}`, on: { click: open } },
    h("span", { class: "head" }, h("strong", {}, entry.call_sign || `#${entry.station}`), icon(ICONS[entry.state])),
    h("span", { class: "name" }, entry.name),
    h("span", { class: "foot" }, h("b", {}, t(`roll.${entry.state}`)), entry.bearer && h("small", {}, t(`bearer.${entry.bearer}`))));
}

function entryDialog(call, entry, redraw) {
  const note = h("input", { id: "note", maxlength: 200, value: entry.note });
  const took = (entry.answered_unix_ms - entry.called_unix_ms) / 1000;
  openDialog(`${entry.call_sign || `#${entry.station}`} ${entry.name}`, (close) => [
    h("p", { class: "facts" }, icon(ICONS[entry.state]), h("b", {}, t(`roll.${entry.state}`)), badge(entry.evidence),
      !entry.authenticated && PRESENT.includes(entry.state) && h("span", { class: "tag strong" }, t("roll.native"))),
    h("p", { class: "dim" }, [
      entry.tries > 0 ? t("roll.tries", { n: entry.tries }) : "", entry.bearer ? t(`bearer.${entry.bearer}`) : "",
      entry.answered_unix_ms && took >= 0 ? t("roll.took", { age: ageText(took) }) : "", entry.by, reason(entry.note),
    ].filter(Boolean).join(" · ")),
    ...(mayAct() ? [
      h("label", { class: "wide" }, h("span", {}, t("roll.note")), note),
      h("p", { class: "dim" }, t("roll.mark")),
      h("div", { class: "actions" }, MARKS.map((mark) => h("button", { type: "button", on: { click: async () => {
        close();
        await attempt(() => post(`rollcalls/${encodeURIComponent(call.id)}/entries/${entry.station}`, { state: mark, note: note.value }));
        redraw.fetch("roll");
      } } }, t(`roll.${mark}`)))),
    ] : []),
  ]);
}

function startDialog(redraw) {
  const title = h("input", { maxlength: 200, value: t("roll.default_name") });
  const stations = h("input", { list: "names", autocomplete: "off" });
  const minutes = h("input", { type: "number", min: 1, max: 1440, value: "10", inputmode: "numeric" });
  const exercise = h("input", { type: "checkbox" });
  exercise.checked = state.health.exercise;
  openDialog(t("roll.start"), (close) => [
    h("label", { class: "wide" }, h("span", {}, t("roll.name")), title),
    h("label", { class: "wide" }, h("span", {}, t("roll.stations")), stations),
    h("div", { class: "options" }, h("label", {}, t("roll.minutes"), minutes), h("label", {}, exercise, t("roll.exercise"))),
    h("div", { class: "actions" },
      h("button", { type: "button", on: { click: () => close() } }, t("dialog.cancel")),
      h("button", { type: "button", class: "primary", on: { click: async () => {
        close();
        const call = await attempt(() => post("rollcalls", {
          stations: stations.value.split(/[\s,，、;；]+/).filter(Boolean), title: title.value,
          exercise: exercise.checked, deadline_s: Math.max(1, Math.round(Number(minutes.value) * 60)),
        }));
        if (call) state.wantedCall = call.id;
        redraw.fetch("roll");
      } } }, t("roll.start"))),
  ]);
}

async function reportDialog(call) {
  const text = await attempt(() => get(`rollcalls/${encodeURIComponent(call.id)}?format=text&lang=${currentLanguage()}`));
  if (text) {
    openDialog(t("roll.report"), () => [
      h("pre", { class: "report" }, text),
      h("div", { class: "actions" }, h("button", { type: "button", on: { click: () => window.print() } }, t("roll.print"))),
    ]);
  }
}

async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    toast(error.text?.(currentLanguage()) ?? t("error.unreachable"), true);
    return null;
  }
}
