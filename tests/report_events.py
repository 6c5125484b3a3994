"""A made-up run that could have happened: two gateways, handhelds, three links, cuts, a roll call."""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from sim.record import Event, What
from sim.report.summary import LinkInfo, NodeInfo, Summary, Verdict

LINKS = (LinkInfo("ip", "cellular"), LinkInfo("pdt", "pdt"), LinkInfo("beidou", "beidou"))
HANDHELDS = ("张三", "李四", "王五", "赵六", "陈七", "刘八")
TEXTS = (
    "东门请求增援两个小组",
    "水位上涨三十厘米，向北撤离",
    "收到，预计二十分钟到达",
    "伤员三人，需要担架",
    "报告当前位置和人数",
    "道路塌方，绕行南线",
    "发电机燃油剩余四小时",
    "集合点改为二号高地",
)
DURATION_S = 3600.0
HQ, VEH = "hq", "veh-3"
PROBES = ("failover.cellular_to_pdt", "failover.pdt_to_beidou", "dedup.repeat_absorbed", "ledger.disk_full")


@dataclass
class Maker:
    """Collects events at any time, gives them in order."""

    rng: random.Random
    events: list[Event] = field(default_factory=list)

    def at(self, at_s: float, what: What, node: str = "", link: str = "", **facts: object) -> None:
        data = facts.pop("data", b"")
        assert isinstance(data, bytes)
        self.events.append(Event(round(at_s * 1e9), what, node, link, facts, data))

    def told(
        self, at_s: float, what: What, node: str, link: str, told: Mapping[str, object], state: str
    ) -> None:
        self.events.append(Event(round(at_s * 1e9), what, node, link, {**told, "state": state}))

    def air(self, at_s: float, node: str, to: str, bearer: str, facts: Mapping[str, object]) -> None:
        self.events.append(
            Event(round(at_s * 1e9), What.AIR, node, "", {"bearer": bearer, "to": to, **facts})
        )

    def done(self) -> list[Event]:
        return sorted(self.events, key=lambda event: event.at_ns)


def hrnp(number: int, payload: bytes) -> bytes:
    """An HRNP DATA frame round an HDAP frame, by the layout of the reference."""
    head = struct.pack(">BBBBBBHHH", 0x7E, 4, 0, 0, 0x20, 0x10, number, 12 + len(payload), 0)
    return head + payload


def short_data(frame: bytes) -> bytes:
    """TMP private data 0x80AE: request, destination, source, data."""
    body = struct.pack(">III", 7, 0x0A000837, 0x0A000835) + frame
    return struct.pack(">BHH", 0x09, 0x80AE, len(body)) + body + b"\x00\x03"


AIR_FRAME = bytes([0b01_0_01_01_0, 1, 3, 0x2A]) + bytes(range(20)) + b"TAGTAGTA"
"""Epoch 1, source 1 and destination 3 in one octet each, counter ..42, 20 octets sealed, tag."""


def wire(link: str, number: int) -> bytes:
    """Octets as they pass a link of this family."""
    if link == "ip":
        return b"\xf6\x00" + AIR_FRAME if number % 3 else b"\xf6\x01\x00\x00\x00\x07\x01"
    if link == "pdt":
        return hrnp(number % 65536, short_data(AIR_FRAME))
    return b"$CCTXA,0166001,1,2,A4C4E3BAC3*58\r\n" if number % 2 else b"$BDFKI,TXA,Y,Y,0,0000*12\r\n"


def summary(*, nodes: tuple[NodeInfo, ...] = (), holds: bool = False) -> Summary:
    """What goes with `events`."""
    return Summary(
        scenario="county-flood-three-cuts",
        title_zh="县域洪水三断",
        title_en="County flood, three cuts",
        seed=42,
        trace="5f3a91c0-18234",
        duration_s=DURATION_S,
        nodes=nodes
        or (
            NodeInfo(id=HQ, name="指挥中心", station=1, links=LINKS),
            NodeInfo(id=VEH, name="三号指挥车", station=3, links=LINKS, battery_wh=1200.0),
        ),
        version="0.1.0",
        replay="fieldgate sim run county-flood-three-cuts.toml --seed 42",
        expectations=(
            Verdict(
                rule="always", name="promises", holds=holds, limit="P1–P8", found="P1" if not holds else "8"
            ),
            Verdict(rule="eventually", name="all_delivered", holds=holds, limit="30 min", found="–"),
            Verdict(rule="metric", name="rollcall.answered", holds=True, limit="0.80..", found="0.83"),
        ),
        metrics={"messages.delivered": 29, "rollcall.answered": 0.8333, "pdt.occupancy": 0.0712},
        probes=PROBES,
    )


def events(seed: int = 1) -> list[Event]:
    """An hour: start, safety with faults, heal, liveness."""
    make = Maker(random.Random(seed))  # noqa: S311 - repeatable on purpose
    for name, at_s in (
        ("start", 0.0),
        ("safety", 60.0),
        ("heal", 2700.0),
        ("liveness", 2720.0),
        ("end", 3600.0),
    ):
        make.at(at_s, What.PHASE, name=name)
    _links(make)
    _faults(make)
    _traffic(make)
    _messages(make)
    _roll_call(make)
    make.at(1500.0, What.ALARM, HQ, key="sos:4002", state="raised")
    make.at(1590.0, What.ALARM, HQ, key="sos:4002", state="cleared")
    for name in PROBES[:3]:
        make.at(800.0, What.PROBE, VEH, name=name)
    make.at(
        3590.0, What.BROKEN, HQ, promise="P1", detail="m-17 accepted at 0:31:10, shown nowhere", key="m-17"
    )
    return make.done()


def _links(make: Maker) -> None:
    for node in (HQ, VEH):
        for link in LINKS:
            make.at(0.0, What.LINK, node, link.name, state="starting", why="opening")
            make.at(make.rng.uniform(2, 9), What.LINK, node, link.name, state="up", why="")
        make.at(702.0, What.LINK, node, "ip", state="suspect", why="acknowledgements missing")
        make.at(718.0, What.LINK, node, "ip", state="down", why="no heartbeat for 15 s")
        make.at(2704.0, What.LINK, node, "ip", state="recovering", why="")
        make.at(2722.0, What.LINK, node, "ip", state="up", why="")
    make.at(1203.0, What.LINK, VEH, "beidou", state="blocked", why="antenna blocked")
    make.at(1500.0, What.LINK, VEH, "beidou", state="up", why="")
    make.at(2000.0, What.LINK, VEH, "pdt", state="down", why="device silent")
    make.at(2180.0, What.LINK, VEH, "pdt", state="up", why="")


def _faults(make: Maker) -> None:
    spans = (
        ("cut", "cellular", "", "", 700.0, 2700.0, "cut_network cell-3"),
        ("blocked", "", VEH, "beidou", 1200.0, 1500.0, "tunnel"),
        ("hang", "", VEH, "pdt", 1985.0, 2150.0, ""),
        ("power_cut", "", VEH, "", 1790.0, 1870.0, "cut_power north"),
        ("loss", "pdt", "", "", 900.0, 1700.0, "swarm"),
    )
    for name, target, node, link, begin_s, end_s, cause in spans:
        told: dict[str, object] = {"name": name, "target": target, "cause": cause}
        make.told(begin_s, What.FAULT, node, link, told, "begins")
        make.told(end_s, What.FAULT, node, link, told, "ends")
    for minute in [*range(30), *range(32, 60)]:
        make.at(minute * 60.0, What.POWER, VEH, state="on", why="", left_wh=1200.0 - 11.0 * minute)
    make.at(1790.0, What.POWER, VEH, state="off", why="power_cut", left_wh=870.0)
    make.at(1870.0, What.POWER, VEH, state="on", why="", left_wh=870.0)


def _traffic(make: Maker) -> None:
    number = 0
    for node, other in ((HQ, VEH), (VEH, HQ)):
        for link in LINKS:
            at_s = 10.0
            while at_s < DURATION_S:
                at_s += make.rng.expovariate(1 / {"ip": 5.0, "pdt": 12.0, "beidou": 60.0}[link.name])
                number += 1
                off = (node == VEH and 1790 < at_s < 1870) or (link.name == "ip" and 720 < at_s < 2700)
                if off:
                    continue
                octets = wire(link.name, number)
                make.at(at_s, What.FRAME, node, link.name, direction="tx", note="", data=octets)
                fate = "lost" if make.rng.random() < 0.1 else "carried"
                airtime_s = {"ip": 0.002, "pdt": 0.42, "beidou": 0.3}[link.name]
                told = {"octets": len(octets), "airtime_s": airtime_s, "fate": fate}
                make.air(at_s + 0.01, node, other, link.bearer, told)
                if fate == "carried":
                    make.at(at_s + 0.6, What.FRAME, other, link.name, direction="rx", note="", data=octets)


def _messages(make: Maker) -> None:
    for number in range(30):
        at_s = 80.0 + number * 105.0 + make.rng.uniform(0, 60)
        precedence = make.rng.choice((0, 1, 1, 1, 2, 2, 3, 4)) if number != 13 else 5
        text = TEXTS[number % len(TEXTS)] if number != 5 else "<script>alert('求救')</script>"
        key, id_ = f"m-{number}", f"{1 if number % 2 else 3}-1a2b-{number + 1}"
        origin, other = (HQ, VEH) if number % 2 else (VEH, HQ)
        native = number % 5 == 0
        by = make.rng.choice(HANDHELDS) if native else "seat"
        make.at(
            at_s, What.TYPED, origin, key=key, by=by, to=other, text=text, native=native,
            precedence=precedence, accepted=True,
        )  # fmt: skip
        told: dict[str, object] = {
            "id": id_,
            "station": 3 if other == VEH else 1,
            "by": "",
            "evidence": "protocol",
        }
        make.told(at_s + 0.05, What.MESSAGE, origin, "", told, "queued")
        bearer = "beidou" if number % 7 == 3 else "pdt" if 700 < at_s < 2700 else "ip"
        later = at_s + make.rng.uniform(1, 4)
        make.told(later, What.MESSAGE, origin, bearer, told, "on_air")
        if number == 17:
            make.told(later + 600, What.MESSAGE, origin, "", told, "expired")
            continue
        carrier = "cellular" if bearer == "ip" else bearer
        make.air(later, origin, other, carrier, {"octets": 57, "airtime_s": 0.4, "fate": "faded", "id": id_})
        arrives = later + make.rng.lognormvariate(1.0, 1.0)
        make.air(
            arrives - 0.3,
            origin,
            other,
            carrier,
            {"octets": 57, "airtime_s": 0.4, "fate": "carried", "id": id_},
        )
        make.at(arrives, What.SHOWN, other, bearer, key=key, by="screen", text=text)
        if number == 9:
            make.at(arrives + 40, What.SHOWN, "", key=key, by="张三", text="（重发）" + text, repeat=True)
        make.told(arrives + 1.1, What.MESSAGE, origin, bearer, told, "delivered")


def _roll_call(make: Maker) -> None:
    for station in range(4001, 4013):
        make.at(2800.0, What.ROLL_CALL, HQ, call="c1", station=str(station), state="pending", evidence="")
        if station in {4005, 4011}:
            make.at(2995.0, What.ROLL_CALL, HQ, call="c1", station=str(station), state="absent", evidence="")
            continue
        state = make.rng.choice(("answered", "answered", "answered", "relayed", "inferred"))
        at_s = 2800.0 + make.rng.uniform(4, 150)
        make.at(at_s, What.ROLL_CALL, HQ, call="c1", station=str(station), state=state, evidence="protocol")
    make.at(3000.0, What.ROLL_CALL, HQ, call="c1", ended=True, counts={"answered": 8})


def large(nodes: int = 50, frames: int = 100_000, hours: float = 6.0) -> tuple[Summary, list[Event]]:
    """As many nodes, frames and hours as a page must bear."""
    make = Maker(random.Random(7))  # noqa: S311 - repeatable on purpose
    infos = tuple(
        NodeInfo(id=f"veh-{n}", name=f"{n} 号指挥车", station=n, links=LINKS, battery_wh=1200.0)
        for n in range(1, nodes + 1)
    )
    end_s = hours * 3600
    for info in infos:
        for link in LINKS:
            at_s, up = 1.0, True
            while at_s < end_s:
                make.at(at_s, What.LINK, info.id, link.name, state="up" if up else "down", why="")
                at_s, up = at_s + make.rng.expovariate(1 / (5400 if up else 300)), not up
        for minute in range(0, int(end_s // 60), 10):
            make.at(minute * 60.0, What.POWER, info.id, state="on", why="", left_wh=1200.0 - minute * 2.0)
    for number in range(frames):
        info, link = infos[number % nodes], LINKS[number % 3]
        at_s = make.rng.uniform(10, end_s)
        make.at(at_s, What.FRAME, info.id, link.name, direction="tx", data=wire(link.name, number))
    for number in range(2500):
        at_s = make.rng.uniform(10, end_s - 60)
        origin, other = make.rng.sample(infos, 2)
        key = f"m-{number}"
        make.at(
            at_s, What.TYPED, origin.id, key=key, by="seat", to=other.id, text=TEXTS[number % 8],
            accepted=True, precedence=make.rng.choice((0, 1, 1, 1, 2, 2, 3, 4)),
        )  # fmt: skip
        make.at(
            at_s + make.rng.lognormvariate(1.5, 1), What.SHOWN, other.id, "pdt", key=key, by="screen", text=""
        )
    base = summary(nodes=infos)
    return Summary(
        **{name: getattr(base, name) for name in base.__slots__} | {"duration_s": end_s}
    ), make.done()
