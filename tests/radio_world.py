"""Small radio worlds for tests: who hears whom is a table, and receivers are textbook ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sim.radio.csma import Access
from sim.radio.mac import Mac, Outgoing
from sim.radio.medium import Medium, Timing
from sim.radio.reception import Antenna, Spot, Threshold
from sim.radio.station import Burst, Link, Radio
from sim.radio.timing import ns
from sim.record import Record
from sim.rng import Streams

NO_WAY_DBM = -300.0


class Table:
    """RSSI by pair of names; what is not named is out of reach."""

    def __init__(self, levels_dbm: Mapping[tuple[str, str], float]) -> None:
        self.levels_dbm = dict(levels_dbm)

    def rssi_dbm(self, tx: Antenna, rx: Antenna, at_s: float) -> float:
        """Look it up."""
        del at_s
        return self.levels_dbm.get((tx.name, rx.name), NO_WAY_DBM)


class Star:
    """Everybody reaches "base"; with `near` everybody reaches everybody."""

    def __init__(self, *, near: bool = False) -> None:
        self._near = near

    def rssi_dbm(self, tx: Antenna, rx: Antenna, at_s: float) -> float:
        """Return -80 dBm or nothing."""
        del tx, at_s
        return -80.0 if self._near or rx.name == "base" else NO_WAY_DBM


class Ear:
    """A station that remembers what it heard."""

    def __init__(self, medium: Medium, name: str) -> None:
        self.heard: list[object] = []
        self.radio = Radio(Spot(name), self.hear)
        medium.join(self.radio)

    def hear(self, burst: Burst, link: Link) -> None:
        """Remember."""
        del link
        self.heard.append(burst.frame)


def plain(
    propagation: Table | Star, *, seed: int = 1, ci_db: float = 8.0, record: Record | None = None
) -> Medium:
    """Return a medium without fading; bursts survive `ci_db` over interference."""
    return Medium(
        "air",
        Streams(seed),
        propagation,
        reception=Threshold(ci_db=ci_db),
        timing=Timing(detect_s=0.001, turnaround_s=0.0),
        record=record,
    )


class Poisson:
    """Bursts for the base that come by chance, each from whoever is free: an endless population."""

    def __init__(
        self, medium: Medium, access: Callable[[], Access], *, load: float, airtime_s: float
    ) -> None:
        self.base = Ear(medium, "base")
        self.offered = 0
        self._medium = medium
        self._airtime_ns = ns(airtime_s)
        self._mean_s = airtime_s / load
        self._rng = medium.streams.stream("arrivals")
        self._macs: list[Mac] = []
        for number in range(60):
            ear = Ear(medium, f"n{number}")
            rng = medium.streams.stream(f"n{number}/mac")
            self._macs.append(Mac(medium, ear.radio, access(), rng))
        self._next(None)

    def _next(self, _: None) -> None:
        timeline = self._medium.timeline
        timeline.post(timeline.now_ns + ns(self._rng.expovariate(1.0 / self._mean_s)), self._arrive, None)

    def _arrive(self, _: None) -> None:
        free = [mac for mac in self._macs if not mac.waiting]
        if free:
            self.offered += 1
            out = Outgoing(self.offered, 10, self._airtime_ns, self.base.radio)
            free[self._rng.randrange(len(free))].offer(out)
        self._next(None)
