// Small tools: elements made of text nodes only, words in the chosen language, times and figures.

const SVG = "http://www.w3.org/2000/svg";
const DATA = JSON.parse(document.getElementById("data").textContent);
const settings = { lang: location.hash.includes("en") ? "en" : "zh" };

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "color") node.style.background = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) node.append(child);
  }
  return node;
}

const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

function say(key, values) {
  const text = TEXTS[settings.lang][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values?.[name] ?? ""));
}

// A word of the run if the page has one for it, else the word as it came.
const sayOr = (prefix, name) => (has(TEXTS[settings.lang], prefix + name) ? TEXTS[settings.lang][prefix + name] : plain(name));
const zh = () => settings.lang === "zh";
const plain = (value) => String(value).replaceAll("_", " ");
const has = (table, key) => Object.prototype.hasOwnProperty.call(table, key);
const word = (value) => (zh() && has(DATA.words.zh, value) ? DATA.words.zh[value] : plain(value));
const faultWord = (value) => (zh() && has(DATA.words.faults_zh, value) ? DATA.words.faults_zh[value] : plain(value));
const rollWord = (value) => (zh() && has(DATA.words.roll_zh, value) ? DATA.words.roll_zh[value] : plain(value));
const precedenceName = (p) => {
  const name = DATA.precedences[p] ?? String(p);
  return zh() ? word(name) : name[0] + (name === "SOS" ? "OS" : name.slice(1).toLowerCase());
};

function reason(text) {
  if (!zh() || !text) return text;
  const both = /^([a-z][ -~]*?)(?: \/ | (?=[\u4e00-\u9fff]+$))([^/]*[\u4e00-\u9fff][^/]*)$/.exec(text);
  if (both) return both[2];
  const key = text.replace(/\d+(?:\.\d+)?/g, "#").toLowerCase();
  if (!has(DATA.words.reasons_zh, key)) return text;
  const numbers = text.match(/\d+(?:\.\d+)?/g) ?? [];
  return DATA.words.reasons_zh[key].replace(/#/g, () => numbers.shift() ?? "#");
}

const two = (value) => String(value).padStart(2, "0");

// Clock of the run: h:mm:ss, with as many decimals as `step` (microseconds between two marks) needs.
function clock(us, step = 1e6) {
  const decimals = step >= 1e6 ? 0 : step >= 1e5 ? 1 : step >= 1e4 ? 2 : step >= 1e3 ? 3 : 6;
  const unit = 10 ** (6 - decimals);
  const total = Math.floor(us / unit) * unit;
  const seconds = Math.floor(total / 1e6);
  const tail = decimals ? "." + String(Math.round((total - seconds * 1e6) / unit)).padStart(decimals, "0") : "";
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${tail}`;
}

function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const units = zh() ? [" 毫秒", " 秒", " 分", " 小时"] : [" ms", " s", " min", " h"];
  if (seconds < 1) return `${Math.round(seconds * 1000)}${units[0]}`;
  if (seconds < 120) return `${Number(seconds.toFixed(seconds < 9.95 ? 1 : 0))}${units[1]}`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(seconds < 600 ? 1 : 0)}${units[2]}`;
  return `${(seconds / 3600).toFixed(1)}${units[3]}`;
}

function figure(value) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en-US").replaceAll(",", "\u202f");
  return Math.abs(value) >= 100 ? value.toFixed(1) : String(Number(value.toPrecision(4)));
}

const laneName = (lane) => (lane >= 0 ? DATA.lanes[lane].name || DATA.lanes[lane].id : "");
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
