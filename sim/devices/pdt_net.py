"""One slot of a PDT/DMR net: stations, 60 ms bursts, voice first, and a channel that may be cut."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Protocol

from sim.channel import Channel, through
from sim.rng import Streams

BURST_S = 0.060
"""One burst of our slot every 60 ms (reference page, section 3.1)."""
PREAMBLES = 3
ACK_S = 0.180
BLOCK_OCTETS, LAST_BLOCK_OCTETS = 10, 6
"""Confirmed rate-1/2 blocks."""
IP_OCTETS = 28
HANG_S = 3.0
"""How long a call keeps the channel after the last key was released (measured on a real repeater)."""
MAX_WAITING = 64
"""Transmissions that wait for the channel; a busier net loses the rest, as radios give up."""


class Kind(Enum):
    """What goes over the air."""

    TEXT = auto()
    DATA = auto()
    ACK = auto()
    REGISTER = auto()
    REGISTERED = auto()
    OFFLINE = auto()
    CHECK = auto()
    CHECK_ANSWER = auto()
    WHERE = auto()
    POSITION = auto()
    EMERGENCY = auto()
    EMERGENCY_END = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """One transmission. `destination` 0 reaches every mobile; `acked` is what an ACK answers."""

    kind: Kind
    source: int
    destination: int = 0
    group: bool = False
    request_id: int = 0
    body: bytes = b""
    position: tuple[float, float] | None = None
    acked: Kind | None = None


class Station(ABC):
    """Anybody on the net; registers itself by being made."""

    def __init__(self, station_id: int, net: PdtNet, groups: frozenset[int] = frozenset()) -> None:
        self.id = station_id
        self.net = net
        self.groups = groups
        self.powered = True
        self.in_coverage = True
        net.join(self)

    @property
    def reachable(self) -> bool:
        """Whether the air reaches this station now."""
        return self.powered and self.in_coverage

    @abstractmethod
    def hear(self, air: Air) -> None:
        """Take what is meant for this station."""

    def hear_voice(self, state: Voice, group: int, speaker: int) -> None:
        """Notice a voice call; most stations need not."""
        del state, group, speaker


class Voice(Enum):
    """States of a voice call as stations see it."""

    STARTED = auto()
    HANG = auto()
    ENDED = auto()


class Ether(Protocol):
    """Decides when a station may transmit, and who hears it."""

    @property
    def apart(self) -> bool:
        """Whether each station listens for itself; else all take turns, as on one perfect channel."""

    def begins(self, source: Station, airtime_s: float) -> float:
        """Take the beginning of a transmission: return 0, or after how many seconds to ask again."""

    def sent(self, source: Station, count: int, octets: int) -> Callable[[Station], bool]:
        """Take one transmission of so many bursts; return what tells of a station whether it heard it."""

    def lost(self, source: Station, air: Air, fate: str) -> None:
        """Take one transmission that the channel swallowed whole."""


class _Lane:
    """Transmissions that wait for each other: all of a net's, or one station's own."""

    __slots__ = ("busy", "under_way_s", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[Air, float]] = deque()
        self.busy = False
        self.under_way_s = 0.0


class PdtNet:
    """Carries one transmission at a time, or one of each station; data waits for voice and its hang time.

    Without an `ether` everybody hears everybody; voice is heard by all in coverage in any case. With
    `streams` what one station sends is lost by draws of its own.
    """

    def __init__(self, channel: Channel, ether: Ether | None = None, streams: Streams | None = None) -> None:
        self.channel = channel
        self.ether = ether
        self._streams = streams
        self.stations: dict[int, Station] = {}
        self.ways: dict[tuple[int, int], Channel] = {}
        """Extra channels: (a, 0) for what a sends, (0, b) for what b hears, (a, b) for one direction."""
        self.voice = False
        self.lost = 0
        self.on_transmit: Callable[[Air], None] | None = None
        """Told of everything that anybody hands to the net, before it waits for the channel."""
        self._call = (0, 0)
        self._lanes: dict[int, _Lane] = {}
        self._hang: asyncio.TimerHandle | None = None

    def join(self, station: Station) -> None:
        """Add a station; two with one id would answer for each other."""
        if station.id in self.stations:
            raise ValueError(f"radio id {station.id} is taken")
        self.stations[station.id] = station

    def transmit(self, air: Air) -> None:
        """Send when the channel is free; lost when too much waits, the channel is cut or nobody is there."""
        if self.on_transmit is not None:
            self.on_transmit(air)
        number = air.source if self.ether is not None and self.ether.apart else 0
        lane = self._lanes.get(number)
        if lane is None:
            lane = self._lanes[number] = _Lane()
        if len(lane.waiting) >= MAX_WAITING:
            self.lost += 1
            return
        lane.waiting.append((air, airtime_s(len(air.body), ack=air.kind is Kind.ACK)))
        self._next(lane)

    def backlog_s(self) -> float:
        """Return the airtime that waits for the channel, the transmissions under way counted whole."""
        lanes = self._lanes.values()
        return sum(lane.under_way_s + sum(took_s for _, took_s in lane.waiting) for lane in lanes)

    def start_voice(self, speaker: int, group: int) -> None:
        """Somebody presses the key; what is on the air ends, the rest waits."""
        if self._hang is not None:
            self._hang.cancel()
        self.voice = True
        self._call = (group, speaker)
        self._tell(Voice.STARTED)

    def end_voice(self, *, hang_s: float = HANG_S) -> None:
        """Release the key; the call holds the channel for its hang time."""
        self._tell(Voice.HANG)
        self._hang = asyncio.get_running_loop().call_later(hang_s, self._voice_over)

    def _voice_over(self) -> None:
        self.voice = False
        self._tell(Voice.ENDED)
        for lane in self._lanes.values():
            self._next(lane)

    def _tell(self, state: Voice) -> None:
        group, speaker = self._call
        for station in list(self.stations.values()):
            way = self.ways.get((0, station.id))
            passes = self.channel.passes and (way is None or way.passes)
            if station.reachable and station.id != speaker and passes:
                station.hear_voice(state, group, speaker)

    def _next(self, lane: _Lane) -> None:
        if lane.busy or self.voice or not lane.waiting:
            return
        air, took_s = lane.waiting[0]
        source = self.stations.get(air.source)
        lane.busy = True
        if self.ether is not None and source is not None and source.reachable:
            wait_s = self.ether.begins(source, took_s)
            if wait_s > 0:
                asyncio.get_running_loop().call_later(wait_s, self._ask_again, lane)
                return
        lane.waiting.popleft()
        lane.under_way_s = took_s
        asyncio.get_running_loop().call_later(took_s, self._sent, lane, air)

    def _ask_again(self, lane: _Lane) -> None:
        lane.busy = False
        self._next(lane)

    def _sent(self, lane: _Lane, air: Air) -> None:
        lane.busy = False
        lane.under_way_s = 0.0
        source = self.stations.get(air.source)
        if source is not None and source.reachable:
            way = self.ways.get((source.id, 0))
            channels = (self.channel,) if way is None else (way, self.channel)
            lost = partial(self._swallowed, source, air)
            through(channels, len(air.body), partial(self._arrive, air), lost=lost, rng=self._luck(source))
        self._next(lane)

    def _luck(self, source: Station) -> random.Random | None:
        """Return a sender's own stream; None: the channel's, for all."""
        return None if self._streams is None else self._streams.stream(f"pdt/{source.id}/channel")

    def _swallowed(self, source: Station, air: Air, fate: str) -> None:
        if self.ether is not None:
            self.ether.lost(source, air, fate)

    def _arrive(self, air: Air) -> None:
        source = self.stations[air.source]
        ether = self.ether
        heard = _flat if ether is None else ether.sent(source, bursts(air), len(air.body))
        for station in list(self.stations.values()):
            meant = air.destination in {0, station.id} if not air.group else air.destination in station.groups
            if meant and station.reachable and station is not source and heard(station):
                if self.ways:
                    keys = (source.id, station.id), (0, station.id)
                    ways = [self.ways[key] for key in keys if key in self.ways]
                    through(ways, len(air.body), partial(station.hear, air))
                else:
                    station.hear(air)


def airtime_s(octets: int, *, ack: bool = False) -> float:
    """Seconds on the air: preambles, header, confirmed rate-1/2 blocks with IP and UDP, and the answer."""
    if ack:
        return ACK_S
    return (PREAMBLES + 1 + _blocks(octets)) * BURST_S + ACK_S


def bursts(air: Air) -> int:
    """Count the bursts that a receiver needs: header and blocks, or the one of an answer; no preambles."""
    return 1 if air.kind is Kind.ACK else 1 + _blocks(len(air.body))


def _blocks(octets: int) -> int:
    return 1 + max(0, -(-(octets + IP_OCTETS - LAST_BLOCK_OCTETS) // BLOCK_OCTETS))


def _flat(_: Station) -> bool:
    return True
