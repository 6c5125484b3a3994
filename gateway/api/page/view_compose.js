// The composer. It is drawn once per language, so that nothing typed is lost when news comes in.

import { confirmDialog, fill, h, toast } from "./dom.js";
import { post } from "./net.js";
import { mayAct, state } from "./state.js";
import { ageText, currentLanguage, t } from "./texts.js";

const NAMES = ["DEFERRED", "ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH", "SOS"];
const LIFETIMES_S = [900, 3600, 6 * 3600, 86400, 3 * 86400];
const SOS = 5;
const FLASH = 4;
const draft = { to: "", text: "", precedence: 1, lifetime: 86400, ack: false, keep: false, key: "", open: window.matchMedia("(min-width: 801px)").matches };

export function drawComposer(redraw) {
  const able = mayAct();
  const ceiling = NAMES.indexOf(state.health?.caller.ceiling ?? "DEFERRED");
  const count = h("output", { id: "count", for: "text" });
  const ack = h("input", { type: "checkbox", id: "ack", on: { change: (event) => { draft.ack = event.target.checked; changed(); } } });
  ack.checked = draft.ack;
  const keep = h("input", { type: "checkbox", id: "keep", on: { change: (event) => { draft.keep = event.target.checked; changed(); } } });
  keep.checked = draft.keep;
  const changed = () => {
    draft.key = "";
    count.textContent = t("compose.count", { chars: [...draft.text].length, octets: new TextEncoder().encode(draft.text).length });
  };
  const field = (name) => ({ input: (event) => { draft[name] = event.target.value; changed(); } });
  const details = h("details", { open: draft.open }, h("summary", { "data-key": "compose" }, h("h2", { id: "composer-title" }, t("compose.title"))),
    h("form", { on: { submit: (event) => { event.preventDefault(); send(redraw); } } },
      h("label", { class: "wide" }, h("span", {}, t("compose.to")),
        h("input", { id: "to", list: "names", autocomplete: "off", required: true, value: draft.to, disabled: !able, on: field("to") })),
      h("datalist", { id: "names" }, state.stations.map((one) => h("option", { value: one.call_sign }, one.name))),
      h("label", { class: "wide" }, h("span", {}, t("compose.text"), count),
        h("textarea", { id: "text", rows: 2, maxlength: 4000, required: true, value: draft.text, disabled: !able, on: field("text") })),
      h("fieldset", { class: "precedences" }, h("legend", {}, t("compose.precedence")), NAMES.map((_name, number) => {
        const over = number > ceiling;
        const radio = h("input", { type: "radio", name: "precedence", value: String(number), disabled: over || !able, on: { change: () => {
          draft.precedence = number;
          if (number >= FLASH) {
            draft.ack = true;
            ack.checked = true;
          }
          changed();
        } } });
        radio.checked = draft.precedence === number;
        return h("label", { title: over ? t("compose.ceiling") : null, class: `p${number}` }, radio, h("span", {}, t(`precedence.${number}`)));
      })),
      h("div", { class: "options" },
        h("label", {}, t("compose.lifetime"), lifetimes(changed)),
        h("label", {}, ack, t("compose.ack")),
        h("label", {}, keep, t("compose.keep")),
        h("span", { class: "space" }),
        h("button", { type: "submit", class: "primary", id: "send", disabled: !able }, t("compose.send")))));
  details.addEventListener("toggle", () => { draft.open = details.open; });
  fill("composer", details);
  changed();
}

function lifetimes(changed) {
  const select = h("select", { id: "lifetime", on: { change: (event) => { draft.lifetime = Number(event.target.value); changed(); } } },
    LIFETIMES_S.map((seconds) => h("option", { value: String(seconds) }, ageText(seconds))));
  select.value = String(draft.lifetime);
  return select;
}

function newKey() {
  const octets = crypto.getRandomValues(new Uint8Array(12));
  return `page-${[...octets].map((octet) => octet.toString(16).padStart(2, "0")).join("")}`;
}

async function send(redraw) {
  if (draft.precedence === SOS && !(await confirmDialog(t("compose.title"), t("compose.sos"), t("compose.send"), true))) return;
  const button = document.getElementById("send");
  button.disabled = true;
  draft.key ||= newKey(); // kept until something is changed: pressing again after a failure never sends twice
  const body = {
    to: draft.to.split(/[\s,，、;；]+/).filter(Boolean), text: draft.text, precedence: draft.precedence,
    lifetime_s: draft.lifetime, ack_wanted: draft.ack, keep: draft.keep, exercise: state.health.exercise,
  };
  try {
    const taken = await post("messages", body, { "Idempotency-Key": draft.key });
    toast(t(taken.replayed ? "compose.replayed" : "compose.sent", { id: taken.id }));
    Object.assign(draft, { text: "", key: "", ack: false, keep: false, precedence: 1 });
    drawComposer(redraw);
    redraw.fetch("messages");
  } catch (error) {
    toast(error.text?.(currentLanguage()) ?? t("error.unreachable"), true);
    button.disabled = false;
  }
}
