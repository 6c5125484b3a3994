"""What a medium is made of: stations, the links between them, and what is on the air."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from sim.radio.reception import Antenna
from sim.radio.timing import NS

OFF_NS: Final = 1 << 62
"""Deaf for ever: switched off."""


class Fate(Enum):
    """What became of a burst at one receiver; the words of AIR events."""

    CARRIED = "carried"
    COLLIDED = "collided"
    FADED = "faded"
    DEAF = "deaf"
    CUT = "cut"


class Radio:
    """One station's transceiver. `hear` takes every burst for it (or for all) that survived.

    `send_w` and `listen_w` are what it draws from its supply.
    """

    __slots__ = (
        *("_drawn_j", "_since_ns", "active", "antenna", "bursts", "deaf_until_ns", "hear", "listen_w"),
        *(
            "name",
            "number",
            "on",
            "peers",
            "scanned",
            "send_w",
            "sent_ns",
            "started_ns",
            "to",
            "until_ns",
            "ways",
        ),
    )

    def __init__(
        self,
        antenna: Antenna,
        hear: Callable[[Burst, Link], None],
        *,
        send_w: float = 8.0,
        listen_w: float = 0.5,
    ) -> None:
        self.antenna = antenna
        self.name = antenna.name
        self.hear = hear
        self.send_w = send_w
        self.listen_w = listen_w
        self.number = -1
        self.on = True
        self.bursts = 0
        self.sent_ns = 0
        self.started_ns = -OFF_NS
        self.until_ns = -OFF_NS
        self.deaf_until_ns = -OFF_NS
        self.active: list[Link] = []
        self.peers: dict[int, Link] = {}
        self.ways: list[Way] | None = None
        self.scanned = False
        self.to: Radio | None = None
        self._drawn_j = 0.0
        self._since_ns = 0

    @property
    def airtime_s(self) -> float:
        """Seconds it has transmitted."""
        return self.sent_ns / NS

    def drawn_j(self, now_ns: int) -> float:
        """Return the joules taken from its supply since it joined."""
        listening_s = (now_ns - self._since_ns) / NS if self.on else 0.0
        return self._drawn_j + self.listen_w * listening_s + self.send_w * self.airtime_s

    def switch(self, *, on: bool, now_ns: int) -> None:
        """Switch on or off; a burst under way ends all the same, what comes in is lost."""
        if on == self.on:
            return
        if on:
            self._since_ns = now_ns
            self.deaf_until_ns = now_ns
        else:
            self._drawn_j += self.listen_w * (now_ns - self._since_ns) / NS
            self.deaf_until_ns = OFF_NS
        self.on = on


class Link:
    """One direction between two stations, and the burst that is on its way there."""

    __slots__ = ("blocked", "draw", "drawn", "least", "mean_mw", "rx", "seed", "sensed", "tx", "worst_mw")

    draw: Callable[[], float]

    def __init__(self, tx: Radio, rx: Radio, seed: int) -> None:
        self.tx = tx
        self.rx = rx
        self.seed = seed
        self.mean_mw = 0.0
        self.least = 0.0
        self.sensed = False
        self.blocked = False
        self.drawn = 0.0
        self.worst_mw = 0.0


class Burst:
    """Something on the air. `to` None is for all; `frame` belongs to the sender's layer."""

    __slots__ = ("airtime_ns", "frame", "octets", "spoilt", "to", "tx", "ways")

    def __init__(
        self,
        tx: Radio,
        to: Radio | None,
        frame: object,
        octets: int,
        airtime_ns: int,
        spoilt: Callable[[Radio], None] | None = None,
    ) -> None:
        self.spoilt = spoilt
        self.tx = tx
        self.to = to
        self.frame = frame
        self.octets = octets
        self.airtime_ns = airtime_ns
        self.ways: list[Way] = []


Way = tuple[Link, Radio, list[Link]]
"""A link, its receiver and what is on the air there: laid out for the two inner loops."""
