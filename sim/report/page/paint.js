// Drawing the timeline. Only what is in sight is touched; colours come from the style sheet.

let ink = {};
function readInk() {
  const names = ["bg", "panel", "raised", "line", "text", "dim", "bad", "bad-bg", "good", "warn", "grid", "dark-band", "dark-text", "shade", "link", ...STATES];
  ink = Object.fromEntries(names.map((name) => [name, color(name)]));
  ink.p = [0, 1, 2, 3, 4, 5].map((p) => color(`p${p}`));
}
const FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';

function fitted(pen, text, room) {
  if (room < 14) return "";
  if (pen.measureText(text).width <= room) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pen.measureText(text.slice(0, middle) + "…").width <= room) low = middle;
    else high = middle - 1;
  }
  return low ? text.slice(0, low) + "…" : "";
}

function hatched(pen, left, top, wide, tall, tone) {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, wide, tall);
  pen.clip();
  pen.globalAlpha = 0.16;
  pen.fillStyle = tone;
  pen.fillRect(left, top, wide, tall);
  pen.globalAlpha = 0.55;
  pen.strokeStyle = tone;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = left - tall - (left % 7); at < left + wide; at += 7) {
    pen.moveTo(at, top + tall);
    pen.lineTo(at + tall, top);
  }
  pen.stroke();
  pen.restore();
}

const clampX = (t) => Math.max(view.label, Math.min(view.width, x(t)));

function marks() {
  const steps = [1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1.5e7, 3e7, 6e7, 1.2e8, 3e8, 6e8, 9e8, 1.8e9, 3.6e9, 7.2e9, 1.44e10];
  const room = (view.width - view.label) / (view.width < 600 ? 70 : 96);
  const step = steps.find((one) => (view.to - view.from) / one <= room) ?? 2.88e10;
  const found = [];
  for (let t = Math.max(0, Math.ceil(view.from / step) * step); t <= Math.min(view.to, END); t += step) found.push(t);
  return { step, found };
}

function paint(pen) {
  const { width, height } = view;
  pen.fillStyle = ink.panel;
  pen.fillRect(0, 0, width, height);
  const { step, found } = marks();
  pen.strokeStyle = ink.grid;
  pen.beginPath();
  for (const t of found) {
    const px = Math.round(x(t)) + 0.5;
    pen.moveTo(px, view.top);
    pen.lineTo(px, height);
  }
  pen.stroke();
  pen.save();
  pen.beginPath();
  pen.rect(0, view.top, width, height - view.top);
  pen.clip();
  pen.translate(0, view.top - view.scroll);
  const inSight = view.rows.filter((row) => row.y + row.height >= view.scroll && row.y <= view.scroll + height);
  for (const row of inSight) paintRow(pen, row);
  if (view.layers.has("faults")) for (const fault of model.world) paintWorld(pen, fault);
  for (const row of inSight) paintMarks(pen, row);
  if (view.layers.has("arrows")) paintMessages(pen);
  paintBroken(pen);
  for (const row of inSight) paintLabel(pen, row);
  pen.restore();
  paintTop(pen, step, found);
  if (DATA.land && ground.t >= view.from && ground.t <= view.to) paintMoment(pen);
}

// The instant that the map shows.
function paintMoment(pen) {
  const px = Math.round(x(ground.t)) + 0.5;
  pen.strokeStyle = pen.fillStyle = ink.link;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(px, view.top - 6);
  pen.lineTo(px, view.height);
  pen.stroke();
  pen.beginPath();
  pen.moveTo(px - 5, view.top - 11);
  pen.lineTo(px + 5, view.top - 11);
  pen.lineTo(px, view.top - 3);
  pen.fill();
}

function paintRow(pen, row) {
  const left = clampX(0), right = clampX(END);
  pen.fillStyle = ink.shade;
  pen.fillRect(left, row.y + 1, right - left, row.height - ROW.gap);
  for (const { link, y, tall } of row.links) {
    const thick = row.folded ? tall - 1 : tall - 4;
    const top = row.folded ? y : y + 2;
    for (const one of link.states) {
      if (one.to < view.from || one.from > view.to) continue;
      const a = clampX(one.from), b = clampX(one.to);
      pen.fillStyle = ink[one.state] || ink.absent;
      pen.fillRect(a, top, Math.max(b - a, 0.75), thick);
    }
    if (view.layers.has("frames") && !row.folded) {
      paintFrames(pen, link, top, thick);
      paintBursts(pen, link, top + thick);
    }
    if (view.layers.has("faults")) {
      for (const fault of link.bands) {
        const a = clampX(fault.t), b = clampX(fault.to);
        if (b > a || (fault.t >= view.from && fault.t <= view.to)) hatched(pen, a, top - 1, Math.max(b - a, 2), thick + 2, ink.bad);
      }
    }
  }
  const tall = row.height - ROW.gap;
  if (view.layers.has("faults")) {
    for (const fault of row.lane.bands) {
      const a = clampX(fault.t), b = clampX(fault.to);
      const deep = fault.name.startsWith("cut_") ? Math.min(5, tall) : tall; // a cause, not what it did here
      if (b > a || (fault.t >= view.from && fault.t <= view.to)) hatched(pen, a, row.y + 1, Math.max(b - a, 2), deep, ink.bad);
    }
  }
  for (const one of row.lane.dark) {
    const a = clampX(one.from), b = clampX(one.to);
    if (b <= a) continue;
    pen.fillStyle = ink["dark-band"];
    pen.globalAlpha = 0.86;
    pen.fillRect(a, row.y + 1, b - a, tall);
    pen.globalAlpha = 1;
    pen.fillStyle = ink["dark-text"];
    pen.font = `11px ${FONT}`;
    pen.fillText(fitted(pen, say("power_off") + (one.why ? ` · ${reason(one.why)}` : ""), b - a - 12), a + 6, row.y + row.head / 2 + 4);
  }
}

function paintFrames(pen, link, top, thick) {
  const begin = firstAt(link.ticks, view.from), end = firstAt(link.ticks, view.to);
  let last = -9;
  pen.fillStyle = ink.text;
  pen.globalAlpha = end - begin > view.width / 3 ? 0.4 : 0.75;
  for (let i = begin; i < end; i++) {
    const px = Math.round(x(link.ticks[i]));
    if (px === last) continue;
    last = px;
    const sent = link.octets[i] >= 0;
    pen.fillRect(px, sent ? top : top + thick / 2, 1, thick / 2);
  }
  pen.globalAlpha = 1;
}

// Bursts on the air lie along the lower edge: as long as their airtime, red when they did not get across.
function paintBursts(pen, link, edge) {
  const end = firstAt(link.starts, view.to);
  let last = -9, lost = false;
  for (let i = firstAt(link.starts, view.from - 60e6); i < end; i++) {
    const { t, air, fate } = link.bursts[i];
    const bad = fate !== "" && fate !== "carried";
    const a = clampX(t), b = clampX(t + air);
    if (b < view.label || (Math.round(b) === last && lost >= bad)) continue;
    last = Math.round(b);
    lost = bad;
    pen.fillStyle = bad ? ink.bad : ink.link;
    pen.fillRect(a, edge - (bad ? 3 : 2), Math.max(b - a, 1.5), bad ? 4 : 2);
  }
}

function paintWorld(pen, fault) {
  const a = clampX(fault.t), b = clampX(fault.to);
  if (b > a) {
    pen.globalAlpha = 0.07;
    pen.fillStyle = ink.bad;
    pen.fillRect(a, view.scroll, b - a, view.height);
    pen.globalAlpha = 1;
  }
}

function paintMarks(pen, row) {
  const { lane } = row;
  if (lane.power.length > 1) {
    const most = Math.max(lane.battery, ...lane.power.map((p) => p[1])) || 1;
    pen.strokeStyle = ink.warn;
    pen.lineWidth = 1.25;
    pen.beginPath();
    lane.power.forEach(([t, left], i) => {
      const px = Math.max(view.label - 50, Math.min(view.width + 50, x(t)));
      const py = row.y + row.head - 3 - (left / most) * (row.head - 7);
      if (i) pen.lineTo(px, py);
      else pen.moveTo(px, py);
    });
    pen.stroke();
  }
  if (view.layers.has("roll")) {
    for (const tick of lane.ticks) {
      if (tick.t < view.from || tick.t > view.to) continue;
      pen.fillStyle = rollInk(tick);
      pen.fillRect(Math.round(x(tick.t)) - 1, row.y + 3, 3, row.head - 6);
    }
  }
  for (const alarm of lane.alarms) {
    if (alarm.t < view.from || alarm.t > view.to || !alarm.key.toLowerCase().startsWith("sos")) continue;
    if (alarm.state === "raised") sosMark(pen, x(alarm.t), row.y + 9);
  }
}

function rollInk(tick) {
  if (tick.ended) return ink.text;
  if (["answered", "substitute", "relayed"].includes(tick.state)) return ink.good;
  if (["absent", "fault", "wrong_station"].includes(tick.state)) return ink.bad;
  return ["late", "inferred"].includes(tick.state) ? ink.suspect : ink.dim;
}

function sosMark(pen, px, py) {
  pen.fillStyle = ink.p[5];
  pen.beginPath();
  pen.arc(px, py, 8, 0, 7);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.font = `bold 7px ${FONT}`;
  pen.textAlign = "center";
  pen.fillText("SOS", px, py + 3);
  pen.textAlign = "left";
}

// Ends of one message's arrows, in the rows' coordinates; empty when it is not in sight.
function segments(m) {
  const y0 = view.place[m.from] ?? view.place[m.to];
  if (y0 === undefined) return [];
  if (!m.arrivals.length) return m.arrived >= 0 ? [[x(m.t), y0, x(m.arrived), y0, true]] : [[x(m.t), y0, x(Math.max(m.end, m.t)), y0, false]];
  return m.arrivals.filter(([lane]) => view.place[lane] !== undefined).map(([lane, t]) => [x(m.t), y0, x(t), view.place[lane], true]);
}

function paintMessages(pen) {
  const found = DATA.messages.filter((m) => visible(m) && Math.max(m.end, m.arrived) >= view.from && m.t <= view.to);
  const dense = found.length > 250 ? Math.max(0.08, Math.min(0.4, 120 / found.length)) : 0;
  pen.save();
  pen.beginPath();
  pen.rect(view.label, view.scroll, view.width, view.height);
  pen.clip();
  for (const strong of [false, true]) {
    for (const m of found) {
      const special = m.failing || m === view.hovered || m === view.chosen;
      if (special === strong) paintMessage(pen, m, special, special ? 0 : dense);
    }
  }
  pen.restore();
}

function paintMessage(pen, m, special, faint) {
  const tone = m.failing ? ink.bad : ink.p[m.p];
  for (const [x0, y0, x1, y1, there] of segments(m)) {
    if (Math.max(y0, y1) < view.scroll || Math.min(y0, y1) > view.scroll + view.height) continue;
    pen.strokeStyle = pen.fillStyle = tone;
    pen.globalAlpha = faint ? (m.p >= 4 ? Math.min(0.8, faint * 4) : faint) : 1;
    pen.lineWidth = special ? 3 : faint ? 1 : 1.6;
    pen.setLineDash(there ? [] : [4, 3]);
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
    pen.setLineDash([]);
    if (!faint || m.p >= 5) {
      pen.beginPath();
      pen.arc(x0, y0, m.p === 5 ? 6 : special ? 4.5 : 3, 0, 7);
      pen.fill();
    }
    if (there && !faint) tip(pen, x0, y0, x1, y1);
    if (!there) cross(pen, Math.max(x1, x0 + 10), y1, special ? 6 : 4.5);
  }
  pen.globalAlpha = 1;
}

function tip(pen, x0, y0, x1, y1) {
  const way = Math.atan2(y1 - y0, x1 - x0 || 0.001);
  pen.beginPath();
  pen.moveTo(x1, y1);
  for (const turn of [2.75, -2.75]) pen.lineTo(x1 + 9 * Math.cos(way + turn), y1 + 9 * Math.sin(way + turn));
  pen.fill();
}

function cross(pen, px, py, size) {
  pen.lineWidth = 2.2;
  pen.strokeStyle = ink.bad;
  pen.beginPath();
  pen.moveTo(px - size, py - size);
  pen.lineTo(px + size, py + size);
  pen.moveTo(px + size, py - size);
  pen.lineTo(px - size, py + size);
  pen.stroke();
}

function paintBroken(pen) {
  pen.fillStyle = ink.bad;
  for (const [, t] of DATA.broken) if (t >= view.from && t <= view.to) pen.fillRect(Math.round(x(t)), view.scroll, 2, view.height);
}

function paintLabel(pen, row) {
  pen.fillStyle = ink.panel;
  pen.fillRect(0, row.y, view.label - 1, row.height);
  pen.fillStyle = ink.text;
  const { lane } = row;
  const person = !lane.links.length;
  pen.font = `${person ? "" : "600 "}${person ? 12 : 13}px ${FONT}`;
  const fold = person ? "" : row.folded ? "▸ " : "▾ ";
  const shown = fitted(pen, fold + (lane.name || lane.id), view.label - (person ? 30 : 16));
  pen.fillText(shown, person ? 22 : 8, row.y + row.head / 2 + 4.5);
  if (lane.name && lane.name !== lane.id) {
    const used = (person ? 22 : 8) + pen.measureText(shown).width + 6;
    pen.fillStyle = ink.dim;
    pen.font = `11px ${FONT}`;
    pen.fillText(fitted(pen, lane.id, view.label - used - 8), used, row.y + row.head / 2 + 4.5);
  }
  if (!row.folded) {
    pen.fillStyle = ink.dim;
    pen.font = `10.5px ${FONT}`;
    for (const { link, y, tall } of row.links) {
      const told = link.name === link.bearer ? word(link.bearer) : `${link.name} ${word(link.bearer)}`;
      pen.fillText(fitted(pen, told, view.label - 34), 24, y + tall / 2 + 3.5);
    }
  }
  pen.fillStyle = ink.line;
  pen.fillRect(0, row.y + row.height - 3, view.width, 1);
}

function paintTop(pen, step, found) {
  pen.fillStyle = ink.raised;
  pen.fillRect(0, 0, view.width, view.top);
  pen.font = `11px ${FONT}`;
  for (const [from, to, name] of DATA.phases) {
    const a = clampX(from), b = clampX(to < 0 ? END : to);
    if (b <= a) continue;
    pen.fillStyle = name === "safety" ? ink["bad-bg"] : name === "liveness" || name === "heal" ? ink.up : ink.line;
    pen.globalAlpha = 0.75;
    pen.fillRect(a, 2, b - a - 1, 16);
    pen.globalAlpha = 1;
    pen.fillStyle = ink.text;
    pen.fillText(fitted(pen, sayOr("phase_", name), b - a - 10), a + 5, 14);
  }
  if (view.layers.has("faults")) {
    for (const fault of DATA.faults) {
      const a = clampX(fault.t), b = Math.max(clampX(fault.to), a + 3);
      if (fault.to < view.from || fault.t > view.to) continue;
      const y = 20 + fault.line * 17;
      hatched(pen, a, y, b - a, 15, ink.bad);
      pen.fillStyle = ink.text;
      pen.fillText(fitted(pen, `${faultWord(fault.name)} ${fault.target}${["", "scenario", "swarm"].includes(fault.cause) ? "" : ` · ${fault.cause}`}`, Math.min(Math.max(b - a, 240), x(fault.next) - a) - 8), a + 4, y + 11.5);
    }
  }
  pen.fillStyle = ink.dim;
  for (const t of found) {
    const px = x(t);
    if (px > view.label - 2 && px < view.width - 46) pen.fillText(clock(t, step), px + 3, view.top - 7);
    if (px >= view.label) pen.fillRect(Math.round(px), view.top - 6, 1, 6);
  }
  pen.fillStyle = ink.bad;
  for (const [, t, promise] of DATA.broken) {
    if (t < view.from || t > view.to) continue;
    const px = Math.round(x(t)), text = promise || "!";
    pen.fillRect(px, view.top - 18, pen.measureText(text).width + 10, 15);
    pen.fillStyle = ink.panel;
    pen.fillText(text, px + 5, view.top - 6.5);
    pen.fillStyle = ink.bad;
  }
  pen.fillStyle = ink.raised;
  pen.fillRect(0, 0, view.label - 1, view.top);
  pen.fillStyle = ink.dim;
  if (view.layers.has("faults") && DATA.faults.length) pen.fillText(fitted(pen, say("faults_title"), view.label - 16), 8, 32);
  pen.fillStyle = ink.line;
  pen.fillRect(view.label - 1, 0, 1, view.height);
  pen.fillRect(0, view.top - 1, view.width, 1);
}
