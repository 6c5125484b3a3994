// The timeline as a thing people handle: canvas, overview, wheel, drag, pinch, keys, filters.

const timeline = { repaint: () => {}, reveal: () => {} };

function chips(all, chosen, label, tone, changed) {
  return all.map((one) =>
    h("button", {
      class: "chip", "aria-pressed": chosen.has(one), type: "button",
      onclick: (event) => {
        if (chosen.has(one)) chosen.delete(one);
        else chosen.add(one);
        event.currentTarget.setAttribute("aria-pressed", chosen.has(one));
        changed();
      },
    }, tone && h("i", { color: tone(one) }), label(one)));
}

function legend() {
  const used = new Set(DATA.links.map((row) => row[4]));
  const key = (tone, text) => h("span", {}, h("i", { color: tone }), text);
  return h("div", { class: "keys legend" },
    h("span", { class: "dim" }, say("legend_states")),
    STATES.filter((state) => used.has(state)).map((state) => key(`var(--${state})`, word(state))),
    DATA.power.length > 0 && key("var(--dark-band)", say("power_off")),
    DATA.bursts.length > 0 && key("var(--link)", say("burst")),
    DATA.faults.length > 0 && key("repeating-linear-gradient(135deg, var(--bad) 0 2px, transparent 2px 5px)", say("fault")),
    h("span", { class: "dim" }, say("legend_precedence")),
    model.precedences.map((p) => key(`var(--p${p})`, precedenceName(p))),
    h("span", {}, h("b", { class: "bad" }, "× "), say("no_arrival")));
}

function timelineSection() {
  const overview = h("canvas", { class: "overview" });
  const canvas = h("canvas", {});
  const spacer = h("div", {});
  const lanes = h("div", { class: "lanes", tabindex: 0, role: "application", "aria-label": say("timeline") }, canvas, spacer);
  let waiting = false;

  const sized = (node, wide, tall) => {
    const dense = Math.min(window.devicePixelRatio || 1, 2);
    if (node.width !== Math.round(wide * dense) || node.height !== Math.round(tall * dense)) {
      node.width = Math.round(wide * dense);
      node.height = Math.round(tall * dense);
    }
    node.style.height = timeline.printing ? "auto" : `${tall}px`;
    const pen = node.getContext("2d");
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    return pen;
  };

  const draw = () => {
    waiting = false;
    view.width = Math.max(lanes.clientWidth, 200);
    view.label = view.width < 600 ? 104 : 186;
    const whole = view.top + view.total;
    const limit = timeline.printing ? whole : Math.max(260, Math.round(innerHeight * (view.width < 600 ? 0.62 : 0.72)));
    view.height = Math.min(whole, limit, 16000);
    lanes.style.maxHeight = timeline.printing ? "none" : `${view.height}px`;
    spacer.style.height = `${Math.max(0, whole - view.height)}px`;
    view.scroll = lanes.scrollTop;
    paint(sized(canvas, view.width, view.height));
    paintOverview(sized(overview, view.width, 44));
  };
  timeline.repaint = () => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };
  timeline.now = draw;
  timeline.relayout = () => {
    layout();
    timeline.repaint();
  };
  timeline.reveal = (m, closer) => {
    if (closer) {
      const long = Math.max((Math.max(m.end, m.arrived) - m.t) * 1.6, 2e6);
      setWindow(m.t - long * 0.2, m.t + long * 0.8);
    } else if (m.t < view.from || m.t > view.to) {
      const wide = view.to - view.from;
      setWindow(m.t - wide / 3, m.t + (wide * 2) / 3);
    }
    const y = view.place[m.from] ?? view.place[m.to];
    if (y !== undefined && (y < lanes.scrollTop || y > lanes.scrollTop + view.height - view.top)) lanes.scrollTop = y - 80;
    timeline.repaint();
  };
  timeline.goto = (from, to) => {
    const margin = Math.max((to - from) * 0.4, 5e6);
    setWindow(from - margin, to + margin);
    lanes.scrollIntoView({ block: "nearest", behavior: "smooth" });
    timeline.repaint();
  };
  lanes.addEventListener("scroll", timeline.repaint);
  handle(lanes, canvas);
  handleOverview(overview);

  const changed = timeline.relayout;
  const layers = ["arrows", "frames", "faults", "roll"];
  const bar = h("div", { class: "bar" },
    h("div", {}, h("input", {
      type: "search", placeholder: say("search"), "aria-label": say("search"), value: view.search,
      oninput: (event) => {
        view.search = event.target.value.trim().toLowerCase();
        changed();
      },
    })),
    h("div", { class: "zoom" },
      h("button", { type: "button", "aria-label": "−", onclick: () => { zoom(1.6); timeline.repaint(); } }, "−"),
      h("button", { type: "button", "aria-label": "+", onclick: () => { zoom(0.625); timeline.repaint(); } }, "+"),
      h("button", { type: "button", onclick: () => { setWindow(0, END); timeline.repaint(); } }, say("fit")),
      h("button", {
        type: "button",
        onclick: () => {
          view.folded = view.folded.size ? new Set() : new Set(model.lanes.map((lane) => lane.index));
          changed();
        },
      }, say("fold"))),
    model.bearers.length > 1 && h("div", {}, h("label", {}, say("bearers")), chips(model.bearers, view.bearers, word, null, changed)),
    model.precedences.length > 0 && h("div", {}, h("label", {}, say("precedences")),
      chips(model.precedences, view.precedences, precedenceName, (p) => `var(--p${p})`, changed)),
    h("div", {}, h("label", {}, say("layers")), chips(layers, view.layers, (one) => say(`layer_${one}`), null, changed)));
  const hint = matchMedia("(pointer: coarse)").matches ? say("hint_touch") : say("hint");
  return h("section", { class: "long" }, h("div", { class: "title" }, h("h2", {}, say("timeline")), leftOut()),
    bar, h("div", { class: "view" }, overview, lanes), legend(), h("p", { class: "note hint" }, hint));
}

function leftOut() {
  const parts = Object.entries(DATA.left_out).map(([name, [n, all]]) => say(`left_${name}`, { n: figure(n), all: figure(all) }));
  if (DATA.hidden_people) parts.push(say("left_people", { n: DATA.hidden_people }));
  return parts.length > 0 && h("span", { class: "note" }, say("left_out", { list: parts.join(zh() ? "，" : ", ") }));
}

function paintOverview(pen) {
  const wide = view.width - view.label, tall = 44;
  const at = (t) => view.label + (t / END) * wide;
  pen.fillStyle = ink.panel;
  pen.fillRect(0, 0, view.width, tall);
  const { density } = DATA.charts;
  const most = Math.max(1, ...density);
  pen.fillStyle = ink.dim;
  density.forEach((n, i) => {
    const up = Math.sqrt(n / most) * (tall - 14);
    pen.globalAlpha = 0.35;
    pen.fillRect(view.label + (i / density.length) * wide, tall - up, Math.max(1, wide / density.length - 0.5), up);
  });
  pen.globalAlpha = 0.3;
  pen.fillStyle = ink.bad;
  for (const fault of DATA.faults) pen.fillRect(at(fault.t), 0, Math.max(1.5, at(fault.to) - at(fault.t)), 5);
  pen.globalAlpha = 1;
  for (const m of DATA.messages) {
    if (!visible(m)) continue;
    pen.fillStyle = m.arrived < 0 ? ink.bad : ink.p[m.p];
    pen.fillRect(at(m.t), 7, 1.5, m.arrived < 0 || m.p >= 4 ? 12 : 7);
  }
  pen.fillStyle = ink.text;
  pen.globalAlpha = 0.12;
  const a = Math.max(at(view.from), view.label), b = Math.min(at(view.to), view.width);
  pen.fillRect(view.label, 0, a - view.label, tall);
  pen.fillRect(b, 0, view.width - b, tall);
  pen.globalAlpha = 1;
  pen.strokeStyle = ink.link;
  pen.lineWidth = 1.5;
  pen.strokeRect(a + 0.75, 0.75, Math.max(b - a - 1.5, 2), tall - 1.5);
  pen.fillStyle = ink.dim;
  pen.font = `11px ${FONT}`;
  pen.fillText(fitted(pen, `${clock(view.from < 0 ? 0 : view.from)} – ${clock(Math.min(view.to, END))}`, view.label - 12), 8, 26);
}

function handleOverview(overview) {
  const go = (event) => {
    const t = ((event.offsetX - view.label) / (view.width - view.label)) * END;
    const half = (view.to - view.from) / 2;
    setWindow(t - half, t + half);
    timeline.repaint();
  };
  overview.addEventListener("pointerdown", (event) => {
    overview.setPointerCapture(event.pointerId);
    go(event);
  });
  overview.addEventListener("pointermove", (event) => event.buttons && go(event));
  overview.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2);
    timeline.repaint();
  }, { passive: false });
}

// What lies under the pointer: a message's arrow first, then alarms, faults, links.
function under(px, py) {
  const y = py - view.top + view.scroll;
  if (py > view.top && px > view.label && view.layers.has("arrows")) {
    let best = null, least = 7;
    for (const m of DATA.messages) {
      if (!visible(m)) continue;
      for (const [x0, y0, x1, y1, there] of segments(m)) {
        const end = there ? x1 : Math.max(x1, x0 + 10);
        const far = (end - x0) ** 2 + (y1 - y0) ** 2;
        const share = far ? Math.max(0, Math.min(1, ((px - x0) * (end - x0) + (y - y0) * (y1 - y0)) / far)) : 0;
        const away = Math.hypot(px - x0 - share * (end - x0), y - y0 - share * (y1 - y0));
        if (away < least) [best, least] = [m, away];
      }
    }
    if (best) return { message: best };
  }
  if (py < view.top) {
    const t = timeAt(px), slack = timeAt(px + 4) - t;
    const fault = DATA.faults.find((f) => f.t <= t + slack && f.to >= t - slack && Math.abs(20 + f.line * 17 + 7 - py) < 9);
    return fault ? { fault } : {};
  }
  const row = view.rows.find((one) => y >= one.y && y < one.y + one.height);
  if (!row) return {};
  const t = timeAt(px), slack = timeAt(px + 4) - t;
  const near = (list) => list.find((one) => Math.abs(one.t - t) <= slack);
  const hit = row.links.find((one) => y >= one.y && y < one.y + one.tall);
  if (px < view.label) return { row };
  if (hit) {
    const index = firstAt(hit.link.ticks, t - slack / 2);
    const frame = hit.link.ticks[index] <= t + slack / 2 && slack < 2e6 ? index : -1;
    const next = hit.link.bursts[firstAt(hit.link.starts, t - slack / 2)];
    const burst = next && next.t <= t + slack / 2 && slack < 2e6 ? next : null;
    return { row, link: hit.link, frame, burst, state: hit.link.states.find((one) => one.from <= t && one.to >= t),
      fault: hit.link.bands.find((f) => f.t <= t && f.to >= t) };
  }
  return { row, alarm: near(row.lane.alarms), tick: near(row.lane.ticks), dark: row.lane.dark.find((one) => one.from <= t && one.to >= t),
    fault: row.lane.bands.find((f) => f.t <= t && f.to >= t), power: row.lane.power.filter((p) => p[0] <= t).at(-1) };
}

function tipOf(found) {
  const lines = [];
  const { message: m, fault, state, link, frame, burst, alarm, tick, dark, power, row } = found;
  if (m) {
    lines.push(h("b", {}, m.text || say("unknown_text")));
    lines.push(`${precedenceName(m.p)} · ${m.by} → ${m.whom || laneName(m.to)} · ${clock(m.t, 1e3)}`);
    const end = m.arrived >= 0 ? `${say("delivered")} ${span(m.latency)}` : m.accepted ? say("no_arrival") : say("not_accepted");
    lines.push([end, m.state && word(m.state), m.bearer && word(m.bearer)].filter(Boolean).join(" · "));
    return lines;
  }
  if (link) lines.push(h("b", {}, `${row.lane.name || row.lane.id} · ${link.name}`));
  if (state) {
    lines.push([word(state.state), reason(state.why)].filter(Boolean).join(zh() ? "：" : ": "));
    lines.push(say("since", { t: clock(state.from, 1e5), d: span((state.to - state.from) / 1e6) }));
  }
  if (frame >= 0) lines.push(`${say(link.octets[frame] < 0 ? "rx" : "tx")} ${say("octets_n", { n: Math.abs(link.octets[frame]) })} · ${clock(link.ticks[frame], 10)}`);
  if (burst) {
    const whom = burst.to >= 0 ? ` → ${laneName(burst.to)}` : "";
    lines.push(`${say("octets_n", { n: burst.octets })}${whom} · ${say("airtime", { n: figure(burst.air / 1000) })} · ${word(burst.fate || "carried")}`);
  }
  if (alarm) lines.push(h("b", {}, `${alarm.key} · ${plain(alarm.state)}`), clock(alarm.t, 1e5));
  if (tick) lines.push(h("b", {}, say("call", { call: tick.call })), `${tick.number} ${tick.ended ? say("ended") : rollWord(tick.state)} ${tick.evidence ? `(${word(tick.evidence)})` : ""} · ${clock(tick.t, 1e5)}`);
  if (dark) lines.push(h("b", {}, say("power_off")), reason(dark.why), say("since", { t: clock(dark.from), d: span((dark.to - dark.from) / 1e6) }));
  if (power) lines.push(`${say("battery")} ${figure(power[1])} Wh`);
  if (fault) {
    lines.push(h("b", {}, `${say("fault")} ${faultWord(fault.name)} ${fault.target}`));
    lines.push(say("since", { t: clock(fault.t, 1e5), d: fault.end < 0 ? say("until_end") : span((fault.to - fault.t) / 1e6) }));
    if (fault.cause) lines.push(`${say("cause")}${zh() ? "：" : ": "}${sayOr("cause_", fault.cause)}`);
  }
  return lines.filter(Boolean);
}

function showTip(lines, px, py) {
  const tipBox = document.getElementById("tip");
  tipBox.hidden = !lines.length;
  if (!lines.length) return;
  tipBox.replaceChildren(...lines.map((line) => (typeof line === "string" ? h("span", {}, line) : line)));
  const box = tipBox.getBoundingClientRect();
  tipBox.style.left = `${Math.max(4, Math.min(px + 14, innerWidth - box.width - 6))}px`;
  tipBox.style.top = `${py + box.height + 24 > innerHeight ? py - box.height - 12 : py + 16}px`;
}

function handle(lanes, canvas) {
  const held = new Map();
  let moved = 0, pinch = 0;
  const local = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  lanes.addEventListener("wheel", (event) => {
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (sideways) pan((event.deltaX || event.deltaY) / view.width);
    else if (event.ctrlKey || event.metaKey || document.activeElement === lanes) zoom(Math.exp(event.deltaY * 0.0018), local(event)[0]);
    else return;
    event.preventDefault();
    timeline.repaint();
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    held.set(event.pointerId, event);
    moved = 0;
    lanes.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    if (held.size === 2) {
      const [a, b] = [...held.values()];
      pinch = Math.abs(a.clientX - b.clientX);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    const [px, py] = local(event);
    if (!before) {
      const found = under(px, py);
      if (px > view.label && !ground.playing) ground.at(timeAt(px));
      if (view.hovered !== (found.message ?? null)) {
        view.hovered = found.message ?? null;
        timeline.repaint();
      }
      lanes.classList.toggle("over", Boolean(found.message || found.fault || (found.row && px < view.label)));
      showTip(px < view.label ? [] : tipOf(found), event.clientX, event.clientY);
      return;
    }
    moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
    held.set(event.pointerId, event);
    showTip([], 0, 0);
    if (held.size === 2) {
      const [a, b] = [...held.values()];
      const wide = Math.abs(a.clientX - b.clientX);
      if (pinch > 10 && wide > 10) zoom(pinch / wide, (a.clientX + b.clientX) / 2 - canvas.getBoundingClientRect().left);
      pinch = wide;
    } else if (moved > 4) {
      lanes.classList.add("held");
      pan((before.clientX - event.clientX) / (view.width - view.label));
      if (event.pointerType === "mouse") lanes.scrollTop += before.clientY - event.clientY;
    }
    timeline.repaint();
  });
  const release = (event) => {
    if (held.delete(event.pointerId) && event.type === "pointerup" && moved <= 4) clicked(...local(event));
    lanes.classList.remove("held");
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => showTip([], 0, 0));
  canvas.addEventListener("dblclick", (event) => {
    zoom(0.4, local(event)[0]);
    timeline.repaint();
  });
  lanes.addEventListener("keydown", (event) => keyed(event, lanes));
}

function clicked(px, py) {
  const found = under(px, py);
  if (found.message) openPanel(found.message);
  else if (found.row && px < view.label && found.row.lane.links.length) {
    const { index } = found.row.lane;
    if (view.folded.has(index)) view.folded.delete(index);
    else view.folded.add(index);
    timeline.relayout();
  } else if (py < view.top && found.fault) timeline.goto(found.fault.t, found.fault.to);
}

function keyed(event, lanes) {
  const step = { "[": -1, "]": 1 }[event.key];
  const acts = {
    ArrowLeft: () => pan(-0.15), a: () => pan(-0.15), ArrowRight: () => pan(0.15), d: () => pan(0.15),
    "+": () => zoom(0.7), "=": () => zoom(0.7), w: () => zoom(0.7), "-": () => zoom(1.4), s: () => zoom(1.4),
    0: () => setWindow(0, END), Home: () => setWindow(0, END),
    ArrowUp: () => { lanes.scrollTop -= 60; }, ArrowDown: () => { lanes.scrollTop += 60; },
    Enter: () => view.chosen && openPanel(view.chosen), Escape: closePanel,
  };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (step) {
    const all = DATA.messages.filter(visible);
    const now = all.indexOf(view.chosen);
    view.chosen = all[now < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, now + step))] ?? null;
    if (view.chosen) {
      timeline.reveal(view.chosen);
      if (!document.getElementById("panel").hidden) openPanel(view.chosen);
    }
  } else if (has(acts, event.key)) acts[event.key]();
  else return;
  event.preventDefault();
  timeline.repaint();
}
