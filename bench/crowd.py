"""A crowd on one channel: node-hours for each second of processor time, beside the same world in SimPy.

1 000 handhelds stand on a ring on which each is heard by 20 others. Every 30 s each sends a burst of 27.5 ms
to a neighbour by CSMA; it is acknowledged, and repeated if not. Bursts fade on their own at each receiver.
"""

from __future__ import annotations

import asyncio
import math
import time

from bench.figure import Figure
from bench.simpy_crowd import SimpyMember, SimpyTimeline, simpy_rate
from sim.loop import run as run_virtual
from sim.radio.crowd import Crowd, Habit
from sim.radio.medium import Medium
from sim.radio.reception import Antenna, Spot
from sim.radio.station import Radio
from sim.radio.timing import Timeline
from sim.rng import Streams

NODES = 1_000
NEIGHBOURS = 20
HOURS = 0.25
AT_LEAST = 150.0
REPEATS = 3
"""The best of so many is told: others use the machine too."""
HOW = "python -P -m bench.run crowd"


class Ring:
    """Everybody is heard by the ten on either side, the nearer the louder."""

    def rssi_dbm(self, tx: Antenna, rx: Antenna, at_s: float) -> float:
        """Return -100 dBm next door, 15 dB less at the tenth, nothing beyond."""
        del at_s
        apart = abs(tx.x_km - rx.x_km)
        apart = min(apart, NODES - apart)
        return -100.0 - 15.0 * math.log10(apart) if apart <= NEIGHBOURS / 2 else -200.0


def channel(timeline: Timeline | None = None) -> Medium:
    """Return the channel of both worlds."""
    return Medium("crowd", Streams(1), Ring(), floor_dbm=-150.0, sense_dbm=-119.0, timeline=timeline)


def lay_out(crowd: Crowd, radios: list[Radio]) -> list[Radio]:
    """Look who is near, and return to whom each one sends."""
    for radio in radios:
        crowd.medium.neighbours(radio)
    return [radios[(number + 1 + number % 5) % NODES] for number in range(NODES)]


async def ours() -> float:
    """Return node-hours per CPU second, the building of the world not counted."""
    crowd = Crowd(channel(), Habit())
    members = [crowd.add(Spot(f"hh-{number}", float(number))) for number in range(NODES)]
    for member, to in zip(members, lay_out(crowd, [one.radio for one in members]), strict=True):
        member.to = to
    start_s = time.process_time()
    await asyncio.sleep(HOURS * 3600.0)
    spent_s = time.process_time() - start_s
    print(f"crowd: {crowd.medium.bursts} bursts, {crowd.tally}")
    return NODES * HOURS / spent_s


def theirs(timeline: SimpyTimeline) -> tuple[Crowd, list[SimpyMember]]:
    """Lay the same crowd out in SimPy."""
    crowd = Crowd(channel(timeline), Habit())
    radios = [
        Radio(Spot(f"hh-{number}", float(number)), lambda _burst, _link: None) for number in range(NODES)
    ]
    for radio in radios:
        crowd.medium.join(radio)
    members = [SimpyMember(crowd, timeline, radio) for radio in radios]
    for member, to in zip(members, lay_out(crowd, radios), strict=True):
        member.to = to
    return crowd, members


def run() -> list[Figure]:
    """Measure both."""
    value = max(run_virtual(ours()) for _ in range(REPEATS))
    peers = {"simpy": simpy_rate(theirs, HOURS)}
    return [
        Figure(name="crowd", value=value, unit="node-h/CPU-s", at_least=AT_LEAST, peers=peers, how=HOW),
    ]
