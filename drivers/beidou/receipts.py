"""Which of our messages a receipt belongs to: a BDHZR tells card and minute of sending, nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.base import Handle

MAX_REFS = 16
"""Messages remembered, over restarts too; at a minute each, a receipt for an older one is too late."""

DAY_MINUTES = 24 * 60
ZONES_MINUTES = (0, 8 * 60)
"""Terminals tell UTC or Beijing time; the sources do not say which, so either is taken."""

TOLERANCE_MINUTES = 1
"""The satellite's minute may have turned between our clock and the feedback."""

_NOTE = "sent"
_REF = re.compile(r"(\d{7})@(\d{2})(\d{2})([TD])")


@dataclass(frozen=True, slots=True)
class SentRef:
    """One message on the air: to which card, at which minute of the day, text or data."""

    card: int
    minute: int
    is_text: bool
    handle: Handle | None = None

    @property
    def device_ref(self) -> str:
        """`0166166@0430`: card and hhmm (UTC) of sending."""
        return f"{self.card:07d}@{self.minute // 60:02d}{self.minute % 60:02d}"


class SentRefs:
    """The latest messages that may still get a receipt."""

    def __init__(self, notes: dict[str, str]) -> None:
        """Take what an earlier run saved; handles are not known any more."""
        self._refs = [
            SentRef(int(card), (int(hour) * 60 + int(minute)) % DAY_MINUTES, kind == "T")
            for card, hour, minute, kind in _REF.findall(notes.get(_NOTE, ""))
        ][-MAX_REFS:]

    def add(self, ref: SentRef) -> None:
        """Remember a message; forgets the oldest."""
        self._refs = [*self._refs, ref][-MAX_REFS:]

    def take(self, card: int, sent: str) -> SentRef | None:
        """Return and forget the message to `card` sent at `hh:mm`; None if none fits."""
        minute = int(sent[:2]) * 60 + int(sent[3:5])
        fits = [
            (gap, ref)
            for ref in self._refs
            if ref.card == card and (gap := _gap(ref.minute, minute)) is not None
        ]
        if not fits:
            return None
        _, best = min(fits, key=lambda fit: fit[0])
        self._refs.remove(best)
        return best

    def notes(self) -> dict[str, str]:
        """Return what the next run needs."""
        return {_NOTE: " ".join(ref.device_ref + ("T" if ref.is_text else "D") for ref in self._refs)}


def _gap(ours: int, told: int) -> int | None:
    """Return how far apart two minutes of the day are in the zone that fits best, None if too far."""
    gaps = []
    for zone in ZONES_MINUTES:
        gap = (told - ours - zone) % DAY_MINUTES
        gaps.append(min(gap, DAY_MINUTES - gap))
    best = min(gaps)
    return best if best <= TOLERANCE_MINUTES else None
