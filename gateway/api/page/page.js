// The page's own loop: fetch everything once, then what events name, and draw only what changed.

import { fill, h, icon, openDialog, tickAges } from "./dom.js";
import { ApiError, Stream, restoreToken, saveToken } from "./net.js";
import { setSound } from "./sound.js";
import { AFFECTS, FETCH, gatewayNow, state } from "./state.js";
import { restoreLanguage, t } from "./texts.js";
import { drawComposer } from "./view_compose.js";
import { drawLinks, drawStations } from "./view_links.js";
import { drawMessages } from "./view_messages.js";
import { drawQuarantine } from "./view_quarantine.js";
import { drawRoll } from "./view_roll.js";
import { clockText, drawAlarms, drawTop } from "./view_top.js";

const GATHER_MS = 200; // events come in bursts; one fetch answers them all
const REFRESH_MS = 10000; // health: clock, queue, and proof that the gateway is there
const RETRY_MS = 3000;
const TABS = ["links", "messages", "roll"];

const DRAW = {
  top: () => drawTop(redraw, { sound: (on) => setSound(on, alarming) }),
  alarms: () => drawAlarms(redraw),
  links: drawLinks,
  stations: drawStations,
  messages: () => drawMessages(redraw),
  quarantine: drawQuarantine,
  composer: () => drawComposer(redraw),
  roll: () => drawRoll(redraw),
  tabs: drawTabs,
  away: drawAway,
};

// What is drawn from what was fetched.
const SHOWN_IN = {
  health: ["top"], links: ["top", "links", "messages"], stations: ["stations", "links", "messages", "alarms"],
  messages: ["messages"], quarantine: ["quarantine"], alarms: ["alarms", "links", "tabs"], roll: ["roll", "tabs"],
};

function redraw(...parts) {
  for (const part of parts.length ? parts : Object.keys(DRAW)) DRAW[part]();
}

const wanted = new Set();
let gathering = null;

redraw.fetch = (...names) => {
  for (const name of names) wanted.add(name);
  gathering ??= setTimeout(async () => {
    const now = [...wanted];
    wanted.clear();
    gathering = null;
    try {
      await load(now);
    } catch (error) {
      failed(error, () => redraw.fetch(...now));
    }
  }, GATHER_MS);
};

async function load(names) {
  await Promise.all(names.map((name) => FETCH[name]()));
  redraw(...new Set(names.flatMap((name) => SHOWN_IN[name])));
}

const alarming = () => state.alarms.some((alarm) => alarm.kind === "sos" && !alarm.acknowledged_by);

function online(now) {
  if (state.online === now) return;
  state.online = now;
  redraw("away");
  if (now) redraw.fetch(...Object.keys(FETCH));
}

function failed(error, again) {
  if (error instanceof ApiError && error.status === 401) {
    askToken(t("token.bad"));
  } else {
    online(false);
    setTimeout(again, RETRY_MS);
  }
}

const stream = new Stream({
  event: (event) => {
    const affected = AFFECTS[event.kind.split(".")[0]] ?? ["health"];
    if (affected.includes("messages") && event.body.id) state.touched.add(event.body.id);
    redraw.fetch(...affected);
  },
  gap: () => redraw.fetch(...Object.keys(FETCH)),
  online: () => online(true),
  offline: () => online(false),
});

function drawAway() {
  const element = document.getElementById("away");
  element.hidden = state.online;
  document.body.classList.toggle("stale", !state.online);
  fill("away", icon("suspect"), state.lastUnixMs ? t("away.lost", { time: clockText(state.lastUnixMs) }) : t("away.never"));
}

function drawTabs() {
  const chosen = document.body.dataset.tab ?? "messages";
  const absent = state.call?.counts.absent ?? 0;
  fill("tabs", TABS.map((name) => h("button", {
    type: "button", "data-key": name, "aria-pressed": name === chosen, on: { click: () => {
      document.body.dataset.tab = name;
      drawTabs();
      window.scrollTo(0, 0);
    } },
  }, t(`tab.${name}`), name === "roll" && absent > 0 && h("span", { class: "count" }, String(absent)))));
}

async function begin() {
  try {
    await FETCH.health();
    const { events } = state.health; // before the rest is fetched: what happens meanwhile comes as events
    await load(Object.keys(FETCH));
    state.online = true;
    redraw();
    stream.start(events.newest, events.epoch);
  } catch (error) {
    failed(error, begin);
  }
}

async function askToken(warning = "") {
  const field = h("input", { type: "password", autocomplete: "off", "aria-label": t("token.title"), required: true });
  await openDialog(t("token.title"), (close) => [
    h("form", { on: { submit: (event) => {
      event.preventDefault();
      saveToken(field.value);
      close();
    } } },
    warning && h("p", { class: "bad" }, warning),
    h("label", { class: "wide" }, h("span", {}, t("token.text")), field),
    h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, t("token.enter")))),
  ], { closable: false });
  begin();
}

restoreLanguage();
new ResizeObserver(([entry]) => document.documentElement.style.setProperty("--strip", `${entry.target.offsetHeight}px`)).observe(document.getElementById("top"));
document.body.dataset.tab = "messages";
redraw("top", "tabs", "away");
setInterval(() => {
  tickAges();
  const clock = document.getElementById("clock");
  if (clock) clock.textContent = clockText(gatewayNow());
}, 1000);
setInterval(() => state.online && redraw.fetch("health"), REFRESH_MS);
if (restoreToken()) begin();
else askToken();
