// What of the timeline is in sight: the window of time, the filters, the rows and where they are.

const SMALL = { head: 26, link: 13, folded: 4, person: 19, gap: 5 };
const ROW = { ...SMALL };
const view = {
  from: 0, to: END, width: 800, height: 400, scroll: 0, label: 180,
  bearers: new Set(model.bearers), precedences: new Set(model.precedences),
  layers: new Set(["frames", "faults", "arrows", "roll"]),
  folded: new Set(model.lanes.length > 14 ? model.lanes.map((lane) => lane.index) : []),
  search: "", hovered: null, chosen: null, rows: [], place: [], total: 0, top: 0,
};
const SHORTEST = 2000;

const x = (t) => view.label + ((t - view.from) / (view.to - view.from)) * (view.width - view.label);
const timeAt = (px) => view.from + ((px - view.label) / (view.width - view.label)) * (view.to - view.from);

function setWindow(from, to) {
  const wide = Math.min(Math.max(to - from, SHORTEST), END * 1.02);
  const middle = (from + to) / 2;
  let low = middle - wide / 2;
  low = Math.max(-0.01 * END, Math.min(low, END * 1.01 - wide));
  view.from = low;
  view.to = low + wide;
}

function zoom(factor, px) {
  const at = px === undefined ? (view.from + view.to) / 2 : timeAt(px);
  setWindow(at - (at - view.from) * factor, at + (view.to - at) * factor);
}

function pan(share) {
  const by = (view.to - view.from) * share;
  setWindow(view.from + by, view.to + by);
}

const fits = (text) => String(text).toLowerCase().includes(view.search);
const laneFits = (lane) => fits(lane.id) || fits(lane.name) || lane.links.some((link) => fits(link.name) || fits(link.bearer));
const messageFits = (m) => fits(m.text) || fits(m.key) || fits(m.id) || fits(m.by) || fits(m.whom);

function visible(m) {
  if (!view.precedences.has(m.p)) return false;
  return !view.search || messageFits(m) || [m.from, m.to].some((lane) => lane >= 0 && laneFits(model.lanes[lane]));
}

// Lay out the rows: one per node, and one per link below it unless folded. `place` is the middle of a node's head.
function layout() {
  view.rows = [];
  view.place = [];
  const wanted = new Set();
  if (view.search) {
    for (const m of DATA.messages) {
      if (messageFits(m)) for (const lane of [m.from, m.to, ...m.arrivals.map((a) => a[0])]) wanted.add(lane);
    }
  }
  stretch();
  let y = 0;
  for (const lane of model.lanes) {
    if (view.search && !laneFits(lane) && !wanted.has(lane.index)) continue;
    const links = lane.links.map((link, index) => ({ link, index })).filter((one) => view.bearers.has(one.link.bearer));
    if (lane.links.length && !links.length && view.bearers.size < model.bearers.length) continue;
    const folded = view.folded.has(lane.index);
    const head = lane.links.length ? ROW.head : ROW.person;
    const tall = folded ? ROW.folded : ROW.link;
    const row = { lane, y, head, folded, links: links.map((one, n) => ({ ...one, y: y + head + n * tall, tall })) };
    row.height = head + links.length * tall + ROW.gap;
    view.rows.push(row);
    view.place[lane.index] = y + head / 2;
    y += row.height;
  }
  view.total = y;
  const lines = stackFaults();
  view.top = 20 + 18 + lines * 17 + 4;
}

// A world of few nodes gets taller rows, up to twice as tall: about half a screen in all.
function stretch() {
  const whole = model.lanes.reduce((sum, lane) => sum + (lane.links.length ? SMALL.head + lane.links.length * SMALL.link : SMALL.person) + SMALL.gap, 0);
  const factor = Math.max(1, Math.min(2, (innerHeight * 0.5) / Math.max(whole, 1)));
  for (const [name, tall] of Object.entries(SMALL)) ROW[name] = name === "gap" ? tall : Math.round(tall * factor);
}

// Put faults on as few lines as they need; what does not fit MAX lines shares the last.
const FAULT_LINES = 8;
function stackFaults() {
  const ends = [], before = [];
  for (const fault of DATA.faults) {
    let line = ends.findIndex((end) => end <= fault.t);
    if (line < 0) line = ends.length < FAULT_LINES ? ends.length : FAULT_LINES - 1;
    ends[line] = Math.max(ends[line] ?? 0, fault.to + END * 0.06);
    fault.line = line;
    fault.next = END * 1.2;
    if (before[line]) before[line].next = fault.t;
    before[line] = fault;
  }
  return view.layers.has("faults") ? ends.length : 0;
}
