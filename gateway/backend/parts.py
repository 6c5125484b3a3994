"""What every side of the backend stands on."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.api.backend import NotFoundError
from gateway.core import Core
from gateway.delivery.outbox import Outbox
from gateway.reports import Reports
from gateway.rollcall.manager import RollCalls
from gateway.roster import Station


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one gateway that the API reaches."""

    core: Core
    outbox: Outbox
    reports: Reports
    roll_calls: RollCalls
    started_s: float

    def station(self, word: str) -> Station:
        """Find a station by call sign or number; raises NotFoundError."""
        found = self.core.roster.find(word)
        if found is None:
            raise NotFoundError("station", word)
        return found
