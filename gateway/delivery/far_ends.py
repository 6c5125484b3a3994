"""What the neighbours last told of their own links: a way whose far end is down is the last choice.

Pure; the ledger keeps the reports themselves (`gateway.ledger.presence`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.domain import Bearer, LinkState
from gateway.ledger import presence
from gateway.ledger.tx import Tx
from gateway.routing import Candidate

_DOWN = frozenset({LinkState.ABSENT, LinkState.STARTING, LinkState.DOWN, LinkState.BLOCKED})


@dataclass(frozen=True, slots=True)
class FarEnd:
    """The bearers that a gateway says it has no working link of, and how old its report was when read."""

    down: frozenset[Bearer]
    age_s: float


class FarEnds:
    """The newest report of every neighbour; one older than `limit_s` seconds counts for nothing."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._known: dict[int, tuple[frozenset[Bearer], float]] = {}

    def note(self, station: int, told: FarEnd, now_s: float) -> None:
        """Keep what a gateway told of its links."""
        self._known[station] = (told.down, now_s - told.age_s)

    def living_first(
        self, ways: Sequence[Candidate], heard_since: Callable[[Candidate, float], bool], now_s: float
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Part the ways into those to take first and those whose far end is reported down, each in order.

        `heard_since` tells whether the next hop was heard on that link after a moment: that is newer than
        its report. When all are reported down none is put last.
        """
        last = [way for way in ways if self._is_down(way, heard_since, now_s)]
        return ([way for way in ways if way not in last], last) if len(last) < len(ways) else (list(ways), [])

    def _is_down(self, way: Candidate, heard_since: Callable[[Candidate, float], bool], now_s: float) -> bool:
        known = self._known.get(way.next_hop)
        if known is None:
            return False
        down, told_s = known
        return way.bearer in down and now_s - told_s < self._limit_s and not heard_since(way, told_s)


def read(tx: Tx, station: int | None = None) -> dict[int, FarEnd]:
    """Return what the ledger holds of the reports of all gateways, or of one."""
    ages_s = presence.link_report_ages_s(tx)
    living: dict[int, set[Bearer]] = {}
    dead: dict[int, set[Bearer]] = {}
    told: dict[int, float] = {}
    for report in presence.list_link_reports(tx, station):
        kind = dead if report.state in _DOWN else living
        kind.setdefault(report.station, set()).add(report.bearer)
        # The ledger ages the evidence; the report is younger by the age that the evidence had in it.
        age_s = max(0.0, ages_s[report.station, report.link] - report.age_s)
        told[report.station] = min(age_s, told.get(report.station, age_s))
    return {
        number: FarEnd(frozenset(dead.get(number, set()) - living.get(number, set())), age_s)
        for number, age_s in told.items()
    }
