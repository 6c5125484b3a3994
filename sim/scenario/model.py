"""A scenario as objects: what a TOML file says, and what Python says with the same words.

Places are kilometres east and north of the area's south-west corner. Times are seconds after the start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from drivers.base import Precedence
from sim.faults.model import Fault


@dataclass(frozen=True, slots=True)
class Span:
    """A value, or a range from which each seed draws one: "25m..40m", "0..0.3", 5."""

    low: float
    high: float

    @property
    def fixed(self) -> bool:
        """Whether every seed gets the same value."""
        return self.low == self.high


ZERO = Span(0.0, 0.0)


class Env(Enum):
    """What stands around: picks the branch of Hata's formula and the shadowing."""

    URBAN_LARGE = "urban_large"
    URBAN = "urban"
    SUBURBAN = "suburban"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The land. `origin` is latitude and longitude of the south-west corner.

    `model` "hata" is the full chain (Hata, Egli or two-ray for low antennas, free-space floor); "flat" is a
    perfect channel, for worlds that are about something else.
    """

    model: str = "hata"
    env: Env = Env.SUBURBAN
    sigma_db: float = 7.5
    shadow_m: float = 100.0
    size_km: tuple[float, float] = (20.0, 20.0)
    origin: tuple[float, float] = (31.0, 103.6)
    mesh: str = "ip"
    """"ip": routed, some megabits; "lora": flooded, some kilobits, further by hop. What bearer "mesh" is."""
    mesh_loss: float = 0.0
    """Share of frames that each hop of the mesh loses besides, in runs (Gilbert and Elliott)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """A line that routes follow; `tunnels` are stretches (from_km, to_km) without sky or cells."""

    id: str
    points: tuple[tuple[float, float], ...]
    tunnels: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A named rectangle (west, south, east, north) in km, for cuts; `tunnel`: no sky, no cells inside."""

    id: str
    box: tuple[float, float, float, float]
    tunnel: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A cell (4G/5G) or a PDT relay on a hill: mains, battery hours, backhaul."""

    id: str
    kind: str = "cell"
    """"cell" or "relay"."""
    at: tuple[float, float] = (0.0, 0.0)
    antenna_m: float = 30.0
    power_dbm: float = 46.0
    battery_h: Span = Span(4.0, 4.0)
    range_km: float = 0.0
    """0: from the link budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSpec:
    """How wrong a box's date is at the start, and how fast it drifts."""

    offset_s: Span = ZERO
    drift_ppm: Span = ZERO
    kept: bool = True
    """Whether the date outlives a power loss; without a button cell it is 1970 afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A gateway (headquarters, vehicle, relay hill). A pattern such as "veh-{1..6}" in `id` makes several.

    `links` names bearers: pdt, tiantong, beidou, vsat, cellular, mesh, lan; "tiantong|beidou": each seed
    chooses one of them, for all nodes alike.
    """

    id: str
    links: tuple[str, ...]
    station: int = 0
    """0: numbered by order."""
    name: str = ""
    headquarters: bool = False
    department: str = ""
    at: tuple[float, float] | None = None
    near: str = ""
    within_km: float = 0.0
    route: str = ""
    speed_kmh: float = 0.0
    start_km: Span = ZERO
    """Kilometres along `route` where it stands at the start."""
    leaves_s: Span = ZERO
    """When it sets out along `route`."""
    antenna_m: float = 3.0
    mains: bool = False
    battery_wh: Span = Span(1200.0, 1200.0)
    load_w: float = 25.0
    clock: ClockSpec = ClockSpec()
    beidou_period_s: float = 60.0
    heartbeat_s: Span = ZERO
    """Longest between heartbeats of its IP links; terminals are polled in proportion. 0: as shipped."""
    settings: str = ""
    """More TOML for the gateway's configuration file, as a user would write it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People with a device. A pattern such as "hh-{1..20}" in `id` makes several.

    `kind`: "handheld" (PDT), "phone" (Tiantong), "handset" (Beidou). `tier` "person": byte-level devices with
    people who answer; "crowd": callbacks that register, talk and send on the shared channel.
    """

    id: str
    kind: str = "handheld"
    tier: str = "person"
    slot: int = 1
    """Of a crowd: 1 shares the slot of the gateways' radios, 2 has the other slot of the frequency."""
    station: int = 0
    """Of the first; 0: numbered by order, from FIRST_PERSON on."""
    name: str = ""
    """"{n}" in it is the part of `id` that differs."""
    via: str = ""
    """Node pattern that serves them ("veh-*": spread evenly)."""
    at: tuple[float, float] | None = None
    """Where they stand; None: round the node that serves them."""
    within_km: float = 1.0
    every_s: Span = ZERO
    """How often each types a text of its own (0: never)."""
    answers: str = "到"
    answer_s: Span = Span(3.0, 12.0)
    share: float = 1.0
    battery_h: Span = Span(12.0, 12.0)
    mains: bool = False
    """Whether each has a charger at a socket: then its hours begin when the mains there are cut."""
    department: str = ""
    excused: bool = False
    checked: bool = True
    """Whether the set answers an online check by itself."""
    off: bool = False
    """Switched off from the beginning."""


FIRST_PERSON = 1001
"""Where numbering of people begins: gateways may be appended below it without renumbering anybody."""


class Do(Enum):
    """What an action does. `who` acts, `to` receives."""

    SEND = "send"
    """A client of gateway `who` sends `text` to `to`; `count` times, `every_s` apart."""
    TYPE = "type"
    """Person `who` types `text` (to headquarters unless it begins with @); `count` times, `every_s` apart."""
    SOS = "sos"
    """Handheld `who` presses its emergency button."""
    CANCEL = "cancel"
    """Handheld `who` cancels its emergency."""
    REGISTER = "register"
    """Handheld `who` registers on its net again, as one does that was out of reach."""
    ROLL_CALL = "rollcall"
    """Gateway `who` calls `to` ("all", a group, a pattern) within `within_s`."""
    QUIET = "quiet"
    """Gateway `who` stops transmitting on `link` for `for_s`."""
    VOICE = "voice"
    """Somebody speaks on the PDT net for `for_s`."""
    MOVE = "move"
    """Node `who` drives on along its route, or to `to` (an "x,y" in km)."""
    CUT_ROAD = "cut_road"
    """Road `who` is gone behind `at_km`: units on it stop."""
    CUT_NETWORK = "cut_network"
    """The backhaul of sites in `area` (or site `who`) dies for `for_s`; cells stay up, isolated.
    Neither named: everywhere. `for_s` 0: until healed."""
    CUT_POWER = "cut_power"
    """Mains off in `area` for `for_s`: every device lives as long as its battery. "": everywhere."""
    FAULT = "fault"
    """Exactly `fault`, at `t` for `for_s`: its own `at_s` and `for_s` are 0 until a seed draws them."""
    HEAL = "heal"
    """Everything that was cut is mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that happens at a time, or at a time drawn from a range."""

    t: Span
    do: Do
    who: str = ""
    to: str = ""
    text: str = ""
    precedence: Precedence = Precedence.ROUTINE
    count: int = 1
    every_s: Span = ZERO
    for_s: Span = ZERO
    within_s: float = 300.0
    lifetime_s: int = 0
    area: str = ""
    link: str = ""
    at_km: float = 0.0
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Swarm:
    """What each seed draws for itself: the faults of the safety phase. Rates are per node and hour."""

    loss: Span = ZERO
    duplicate: Span = ZERO
    reorder_s: Span = ZERO
    corrupt: Span = ZERO
    clog_s: Span = ZERO
    clogs_per_h: Span = ZERO
    partitions_per_h: Span = ZERO
    crashes_per_h: Span = ZERO
    power_cuts_per_h: Span = ZERO
    torn: Span = Span(0.0, 1.0)
    pauses_per_h: Span = ZERO
    disk_full_per_h: Span = ZERO
    clock_steps_per_h: Span = ZERO
    clock_step_s: Span = ZERO
    restores_per_h: Span = ZERO
    clones_per_h: Span = ZERO
    device_faults_per_h: Span = ZERO
    messages_per_h: Span = ZERO
    """What each gateway sends to random gateways and people, of random precedence; people type as many."""


class Rule(Enum):
    """How an expectation is judged."""

    ALWAYS = "always"
    """`name` is a promise P1..P8 (or "promises" for all): never broken."""
    EVENTUALLY = "eventually"
    """`name` becomes true within `within_s` after the world was healed."""
    METRIC = "metric"
    """Metric `name` lies between `low` and `high`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What must hold."""

    rule: Rule
    name: str
    within_s: float = 1800.0
    low: float = float("-inf")
    high: float = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything. `duration_s` is the safety phase; liveness follows for at most the longest `within_s`."""

    name: str
    title_zh: str
    title_en: str
    duration_s: float
    seed: int = 1
    area: Area = Area()
    roads: tuple[Road, ...] = ()
    zones: tuple[Zone, ...] = ()
    sites: tuple[Site, ...] = ()
    nodes: tuple[Node, ...] = ()
    groups: tuple[Group, ...] = ()
    actions: tuple[Action, ...] = ()
    swarm: Swarm = Swarm()
    expects: tuple[Expect, ...] = field(default=())
