// Link lights of all gateways, each with its evidence and its age; below, who was heard where.

import { age, fill, h, icon, toast } from "./dom.js";
import { post } from "./net.js";
import { callSign, gatewayNow, mayAct, state, station } from "./state.js";
import { currentLanguage, has, reason, t } from "./texts.js";
import { tone } from "./view_top.js";

export function drawLinks() {
  const numbers = [...new Set(state.links.map((link) => link.station))];
  fill("links",
    h("h2", { id: "links-title" }, t("links.title")),
    numbers.length === 0 && h("p", { class: "empty" }, t("links.none")),
    h("div", { class: "cards" }, numbers.map(card)));
}

function card(number) {
  const links = state.links.filter((link) => link.station === number);
  const own = number === state.health?.station;
  const lost = state.alarms.some((alarm) => alarm.kind === "lost_contact" && alarm.station === number && !alarm.cleared_unix_ms);
  const sign = callSign(number, t("stations.unknown", { n: number }));
  const learnt = links[0].learnt_by;
  return h("article", { class: lost ? "card lost" : "card" },
    h("header", {}, h("strong", {}, sign), h("span", { class: "name" }, station(number)?.name ?? ""),
      lost && h("span", { class: "tag strong bad" }, icon("down"), t("links.lost")),
      h("span", { class: "space" }),
      own ? h("span", { class: "dim" }, t("links.own"))
        : h("button", { type: "button", "data-key": `ask-${number}`, disabled: !mayAct(), on: { click: () => ask(sign) } }, t("links.ask"))),
    h("ul", {}, links.map((link) => row(link, own))),
    !own && h("footer", {}, learnt ? t("links.learnt", { bearer: t(`bearer.${learnt}`) }) : t("links.direct"), " · ",
      age((gatewayNow() - links[0].learnt_unix_ms) / 1000)));
}

function row(link, own) {
  const quiet = (own && state.health.quiet[link.link]) || /^(quiet|(transmitting )?stopped by)/.test(link.reason);
  const voice = link.reason.startsWith("voice");
  const seconds = link.age_s + (performance.now() - link.at) / 1000;
  return h("li", { class: quiet ? "attention" : tone(link.state) },
    icon(quiet ? "quiet" : link.state),
    h("span", { class: "bearer" }, t(`bearer.${link.bearer}`)),
    h("b", {}, t(`link.${link.state}`)),
    badge(link.evidence),
    age(seconds),
    (quiet || voice || link.reason) && h("span", { class: "why" },
      quiet && h("span", { class: "tag strong" }, t("links.quiet")),
      voice ? h("span", { class: "tag" }, icon("voice"), t("links.voice"))
        : link.reason && !quiet && h("span", {}, reason(link.reason))));
}

export function badge(evidence) {
  return evidence ? h("span", { class: `badge ${evidence}` }, t(`evidence.${evidence}`)) : null;
}

async function ask(sign) {
  try {
    await post("links/ask", { station: sign });
    toast(t("links.asked", { who: sign }));
  } catch (error) {
    toast(error.text?.(currentLanguage()) ?? t("error.unreachable"), true);
  }
}

export function drawStations() {
  const others = state.stations.filter((one) => one.number !== state.health?.station);
  const heard = (one) => one.heard?.unix_ms ?? 0;
  others.sort((a, b) => heard(b) - heard(a) || a.number - b.number);
  fill("stations",
    h("h2", { id: "stations-title" }, t("stations.title"), h("small", {}, t("stations.unit", { n: others.length }))),
    h("ul", { class: "presence" }, others.map(presence)));
}

function presence(one) {
  const { heard } = one;
  const via = heard && heard.via && heard.via !== state.health?.station ? t("stations.via", { who: callSign(heard.via, `#${heard.via}`) }) : "";
  const how = heard ? (has(`how.${heard.how}`) ? t(`how.${heard.how}`) : heard.how) : "";
  return h("li", { class: !heard ? "never" : heard.online ? "" : "attention" },
    icon(!heard ? "absent" : heard.online ? "up" : "down"),
    h("strong", {}, one.call_sign), h("span", { class: "name" }, one.name),
    h("span", { class: "last" }, heard ? age((gatewayNow() - heard.unix_ms) / 1000) : t("stations.never")),
    heard && h("span", { class: "dim detail" }, [heard.online ? "" : t("stations.offline"), t(`bearer.${heard.bearer}`), how, via].filter(Boolean).join(" · "),
      one.position && h("span", { class: "place" }, icon("pin"), `${one.position.latitude_deg.toFixed(4)}, ${one.position.longitude_deg.toFixed(4)}`)));
}
