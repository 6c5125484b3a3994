// Texts from addresses not in the roster: shown to operators, answered by nobody, forwarded nowhere.

import { age, fill, h, icon } from "./dom.js";
import { gatewayNow, state } from "./state.js";
import { t } from "./texts.js";

export function drawQuarantine() {
  document.getElementById("quarantine").hidden = state.strangers.length === 0;
  fill("quarantine",
    h("h2", { id: "quarantine-title" }, t("quarantine.title"), h("small", {}, t("stations.unit", { n: state.strangers.length }))),
    h("p", { class: "dim" }, t("quarantine.text")),
    h("ol", { class: "messages" }, state.strangers.map((one) => h("li", { class: "message stranger" },
      h("header", {}, icon("unknown"), h("strong", {}, one.address), h("span", { class: "dim" }, one.bearer ? t(`bearer.${one.bearer}`) : one.link),
        h("span", { class: "tag strong" }, t("messages.native")), h("span", { class: "space" }), age((gatewayNow() - one.heard_unix_ms) / 1000)),
      h("p", { class: "text" }, one.text)))));
}
