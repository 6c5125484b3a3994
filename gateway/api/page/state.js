// What the page knows, and how it is fetched anew. Events only say what to fetch: the gateway's word is one.

import { get } from "./net.js";

const MESSAGES_SHOWN = 60;
const CALLS_SHOWN = 20;
const SINGLY_MAX = 8; // more changed messages than this are fetched as one list

export const state = {
  health: null, healthAt: 0, links: [], stations: [], messages: [], alarms: [], strangers: [], calls: [], call: null,
  wantedCall: null, online: false, lastUnixMs: 0, filter: "all", opened: new Set(), touched: new Set(), sound: false,
};

// Milliseconds since 1970 by the gateway's clock.
export function gatewayNow() {
  return state.health === null ? 0 : state.health.unix_ms + performance.now() - state.healthAt;
}

export function station(number) {
  return state.stations.find((one) => one.number === number);
}

export function callSign(number, fallback) {
  return station(number)?.call_sign ?? fallback;
}

export function bearerOf(link) {
  const own = state.links.find((one) => one.link === link && one.station === state.health?.station);
  return own?.bearer ?? null;
}

export function mayAct() {
  return state.health !== null && state.health.caller.role !== "viewer";
}

export const FETCH = {
  async health() {
    state.health = await get("health");
    state.healthAt = performance.now();
    state.lastUnixMs = state.health.unix_ms;
  },
  async links() {
    state.links = (await get("links")).links.map((link) => ({ ...link, at: performance.now() }));
  },
  async stations() {
    state.stations = (await get("stations")).stations;
  },
  async messages() {
    const ids = [...state.touched];
    state.touched.clear();
    if (ids.length === 0 || ids.length > SINGLY_MAX) {
      state.messages = (await get(`messages?limit=${MESSAGES_SHOWN}&attempts=1`)).messages;
      return;
    }
    const fresh = await Promise.all(ids.map((id) => get(`messages/${encodeURIComponent(id)}`)));
    const others = state.messages.filter((message) => !ids.includes(message.id));
    state.messages = [...fresh, ...others].sort((a, b) => b.accepted_unix_ms - a.accepted_unix_ms).slice(0, MESSAGES_SHOWN);
  },
  async quarantine() {
    state.strangers = mayAct() ? (await get("quarantine")).quarantine : [];
  },
  async alarms() {
    state.alarms = (await get("alarms")).alarms;
  },
  async roll() {
    state.calls = (await get(`rollcalls?limit=${CALLS_SHOWN}`)).roll_calls;
    const wanted = state.calls.find((call) => call.id === state.wantedCall) ?? state.calls[0];
    state.call = wanted === undefined ? null : await get(`rollcalls/${encodeURIComponent(wanted.id)}`);
  },
};

// First part of an event's kind → what to fetch.
export const AFFECTS = {
  message: ["messages"], attempt: ["messages"], link: ["links", "health"], alarm: ["alarms", "health"],
  rollcall: ["roll"], station: ["stations"], quiet: ["health", "links"], quarantine: ["quarantine"],
};
