// The strip that never scrolls away: who we are, exercise or not, time, own links, stop transmitting; alarms.

import { age, confirmDialog, fill, h, icon, openDialog, toast } from "./dom.js";
import { post } from "./net.js";
import { callSign, gatewayNow, mayAct, state, station } from "./state.js";
import { currentLanguage, reason, setLanguage, t } from "./texts.js";

export function clockText(unixMs) {
  return new Date(unixMs).toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });
}

export function drawTop(redraw, act) {
  const { health } = state;
  if (health === null) {
    fill("top", h("strong", { class: "brand" }, "fieldgate"), language(redraw));
    return;
  }
  document.title = `${health.call_sign} ${t("app.title")}`;
  const own = state.links.filter((link) => link.station === health.station);
  const stopped = Object.values(health.quiet).filter(Boolean).length;
  const soundWord = state.sound ? "top.sound_on" : "top.sound_off";
  fill("top",
    h("div", { class: "who" }, h("strong", {}, health.call_sign), h("span", { class: "name" }, health.name)),
    h("span", { class: health.exercise ? "mode exercise" : "mode" }, t(health.exercise ? "app.exercise" : "app.actual")),
    h("div", { class: `clock ${health.time_quality === "ntp" ? "" : "attention"}` },
      h("time", { id: "clock" }, clockText(gatewayNow())), h("span", {}, t(`time.${health.time_quality}`))),
    h("ul", { class: "lights" }, own.map((link) => h("li", { class: tone(link.state), title: link.link },
      icon(health.quiet[link.link] ? "quiet" : link.state), h("span", {}, t(`bearer.${link.bearer}`)),
      h("small", {}, health.quiet[link.link] ? t("links.quiet") : t(`link.${link.state}`))))),
    h("span", { class: "queued" }, t("top.queued", { n: health.counts.queued ?? 0 })),
    h("span", { class: "space" }),
    h("button", { type: "button", class: "plain square", "data-key": "sound", "aria-pressed": state.sound, "aria-label": t(soundWord), title: t(soundWord), on: { click: () => {
      state.sound = !state.sound;
      act.sound(state.sound);
      redraw("top");
    } } }, icon(state.sound ? "bell" : "bell-off")),
    language(redraw),
    h("button", { type: "button", class: stopped ? "stop stopped" : "stop", "data-key": "stop", on: { click: () => quietDialog(redraw) } },
      icon("stop"), h("span", {}, t("top.stop"), stopped > 0 && h("small", {}, t("top.stopped", { n: stopped })))));
}

function language(redraw) {
  return h("button", { type: "button", class: "plain", "data-key": "language", on: { click: () => {
    setLanguage(currentLanguage() === "zh" ? "en" : "zh");
    redraw();
  } } }, t("app.language"));
}

export function tone(linkState) {
  if (linkState === "down" || linkState === "absent") return "bad";
  return linkState === "up" ? "" : "attention";
}

async function setQuiet(link, on, redraw) {
  try {
    state.health.quiet = (await post("quiet", { link, on })).quiet;
    toast(t("quiet.done"));
  } catch (error) {
    toast(error.text?.(currentLanguage()) ?? t("error.unreachable"), true);
  }
  redraw("top", "links");
}

async function stopConfirmed(link, redraw) {
  const question = link === "all" ? t("quiet.confirm_all") : t("quiet.confirm", { link });
  if (await confirmDialog(t("quiet.title"), `${question} ${t("quiet.text")}`, t("dialog.yes_stop"), true)) {
    await setQuiet(link, true, redraw);
  }
}

function quietDialog(redraw) {
  const names = Object.keys(state.health.quiet);
  const able = mayAct();
  const row = (name, close) => {
    const on = state.health.quiet[name];
    const link = state.links.find((one) => one.link === name && one.station === state.health.station);
    return h("li", { class: on ? "attention" : "" }, icon(on ? "quiet" : "up"),
      h("span", { class: "grow" }, link ? `${t(`bearer.${link.bearer}`)} · ${name}` : name), h("span", {}, t(on ? "quiet.on" : "quiet.off")),
      h("button", { type: "button", disabled: !able, on: { click: () => {
        close();
        if (on) setQuiet(name, false, redraw);
        else stopConfirmed(name, redraw);
      } } }, t(on ? "quiet.resume" : "quiet.stop")));
  };
  openDialog(t("quiet.title"), (close) => [
    h("p", {}, t("quiet.text")),
    !able && h("p", { class: "attention" }, t("error.role")),
    h("ul", { class: "switches" }, names.map((name) => row(name, close))),
    h("div", { class: "actions" },
      h("button", { type: "button", disabled: !able || !names.some((name) => state.health.quiet[name]), on: { click: () => {
        close();
        setQuiet("all", false, redraw);
      } } }, t("quiet.resume_all")),
      h("button", { type: "button", class: "danger", disabled: !able, on: { click: () => {
        close();
        stopConfirmed("all", redraw);
      } } }, icon("stop"), t("quiet.all"))),
  ].filter(Boolean));
}

export function drawAlarms(redraw) {
  const order = (alarm) => (alarm.acknowledged_by ? 2 : 0) + (alarm.kind === "sos" ? 0 : 1);
  const alarms = [...state.alarms].sort((a, b) => order(a) - order(b) || b.raised_unix_ms - a.raised_unix_ms);
  fill("alarms", alarms.map((alarm) => alarmRow(alarm, redraw)));
}

function alarmRow(alarm, redraw) {
  const sos = alarm.kind === "sos";
  const who = station(alarm.station);
  const since = (gatewayNow() - alarm.raised_unix_ms) / 1000;
  const loud = sos && !alarm.acknowledged_by;
  return h("article", { class: `alarm ${sos ? "sos" : "minor"} ${loud ? "loud" : ""}` },
    icon(sos ? "sos" : "suspect"),
    h("strong", { class: "what" }, t(`kind.${alarm.kind}`)),
    h("span", { class: "whom" }, alarm.station ? callSign(alarm.station, t("stations.unknown", { n: alarm.station })) : t("alarm.stranger"), who && h("b", {}, who.name)),
    alarm.exercise && h("span", { class: "tag" }, t("alarm.exercise")),
    alarm.unauthenticated && h("span", { class: "tag strong" }, t("alarm.unauthenticated")),
    age(since, "age.ago"),
    sos && place(alarm.position),
    h("span", { class: "said" }, reason(alarm.detail)),
    alarm.cleared_unix_ms > 0 && h("span", { class: "tag" }, t("alarm.cleared")),
    h("span", { class: "space" }),
    alarm.acknowledged_by
      ? h("span", { class: "acked" }, icon("tick"), t("alarm.acked", { who: alarm.acknowledged_by }))
      : h("button", { type: "button", "data-key": `ack-${alarm.key}`, disabled: !mayAct(), on: {
        click: () => actOnAlarm(alarm, "acknowledge", redraw),
      } }, t("alarm.ack")),
    alarm.acknowledged_by && alarm.cleared_unix_ms === 0
      && h("button", { type: "button", class: "plain", "data-key": `clear-${alarm.key}`, disabled: !mayAct(), on: {
        click: () => clearConfirmed(alarm, redraw),
      } }, t("alarm.clear")));
}

async function clearConfirmed(alarm, redraw) {
  const what = `${t(`kind.${alarm.kind}`)} ${alarm.station ? callSign(alarm.station, String(alarm.station)) : t("alarm.stranger")}`;
  if (await confirmDialog(t("alarm.clear"), t("alarm.clear_text", { what }), t("alarm.clear"))) {
    await actOnAlarm(alarm, "clear", redraw);
  }
}

async function actOnAlarm(alarm, act, redraw) {
  try {
    await post(`alarms/${encodeURIComponent(alarm.key)}/${act}`);
  } catch (error) {
    toast(error.text?.(currentLanguage()) ?? t("error.unreachable"), true);
  }
  redraw.fetch("alarms");
}

function place(position) {
  if (!position) return h("span", { class: "place" }, icon("pin"), t("alarm.no_position"));
  const values = { lat: position.latitude_deg.toFixed(5), lon: position.longitude_deg.toFixed(5) };
  return h("span", { class: "place" }, icon("pin"), t("alarm.position", values));
}
