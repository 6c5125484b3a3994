// The data as the timeline wants it: columns per link in order of time, so that what is in sight is found by halving.

const END = Math.max(DATA.meta.duration, 1);
const STATES = ["up", "suspect", "down", "recovering", "blocked", "starting", "absent"];
const TELLING = ["delivered", "read", "acknowledged"];

function firstAt(times, value) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const model = (() => {
  const lanes = DATA.lanes.map((lane, index) => ({
    ...lane,
    index,
    links: lane.links.map(([name, bearer]) => ({ name, bearer, states: [], ticks: [], octets: [], bands: [], starts: [], bursts: [] })),
    power: [], bands: [], alarms: [], ticks: [], dark: [], site: [],
  }));
  for (const [lane, link, from, to, state, why] of DATA.links) {
    lanes[lane].links[link].states.push({ from, to: to < 0 ? END : to, state, why });
  }
  let at = 0;
  const { lane, link, dt, octets } = DATA.frames;
  for (let i = 0; i < lane.length; i++) {
    at += dt[i];
    const one = lanes[lane[i]].links[link[i]];
    one.ticks.push(at);
    one.octets.push(octets[i]);
  }
  for (const [on, to, t, air, octets, bearer, fate] of DATA.bursts) {
    const one = on >= 0 && lanes[on].links.find((l) => l.bearer === bearer);
    if (!one) continue;
    one.starts.push(t);
    one.bursts.push({ to, t, air, octets, fate });
  }
  const world = [];
  DATA.faults.forEach((fault) => {
    fault.to = fault.end < 0 ? END : Math.max(fault.end, fault.t);
    for (const [on, where] of fault.at) {
      if (on < 0) world.push(fault);
      else if (where < 0) lanes[on].bands.push(fault);
      else lanes[on].links[where].bands.push(fault);
    }
  });
  for (const [on, t, told, why, left] of DATA.power) {
    if (on < 0) continue;
    const state = told === "silent" ? "off" : told === "serving" || told === "isolated" ? "on" : told;
    const { power, dark } = lanes[on];
    if (left !== null) power.push([t, left]);
    if (["serving", "isolated", "silent"].includes(told)) lanes[on].site.push([t, told]);
    const last = dark[dark.length - 1];
    if (state === "off" && (!last || last.to >= 0)) dark.push({ from: t, to: -1, why });
    if (state === "on" && last && last.to < 0) last.to = t;
  }
  for (const one of lanes) for (const band of one.dark) if (band.to < 0) band.to = END;
  for (const [on, t, key, state] of DATA.alarms) if (on >= 0) lanes[on].alarms.push({ t, key, state });
  for (const [caller, station, t, call, number, state, evidence, ended] of DATA.ticks) {
    const on = station >= 0 ? station : caller;
    if (on >= 0) lanes[on].ticks.push({ t, call, number, state, evidence, ended });
  }
  const bearers = [...new Set(lanes.flatMap((one) => one.links.map((l) => l.bearer)))];
  const precedences = [...new Set(DATA.messages.map((m) => m.p))].sort((a, b) => b - a);
  return { lanes, world, bearers, precedences };
})();

const counted = (() => {
  const own = DATA.messages.filter((m) => m.typed);
  const accepted = own.filter((m) => m.accepted);
  const arrived = accepted.filter((m) => m.arrived >= 0);
  const times = arrived.map((m) => m.latency).filter((v) => v !== null).sort((a, b) => a - b);
  const share = (q) => (times.length ? times[Math.min(times.length - 1, Math.max(0, Math.ceil(q * times.length) - 1))] : null);
  return {
    typed: DATA.charts.delivery.typed.at(-1)?.[1] ?? 0,
    accepted: DATA.charts.delivery.accepted.at(-1)?.[1] ?? 0,
    delivered: DATA.charts.delivery.delivered.at(-1)?.[1] ?? 0,
    median: share(0.5),
    p99: share(0.99),
    duplicates: DATA.messages.reduce((sum, m) => sum + m.duplicates, 0),
    repeats: DATA.messages.reduce((sum, m) => sum + m.repeats, 0),
  };
})();
