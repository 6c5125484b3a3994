// Elements built by hand: text from radios only ever becomes a text node, never markup.

import { ageText, t } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("aria-")) element.setAttribute(name, String(value));
    else if (value === null || value === undefined || value === false) continue;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

// A live age: `seconds` old now, counted up by `tickAges`. `wrap` is a text key with {age} in it.
export function age(seconds, wrap = "age.bare") {
  const element = h("span", { class: "age" });
  element.born = performance.now() - seconds * 1000;
  element.wrap = wrap;
  showAge(element);
  return element;
}

// Seconds left, counted down to 0:00.
export function countdown(seconds, wrap) {
  const element = age(-seconds, wrap);
  element.down = true;
  showAge(element);
  return element;
}

function showAge(element) {
  const since = (performance.now() - element.born) / 1000;
  const text = t(element.wrap, { age: element.down ? clockSpan(-since) : ageText(since) });
  if (element.textContent !== text) element.textContent = text;
}

function clockSpan(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

export function tickAges() {
  for (const element of document.querySelectorAll(".age")) if (element.born !== undefined) showAge(element);
}

// Replace a section's content; what had the focus gets it back by its data-key.
export function fill(id, ...children) {
  const section = document.getElementById(id);
  const focused = section.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  section.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (focused) section.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

export function toast(text, bad = false) {
  const element = document.getElementById("toast");
  element.replaceChildren(h("p", { class: bad ? "bad" : "" }, bad ? icon("suspect") : icon("tick"), text));
  clearTimeout(element.timer);
  element.timer = setTimeout(() => element.replaceChildren(), bad ? 9000 : 4000);
}

// One dialog at a time. `build(close)` returns its children; resolves with what `close` was given.
export function openDialog(title, build, { closable = true } = {}) {
  const dialog = document.getElementById("dialog");
  if (dialog.open) dialog.close();
  return new Promise((resolve) => {
    const close = (value) => {
      dialog.close();
      resolve(value);
    };
    dialog.oncancel = (event) => {
      event.preventDefault();
      if (closable) close(undefined);
    };
    dialog.replaceChildren(
      h("header", {}, h("h2", {}, title),
        closable && h("button", { type: "button", class: "plain", on: { click: () => close(undefined) } }, t("dialog.close"))),
      ...build(close),
    );
    dialog.showModal();
  });
}

export function confirmDialog(title, text, yes, danger = false) {
  return openDialog(title, (close) => [
    h("p", {}, text),
    h("div", { class: "actions" },
      h("button", { type: "button", on: { click: () => close(false) } }, t("dialog.cancel")),
      h("button", { type: "button", class: danger ? "danger" : "primary", on: { click: () => close(true) } }, yes)),
  ]);
}
