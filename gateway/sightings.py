"""Whom we hear, told to headquarters: which handheld was on which bearer here, and how long ago."""

from __future__ import annotations

from gateway.core import Core
from gateway.delivery.outbox import Outbox
from gateway.delivery.work import Work
from gateway.domain import Bearer, Precedence
from gateway.roster import Station
from protocols import air

TELL_EVERY_S = 120.0
"""Least time between two reports of one station on one bearer: presence fades slower than that."""

SETTLE_S = 2.0
"""A sighting waits this long for company: after a power cut a whole net registers at once."""

LIFE_S = 60.0
"""A sighting not told by then has a newer one behind it, or is worth nothing."""


class Sightings:
    """Tells headquarters of native stations heard here; only over links that cost nothing."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._told_s: dict[tuple[int, Bearer], float] = {}

    def heard(self, station: Station, bearer: Bearer) -> None:
        """Note a sign of life; bounded by the roster, since strangers are not stations."""
        core = self._core
        now_s = core.now_s()
        key = (station.number, bearer)
        if station.gateway or now_s - self._told_s.get(key, -TELL_EVERY_S) < TELL_EVERY_S:
            return
        self._told_s[key] = now_s
        for headquarters in core.roster.headquarters():
            if headquarters.number != core.own:
                self._outbox.add_control(self._work(headquarters.number, station.number, bearer, now_s))

    def _work(self, to: int, station: int, bearer: Bearer, heard_s: float) -> Work:
        def element(now_s: float) -> air.Element:
            age_s = int(max(0.0, now_s - heard_s))
            return air.StationPresence(station=station, bearer=air.AirBearer[bearer.name], age_s=age_s)

        return Work(
            key=("c", "sighting", str(to), str(station), bearer.value),
            station=to,
            precedence=Precedence.DEFERRED,
            born_s=heard_s,
            element=element,
            elicits_ack=False,
            expires_s=heard_s + LIFE_S,
            cheap_only=True,
            not_before_s=heard_s + SETTLE_S,
        )
