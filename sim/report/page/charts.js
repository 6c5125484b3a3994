// Charts as SVG: delivery, latency, roll calls, occupancy, energy. Series come ready; nothing is computed from ticks.

const TONES = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"].map((name) => `var(--${name})`);
// On a phone a chart is as wide as it is shown, so that its words keep their size.
const BOX = { w: Math.max(330, Math.min(560, innerWidth - 56)), h: 230, left: 44, right: 14, top: 10, bottom: 24 };
const atX = (t) => BOX.left + (t / END) * (BOX.w - BOX.left - BOX.right);
const legendKeys = (pairs) => h("div", { class: "keys" }, pairs.map(([tone, text]) => h("span", {}, h("i", { color: tone }), text)));
const empty = () => h("p", { class: "note" }, say("none"));

// A top of the axis that divides by four into whole steps.
function nice(most) {
  const step = most / 4;
  const unit = 10 ** Math.floor(Math.log10(Math.max(step, 1)));
  return 4 * unit * ([1, 2, 3, 4, 5, 6, 8, 10].find((one) => one * unit >= step) ?? 10);
}

function timeMarks(count) {
  const minutes = [1 / 60, 1 / 12, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 240, 480];
  const step = (minutes.find((one) => END / (one * 6e7) <= count) ?? 1440) * 6e7;
  return Array.from({ length: Math.floor(END / step) + 1 }, (_, i) => i * step);
}

function frame(most, label) {
  const floor = BOX.h - BOX.bottom;
  const y = (value) => floor - (value / most) * (floor - BOX.top);
  const shades = DATA.faults.map((f) => s("rect", { class: "cut", x: atX(f.t), y: BOX.top, width: Math.max(1, atX(f.to) - atX(f.t)), height: floor - BOX.top }));
  const lines = [0, 0.25, 0.5, 0.75, 1].map((share) => [
    s("line", { class: "gridline", x1: BOX.left, x2: BOX.w - BOX.right, y1: y(share * most), y2: y(share * most) }),
    s("text", { x: BOX.left - 6, y: y(share * most) + 4, "text-anchor": "end" }, label(share * most)),
  ]);
  const marks = timeMarks(7).map((t) => s("text", { x: atX(t), y: BOX.h - 6, "text-anchor": !t ? "start" : atX(t) > BOX.w - 40 ? "end" : "middle" }, clock(t)));
  return { y, base: [shades.slice(0, 200), lines, marks] };
}

const chart = (...parts) => s("svg", { class: "chart", viewBox: `0 0 ${BOX.w} ${BOX.h}`, role: "img" }, parts);

function stepPath(points, y, last) {
  let path = `M${BOX.left} ${y(0)}`;
  for (const [t, value] of points) path += `H${atX(t).toFixed(1)}V${y(value).toFixed(1)}`;
  return `${path}H${atX(last).toFixed(1)}`;
}

function deliveryChart() {
  const all = DATA.charts.delivery;
  if (!all.typed.length) return empty();
  const most = nice(Math.max(4, ...Object.values(all).map((points) => points.at(-1)?.[1] ?? 0)));
  const { y, base } = frame(most, (v) => figure(Math.round(v)));
  const lines = [["typed", "c7", 5], ["accepted", "c0", 2.2], ["delivered", "c1", 2.2]];
  return [legendKeys(lines.map(([name, tone]) => [`var(--${tone})`, `${say(name)} ${figure(all[name].at(-1)?.[1] ?? 0)}`])),
    chart(base, lines.map(([name, tone, wide]) =>
      s("path", { d: stepPath(all[name], y, END), fill: "none", stroke: `var(--${tone})`, "stroke-width": wide, opacity: wide > 3 ? 0.45 : 1 })))];
}

function latencyChart() {
  const rows = DATA.charts.latency.filter((row) => row.arrived);
  if (!rows.length) return empty();
  const tall = 34, left = 82, wide = BOX.w - left - 118, height = rows.length * tall + 30;
  const values = rows.flatMap((row) => row.s).map((v) => Math.max(v, 0.01));
  const low = Math.floor(Math.log10(Math.min(...values))), high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const at = (v) => left + ((Math.log10(Math.max(v, 0.01)) - low) / (high - low)) * wide;
  const grid = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).map((v) => [
    s("line", { class: "gridline", x1: at(v), x2: at(v), y1: 4, y2: height - 24 }),
    s("text", { x: at(v), y: height - 8, "text-anchor": "middle" }, span(v)),
  ]);
  const bars = rows.map((row, i) => {
    const y = i * tall + 20, tone = `var(--p${row.p})`, [p50, p90, p99, most] = row.s;
    return [s("text", { class: "strong", x: left - 10, y: y + 4, "text-anchor": "end" }, precedenceName(row.p)),
      s("line", { x1: at(p50), x2: at(p90), y1: y, y2: y, stroke: tone, "stroke-width": 7, opacity: 0.55 }),
      s("line", { x1: at(p90), x2: at(p99), y1: y, y2: y, stroke: tone, "stroke-width": 2 }),
      s("line", { x1: at(most), x2: at(most), y1: y - 6, y2: y + 6, stroke: tone, "stroke-width": 2 }),
      s("circle", { cx: at(p50), cy: y, r: 5, fill: tone }, s("title", {}, `p50 ${span(p50)} · p90 ${span(p90)} · p99 ${span(p99)} · max ${span(most)}`)),
      s("text", { x: BOX.w - 6, y: y + 4, "text-anchor": "end", class: row.arrived < row.n ? "strong" : "" }, `${span(p50)} · ${row.arrived}/${row.n}`)];
  });
  return [h("p", { class: "note" }, say("percentiles")), s("svg", { class: "chart", viewBox: `0 0 ${BOX.w} ${height}`, role: "img" }, grid, bars)];
}

const ROLL = [["answered", "--good"], ["relayed", "--c5"], ["substitute", "--c0"], ["inferred", "--c6"], ["late", "--c2"], ["wrong_station", "--c3"], ["fault", "--c4"], ["absent", "--bad"], ["excused", "--c7"], ["maintenance", "--p0"], ["pending", "--line"]];

function rollCharts() {
  const calls = DATA.charts.roll_calls.filter((call) => call.points.length);
  if (!calls.length) return empty();
  return calls.slice(0, 6).map((call) => {
    const end = Math.max(call.end, call.points.at(-1)[0]) + 1;
    const begin = call.begin, long = Math.max(end - begin, 1e6) * 1.04;
    const at = (t) => BOX.left + ((t - begin) / long) * (BOX.w - BOX.left - BOX.right);
    const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
    const most = Math.max(...call.points.map((p) => sum(p[1])), 1);
    const floor = 150, y = (v) => floor - (v / most) * (floor - 12);
    const shapes = [];
    const used = ROLL.filter(([state]) => call.points.some((p) => p[1][state]));
    call.points.forEach(([t, counts], i) => {
      const next = call.points[i + 1]?.[0] ?? begin + long;
      let under = 0;
      for (const [state, tone] of used) {
        const n = counts[state] ?? 0;
        if (n && next > t) shapes.push(s("rect", { x: at(t), width: Math.max(0.5, at(next) - at(t) + 0.3), y: y(under + n), height: y(under) - y(under + n), fill: `var(${tone})`, opacity: 0.85 }));
        under += n;
      }
    });
    const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => s("text", { x: at(begin + share * long), y: 168, "text-anchor": !share ? "start" : share === 1 ? "end" : "middle" }, `+${span((share * long) / 1e6)}`));
    const last = call.points.at(-1)[1];
    return h("div", {}, h("h3", {}, `${say("call", { call: call.call })} · ${clock(begin)} · ${laneName(DATA.lanes.findIndex((lane) => lane.id === call.node)) || call.node}`),
      legendKeys(used.filter(([state]) => state !== "pending" || last.pending).map(([state, tone]) => [`var(${tone})`, `${rollWord(state)} ${last[state] ?? 0}`])),
      s("svg", { class: "chart", viewBox: `0 0 ${BOX.w} 174`, role: "img" }, shapes,
        s("line", { class: "axis", x1: BOX.left, x2: BOX.w - BOX.right, y1: floor, y2: floor }),
        s("text", { x: BOX.left - 6, y: 18, "text-anchor": "end" }, most), s("text", { x: BOX.left - 6, y: floor, "text-anchor": "end" }, 0), marks));
  });
}

function bearerLines(series, label) {
  const names = Object.keys(series);
  if (!names.length) return empty();
  const tall = 46;
  const height = names.length * tall + 22, left = 92;
  const at = (i, n) => left + (i / n) * (BOX.w - left - 78);
  const rows = names.map((name, row) => {
    const values = series[name], most = Math.max(...values) || 1, base = (row + 1) * tall - 4;
    const y = (v) => base - (v / most) * (tall - 14);
    let path = `M${left} ${base}`;
    values.forEach((v, i) => { path += `V${y(v).toFixed(1)}H${at(i + 1, values.length).toFixed(1)}`; });
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return [s("path", { d: `${path}V${base}Z`, fill: TONES[(model.bearers.includes(name) ? model.bearers.indexOf(name) : row) % 8], opacity: 0.75 }),
      s("line", { class: "axis", x1: left, x2: BOX.w - 78, y1: base, y2: base }),
      s("text", { class: "strong", x: left - 8, y: base - 12, "text-anchor": "end" }, word(name)),
      s("text", { class: "strong", x: BOX.w - 4, y: base - 14, "text-anchor": "end" }, `⌀ ${label(mean)}`),
      s("text", { x: BOX.w - 4, y: base, "text-anchor": "end" }, `${say("peak")} ${label(most)}`)];
  });
  const marks = timeMarks(6).map((t) => s("text", { x: left + (t / END) * (BOX.w - left - 78), y: height - 4, "text-anchor": !t ? "start" : t > END * 0.95 ? "end" : "middle" }, clock(t)));
  return s("svg", { class: "chart", viewBox: `0 0 ${BOX.w} ${height}`, role: "img" }, rows, marks);
}

function energySparks() {
  const nodes = Object.entries(DATA.charts.energy).filter(([, points]) => points.length > 1);
  if (!nodes.length) return empty();
  return h("div", { class: "sparks" }, nodes.map(([node, points]) => {
    const lane = DATA.lanes.find((one) => one.id === node);
    const most = Math.max(lane?.battery ?? 0, ...points.map((p) => p[1])) || 1;
    const path = points.map(([t, v], i) => `${i ? "L" : "M"}${((t / END) * 200).toFixed(1)} ${(38 - (v / most) * 34).toFixed(1)}`).join("");
    const left = points.at(-1)[1];
    return h("div", {}, h("h3", {}, h("span", {}, lane?.name || node), h("span", { class: left < most * 0.15 ? "bad" : "dim" }, `${figure(left)} / ${figure(most)} Wh`)),
      s("svg", { class: "chart", viewBox: "0 0 200 40", role: "img" }, s("path", { d: `${path}L${(points.at(-1)[0] / END) * 200} 38L${(points[0][0] / END) * 200} 38Z`, fill: "var(--warn-bg)" }),
        s("path", { d: path, fill: "none", stroke: "var(--warn)", "stroke-width": 1.5 }), s("line", { class: "axis", x1: 0, x2: 200, y1: 39, y2: 39 })));
  }));
}

function chartSections() {
  const percent = (v) => `${(v * 100).toFixed(v < 0.1 ? 1 : 0)} %`;
  const box = (title, ...parts) => h("section", {}, h("div", { class: "title" }, h("h2", {}, say(title))), parts);
  const found = [box("delivery", deliveryChart()), box("latency", latencyChart())];
  if (DATA.charts.roll_calls.length) found.push(box("roll_call", rollCharts()));
  if (Object.keys(DATA.charts.air).length) found.push(box("air", bearerLines(DATA.charts.air, percent)));
  if (Object.keys(DATA.charts.octets).length) found.push(box("octets", bearerLines(DATA.charts.octets, (v) => figure(Math.round(v * 10) / 10))));
  if (Object.keys(DATA.charts.energy).length) found.push(box("energy", energySparks()));
  if (Object.keys(DATA.charts.energy).length > 6) found.at(-1).classList.add("wide");
  return h("div", { class: "grid pair" }, found);
}
