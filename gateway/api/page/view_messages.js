// Messages with one line per recipient: how far, by what evidence, over what, why.

import { age, fill, h, icon, toast } from "./dom.js";
import { post } from "./net.js";
import { bearerOf, callSign, gatewayNow, mayAct, state } from "./state.js";
import { ageText, currentLanguage, reason, t } from "./texts.js";
import { badge } from "./view_links.js";
import { clockText } from "./view_top.js";

const RECIPIENTS_SHOWN = 6;
const ICONS = {
  queued: "wait", unknown: "unknown", at_modem: "sent", on_air: "sent", at_network: "sent", relayed: "relay",
  delivered: "tick", read: "tick2", acknowledged: "person", expired: "wait", refused: "blocked",
  cancelled: "none", superseded: "none", failed: "down",
};
const ABNORMAL = { unknown: "attention", expired: "bad", refused: "bad", failed: "bad" };

export function drawMessages(redraw) {
  const own = state.health?.station;
  const shown = state.messages.filter((message) =>
    state.filter === "all"
    || (state.filter === "open" && message.recipients.some((one) => !one.settled))
    || (state.filter === "ours" && message.recipients.some((one) => one.station === own)));
  fill("messages",
    h("h2", { id: "messages-title" }, t("messages.title"), h("span", { class: "space" }),
      h("span", { class: "choices" }, ["all", "open", "ours"].map((name) => h("button", {
        type: "button", "data-key": `filter-${name}`, "aria-pressed": state.filter === name, on: { click: () => {
          state.filter = name;
          redraw("messages");
        } },
      }, t(`messages.${name}`))))),
    shown.length === 0 && h("p", { class: "empty" }, t("messages.none")),
    h("ol", { class: "messages" }, shown.map((message) => item(message, redraw))));
}

function item(message, redraw) {
  const own = state.health?.station;
  const opened = state.opened.has(message.id);
  const mine = message.recipients.find((one) => one.station === own);
  const open = message.recipients.some((one) => !one.settled);
  const recipients = opened ? message.recipients : message.recipients.slice(0, RECIPIENTS_SHOWN);
  const hidden = message.recipients.length - recipients.length;
  const sender = callSign(message.sender, message.sender_address || `#${message.sender}`);
  return h("li", { class: `message p${message.precedence}` },
    h("header", {},
      precedence(message.precedence),
      h("strong", {}, sender),
      h("span", { class: "dim" }, `→ ${message.recipients.slice(0, 3).map((one) => callSign(one.station, `#${one.station}`)).join(" ")}${message.recipients.length > 3 ? " …" : ""}`),
      message.exercise && h("span", { class: "tag" }, t("app.exercise")),
      message.unauthenticated && h("span", { class: "tag strong" }, t("messages.native")),
      message.ack_wanted && h("span", { class: "tag" }, t("messages.ack_wanted")),
      h("span", { class: "space" }),
      h("time", {}, message.age_is_lower_bound ? t("messages.at_least", { age: ageText(message.age_s) }) : clockText(message.accepted_unix_ms - message.age_s * 1000))),
    h("p", { class: "text" }, message.text),
    h("ul", { class: "recipients" }, recipients.map((one) => recipient(message, one)),
      hidden > 0 && h("li", { class: "dim" }, t("messages.more", { n: hidden }))),
    opened && attempts(message),
    h("footer", {},
      h("button", { type: "button", class: "plain", "data-key": `why-${message.id}`, "aria-expanded": opened, on: { click: () => {
        if (opened) state.opened.delete(message.id);
        else state.opened.add(message.id);
        redraw("messages");
      } } }, t(opened ? "messages.less" : "messages.why")),
      h("span", { class: "dim id" }, message.id),
      h("span", { class: "space" }),
      mayAct() && mine && !["read", "acknowledged"].includes(mine.state) && act(message, "read", redraw),
      mayAct() && mine && message.ack_wanted && mine.state !== "acknowledged" && act(message, "acknowledge", redraw),
      mayAct() && !mine && open && act(message, "cancel", redraw)));
}

export function precedence(number) {
  return h("span", { class: `precedence p${number}` }, t(`precedence.${number}`));
}

function recipient(message, one) {
  const links = [...new Set(message.attempts.filter((try_) => try_.station === one.station && try_.stage !== "failed").map((try_) => try_.link))];
  const names = links.map((link) => (bearerOf(link) ? t(`bearer.${bearerOf(link)}`) : link));
  return h("li", { class: ABNORMAL[one.state] ?? "" },
    icon(ICONS[one.state] ?? "unknown"),
    h("span", { class: "whom" }, callSign(one.station, `#${one.station}`)),
    h("b", {}, t(`state.${one.state}`)),
    badge(one.evidence),
    h("span", { class: "dim" }, [names.length ? t("messages.via", { links: names.join("、") }) : "", one.by].filter(Boolean).join(" · ")),
    one.updated_unix_ms > 0 && age((gatewayNow() - one.updated_unix_ms) / 1000),
    one.detail && h("span", { class: "why" }, reason(one.detail)));
}

function attempts(message) {
  if (message.attempts.length === 0) return h("p", { class: "attempts dim" }, t("messages.no_attempts"));
  return h("ol", { class: "attempts" }, message.attempts.map((one) => h("li", { class: ABNORMAL[one.stage] ?? "" },
    h("time", {}, clockText(one.created_unix_ms)),
    h("span", {}, callSign(one.station, `#${one.station}`)),
    h("span", {}, bearerOf(one.link) ? `${t(`bearer.${bearerOf(one.link)}`)} ${one.link}` : one.link),
    h("b", {}, icon(ICONS[one.stage] ?? "unknown"), t(`state.${one.stage}`)),
    h("span", { class: "dim" }, t("messages.octets", { n: one.octets })),
    h("span", { class: "why" }, reason(one.reason)))));
}

function act(message, what, redraw) {
  const label = { read: "messages.read", acknowledge: "messages.ack", cancel: "messages.cancel" }[what];
  return h("button", { type: "button", "data-key": `${what}-${message.id}`, on: { click: async () => {
    try {
      await post(`messages/${encodeURIComponent(message.id)}/${what}`);
    } catch (error) {
      toast(error.text?.(currentLanguage()) ?? t("error.unreachable"), true);
    }
    redraw.fetch("messages");
  } } }, t(label));
}
