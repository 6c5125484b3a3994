// The map: roads, cuts, sites, who is where and what is on its way, at one instant of the run.

const ground = { t: 0, playing: false, at: () => {}, draw: () => {} };
const PLAY_S = 40;
const MAP_MAX = Math.max(420, Math.min(680, innerHeight * 0.7));

// Where a lane is at an instant; people who ride go with their vehicle. Null where nothing was told.
const tracks = new Map((DATA.land?.tracks ?? []).map(([lane, flat]) => {
  const points = [];
  for (let i = 0; i < flat.length; i += 3) points.push([flat[i], flat[i + 1], flat[i + 2]]);
  return [lane, { times: points.map((p) => p[0]), points }];
}));
const rides = new Map(DATA.land?.rides ?? []);

function placeAt(lane, t) {
  const track = tracks.get(lane);
  if (!track) return null;
  const on = tracks.get(rides.get(lane));
  if (on) {
    const [, x0, y0] = track.points[0], [, x1, y1] = on.points[0], [x2, y2] = placeAt(rides.get(lane), t);
    return [x2 + x0 - x1, y2 + y0 - y1];
  }
  const next = firstAt(track.times, t);
  if (next === 0) return track.points[0].slice(1);
  if (next === track.points.length) return track.points[next - 1].slice(1);
  const [t0, x0, y0] = track.points[next - 1], [t1, x1, y1] = track.points[next];
  const share = t1 - t0 > 12e7 ? Number(t >= t1) : (t - t0) / (t1 - t0 || 1);
  return [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
}

const holding = (spans, t) => spans.find((one) => one.from <= t && t < one.to);

function health(lane, t) {
  if (holding(lane.dark, t)) return ["dark-band", say("power_off")];
  const states = lane.links.map((link) => holding(link.states, t)?.state ?? "absent");
  const up = states.filter((state) => ["up", "suspect", "recovering"].includes(state)).length;
  const tone = up === states.length ? "good" : up ? "warn" : "bad";
  return [tone, say("links_up", { n: up, of: states.length })];
}

const siteState = (lane, t) => model.lanes[lane]?.site.filter((one) => one[0] <= t).at(-1)?.[1] ?? "serving";
const SITE_TONES = { serving: "good", isolated: "warn", silent: "dark-band" };
const cutsAt = (t) => DATA.faults.filter((f) => f.name.startsWith("cut_") && f.t <= t && t < f.to);

function mapFrame(wide) {
  const { land } = DATA;
  const xs = [], ys = [];
  for (const { points } of tracks.values()) for (const [, px, py] of points) { xs.push(px); ys.push(py); }
  for (const road of land.roads) for (const [px, py] of road.points) { xs.push(px); ys.push(py); }
  for (const zone of land.zones) { xs.push(zone.box[0], zone.box[2]); ys.push(zone.box[1], zone.box[3]); }
  let [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const margin = Math.max(east - west, north - south, 0.4) * 0.09;
  [west, east, south, north] = [west - margin, east + margin, south - margin, north + margin];
  const least = (east - west) * 0.36;
  if (north - south < least) [south, north] = [(south + north - least) / 2, (south + north + least) / 2];
  const scale = Math.min(wide / (east - west), MAP_MAX / (north - south));
  const tall = Math.max(240, (north - south) * scale);
  const left = (wide - (east - west) * scale) / 2, top = (tall - (north - south) * scale) / 2;
  return { wide, tall, scale, at: ([px, py]) => [left + (px - west) * scale, top + (north - py) * scale] };
}

const line = (frame, points, attributes) => s("polyline", { points: points.map((p) => frame.at(p).map((v) => v.toFixed(1)).join(",")).join(" "), fill: "none", ...attributes });

// Labels keep clear of each other and of the marks: the first of eight places that is free, else none at all.
function labeller(frame) {
  const taken = [];
  const free = (box) => box[0] >= 0 && box[2] <= frame.wide && box[1] >= 0 && box[3] <= frame.tall &&
    !taken.some((one) => box[0] < one[2] && one[0] < box[2] && box[1] < one[3] && one[1] < box[3]);
  const block = ([cx, cy], r) => taken.push([cx - r, cy - r, cx + r, cy + r]);
  const put = (text, [cx, cy], away, kind, must) => {
    const cells = [...text].reduce((sum, one) => sum + (one > "\u2e80" ? 12 : 6.6), 0) * (kind === "small" ? 0.88 : 1);
    const spots = [[away, 4, 0], [-away - cells, 4, 0], [-cells / 2, -away - 2, 0], [-cells / 2, away + 11, 0],
      [away, -away, 0], [away, away + 8, 0], [-away - cells, -away, 0], [-away - cells, away + 8, 0]];
    for (const [dx, dy] of spots) {
      const box = [cx + dx - 1, cy + dy - 11, cx + dx + cells + 1, cy + dy + 3];
      if (!free(box)) continue;
      taken.push(box);
      return s("text", { class: `maptext ${kind}`, x: (cx + dx).toFixed(1), y: (cy + dy).toFixed(1) }, text);
    }
    return must ? s("text", { class: `maptext ${kind}`, x: cx + away, y: cy + 4 }, text) : null;
  };
  return { block, put };
}

function stillParts(frame, cuts) {
  const { land } = DATA;
  const zones = land.zones.map((zone) => {
    const [x0, y1] = frame.at([zone.box[0], zone.box[1]]), [x1, y0] = frame.at([zone.box[2], zone.box[3]]);
    const hit = cuts.filter((f) => f.target === zone.id);
    const words = [zone.id, ...hit.map((f) => faultWord(f.name))].join(" · ");
    return s("g", { class: `zone ${hit.length ? "hit" : ""} ${zone.tunnel ? "tunnel" : ""}` }, s("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, rx: 3 }),
      s("text", { class: "maptext small", x: x0 + 6, y: y0 + 14 }, words));
  });
  const roads = land.roads.map((road) => {
    const gone = cuts.some((f) => f.name === "cut_road" && f.target === road.id);
    return [line(frame, road.points, { class: `road ${gone ? "gone" : ""}` }),
      road.tunnels.map((points) => line(frame, points, { class: "bore" }, s("title", {}, say("tunnel"))))];
  });
  const breaks = land.breaks.filter((one) => cuts.some((f) => f.name === "cut_road" && f.target === one.road)).map(({ at }) => {
    const [px, py] = frame.at(at);
    return s("path", { class: "break", d: `M${px - 7} ${py - 7}l14 14m0 -14l-14 14` });
  });
  const reach = land.sites.filter((site) => site.range > 0).map((site) => {
    const [px, py] = frame.at(site.at);
    const silent = siteState(site.lane, ground.t) === "silent";
    return !silent && s("circle", { class: "reach", cx: px, cy: py, r: site.range * frame.scale });
  });
  return [reach, zones, roads, breaks];
}

function scaleBar(frame) {
  const km = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].filter((one) => one * frame.scale < frame.wide / 4).at(-1) ?? 0.1;
  const y = frame.tall - 12, wide = km * frame.scale;
  return s("g", { class: "scale" }, s("path", { d: `M12 ${y - 5}v5h${wide.toFixed(1)}v-5` }), s("text", { class: "maptext small", x: 18 + wide, y }, `${km} ${say("km")}`));
}

function paths(frame, t) {
  return [...tracks].filter(([lane, track]) => track.points.length > 2 && !rides.has(lane)).map(([lane, track]) => {
    const next = firstAt(track.times, t);
    const gone = [...track.points.slice(0, next).map((p) => p.slice(1)), placeAt(lane, t)];
    return [line(frame, track.points.map((p) => p.slice(1)), { class: "path" }), line(frame, gone, { class: "path gone" })];
  });
}

function flights(frame, t) {
  const slack = Math.max(END / 150, 2e6);
  return DATA.messages.filter((m) => m.t <= t && t <= Math.max(m.arrived, m.arrived < 0 ? m.end : 0, m.t) + slack).flatMap((m) => {
    const begin = placeAt(m.from, t);
    const ends = m.arrivals.length ? m.arrivals.map((a) => a[0]) : [m.to];
    return ends.filter((lane) => lane !== m.from).slice(0, 12).map((lane) => {
      const end = placeAt(lane, t);
      if (!begin || !end) return null;
      const [x0, y0] = frame.at(begin), [x1, y1] = frame.at(end), bend = Math.hypot(x1 - x0, y1 - y0) * 0.12;
      const turn = Math.atan2(y1 - y0, x1 - x0) - Math.PI / 2;
      const mx = (x0 + x1) / 2 + bend * Math.cos(turn), my = (y0 + y1) / 2 + bend * Math.sin(turn);
      return s("path", { class: `flight ${m.arrived < 0 ? "lost" : ""}`, d: `M${x0} ${y0}Q${mx} ${my} ${x1} ${y1}`, stroke: `var(--p${m.p})`, onclick: () => openPanel(m) },
        s("title", {}, `${m.by} → ${m.whom || laneName(m.to)} ${m.text}`));
    });
  });
}

function marksOf(frame, t, label) {
  const sites = DATA.land.sites.map((site) => {
    const spot = frame.at(site.at), [px, py] = spot;
    const tone = SITE_TONES[siteState(site.lane, t)] ?? "dim";
    label.block(spot, 8);
    const shape = site.kind === "cell" ? `M${px} ${py - 8}l7 13h-14z` : `M${px - 9} ${py + 5}l6 -11l3 5l3 -4l6 10z`;
    return [s("path", { class: "site", d: shape, fill: `var(--${tone})` }, s("title", {}, `${site.id} ${sayOr("site_", siteState(site.lane, t))}`)), [site.id, spot, 9, "small"]];
  });
  const people = [], nodes = [];
  for (const [index] of tracks) {
    const lane = model.lanes[index];
    const spot = frame.at(placeAt(index, t)), [px, py] = spot;
    if (!lane.links.length) {
      people.push(s("circle", { class: "man", cx: px, cy: py, r: 3 }, s("title", {}, lane.name || lane.id)));
      continue;
    }
    const [tone, words] = health(lane, t);
    label.block(spot, 8);
    const cry = lane.alarms.some((one) => one.key.toLowerCase().startsWith("sos") && one.state === "raised" && one.t <= t && t < one.t + Math.max(END / 100, 6e7));
    nodes.push([[cry && s("circle", { class: "cry", cx: px, cy: py, r: 15 }), s("circle", { class: "node", cx: px, cy: py, r: 7.5, fill: `var(--${tone})` },
      s("title", {}, `${lane.name || lane.id}: ${words}`))], [lane.name || lane.id, spot, 11, ""]]);
  }
  const texts = [...nodes, ...sites].map(([, [text, spot, away, kind]]) => label.put(text, spot, away, kind, kind === ""));
  return [people, sites.map((one) => one[0]), nodes.map((one) => one[0]), texts];
}

function stateList(t) {
  return model.lanes.filter((lane) => lane.links.length).map((lane) => {
    const [tone, words] = health(lane, t);
    const left = lane.power.filter((p) => p[0] <= t).at(-1)?.[1];
    return h("li", {}, h("i", { color: `var(--${tone})`, title: words }), h("b", {}, lane.name || lane.id),
      left !== undefined && lane.battery > 0 && h("span", { class: left < lane.battery * 0.15 ? "bad" : "dim" }, `${Math.round(left)} Wh`),
      h("span", { class: "chips" }, lane.links.map((link) => {
        const state = holding(lane.dark, t) ? "absent" : holding(link.states, t)?.state ?? "absent";
        return h("em", { color: `var(--${state})`, title: word(state) }, word(link.bearer));
      })));
  });
}

function mapSection() {
  if (!DATA.land) return null;
  const box = h("div", { class: "mapbox" }), list = h("ul", { class: "states" }), clockBox = h("output", {}), cutBox = h("span", { class: "bad" });
  const slider = h("input", { type: "range", min: 0, max: 2000, value: Math.round((ground.t / END) * 2000), "aria-label": say("moment"), oninput: (event) => ground.at((event.target.value / 2000) * END) });
  const button = h("button", { type: "button", "aria-label": say("play"), onclick: () => play(!ground.playing) }, "▶");
  let waiting = false, last = 0;
  ground.draw = () => {
    waiting = false;
    const { t } = ground;
    const frame = mapFrame(Math.max(box.clientWidth, 280));
    const label = labeller(frame), cuts = cutsAt(t);
    const marks = marksOf(frame, t, label);
    box.replaceChildren(s("svg", { viewBox: `0 0 ${frame.wide} ${frame.tall}`, width: frame.wide, height: frame.tall, role: "img", "aria-label": say("map") },
      stillParts(frame, cuts), paths(frame, t), flights(frame, t), marks, scaleBar(frame)));
    list.replaceChildren(...stateList(t));
    clockBox.textContent = clock(t);
    const named = new Set(DATA.land.zones.map((zone) => zone.id));
    cutBox.textContent = cuts.filter((f) => !named.has(f.target)).map((f) => `${faultWord(f.name)} ${f.target === "all" ? say("everywhere") : f.target}`).join(zh() ? "，" : ", ");
  };
  ground.at = (t) => {
    ground.t = Math.max(0, Math.min(t, END));
    slider.value = Math.round((ground.t / END) * 2000);
    if (!waiting) requestAnimationFrame(ground.draw);
    waiting = true;
    timeline.repaint();
  };
  const step = (now) => {
    if (!ground.playing) return;
    ground.at(ground.t + ((now - last) / 1000 / PLAY_S) * END);
    last = now;
    if (ground.t >= END) play(false);
    else requestAnimationFrame(step);
  };
  const play = (on) => {
    ground.playing = on;
    button.textContent = on ? "❚❚" : "▶";
    last = performance.now();
    if (on && ground.t >= END) ground.t = 0;
    if (on) requestAnimationFrame(step);
  };
  const keys = [["good", "all_links"], ["warn", "some_links"], ["bad", "no_link"], ["dark-band", "power_off"]].map(([tone, key]) => h("span", {}, h("i", { color: `var(--${tone})` }), say(key)));
  return h("section", { class: "long" }, h("div", { class: "title" }, h("h2", {}, say("map")), clockBox, cutBox),
    h("div", { class: "ground" }, h("div", {}, box, h("div", { class: "scrub" }, button, slider)), h("div", {}, list, h("div", { class: "keys" }, keys), h("p", { class: "note" }, say("map_hint")))));
}

// Begin where it is worth looking: at what broke, else when most is cut, else half way.
ground.t = (() => {
  const cuts = DATA.faults.filter((f) => f.name.startsWith("cut_"));
  const most = (cuts.length ? cuts : DATA.faults).map((f) => f.t + Math.min((f.to - f.t) / 2, END / 25))
    .map((t) => [t, DATA.faults.filter((f) => f.t <= t && t < f.to).length]).reduce((a, b) => (b[1] > a[1] ? b : a), [END / 2, 0]);
  return DATA.broken[0]?.[1] ?? most[0];
})();
