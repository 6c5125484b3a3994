"""What all parts of one gateway share; no state outside it and the ledger."""

from __future__ import annotations

import random as random_module
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.base import Clock, Hooks, Log
from drivers.waiting import Bell
from gateway.config import Config
from gateway.domain import TimeQuality
from gateway.ledger.engine import Ledger
from gateway.links import LinkRunner
from gateway.roster import Roster, Station
from gateway.routing import RouteLink
from protocols.air import KeyRing


@dataclass(slots=True, kw_only=True)
class Core:
    """One gateway: who it is, its ledger, links and keys, and the outside world it was given."""

    config: Config
    ledger: Ledger
    keys: KeyRing
    clock: Clock
    random: random_module.Random
    log: Log
    hooks: Hooks
    """Where the simulator looks in, and is nasty; no-ops elsewhere."""
    time_quality: Callable[[], TimeQuality]
    links: dict[str, LinkRunner] = field(default_factory=dict)
    learnt: dict[str, dict[int, str]] = field(default_factory=dict)
    """Per link: addresses learnt from authenticated frames, by station."""
    counts: dict[str, int] = field(default_factory=dict)
    """Counters by name, since the start of this process."""
    wake: Bell = field(default_factory=Bell)
    """Rings when there may be something to send."""

    @property
    def own(self) -> int:
        """This gateway's station number."""
        return self.config.gateway.station

    @property
    def roster(self) -> Roster:
        """The roster in force."""
        return self.config.roster

    @property
    def me(self) -> Station:
        """This gateway's roster entry."""
        return self.config.roster.stations[self.own]

    def now_s(self) -> float:
        """Monotonic seconds."""
        return self.clock.monotonic_s()

    def probe(self, name: str) -> None:
        """Note that a rare path was reached, for whoever asks whether it ever is."""
        self.hooks.probe(name)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        self.counts[name] = self.counts.get(name, 0) + by

    def route_links(self) -> list[RouteLink]:
        """All links as routing sees them now."""
        now_s = self.now_s()
        return [
            RouteLink(
                name=link.name,
                capabilities=link.capabilities,
                quiet=link.quiet,
                towards=lambda peer, link=link: link.health.towards(peer, now_s),  # type: ignore[misc]
                learnt=self.learnt.get(link.name, {}),
            )
            for link in self.links.values()
        ]

    def headquarters(self) -> Station | None:
        """Where handhelds' texts and reports go; None when the roster names none."""
        all_of_them = self.roster.headquarters()
        return all_of_them[0] if all_of_them else None
