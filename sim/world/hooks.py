"""What a world hands to its gateways: hooks that probe and are nasty, and a trace that tells the record."""

from __future__ import annotations

from collections import Counter
from typing import Final

from typing_extensions import override

from drivers.base import Hooks, Trace
from sim.record import Record, What
from sim.rng import Streams

ACTIVE_SHARE: Final = 0.25
"""Places that are nasty at all in one run (FoundationDB's BUGGIFY)."""

FIRE_SHARE: Final = 0.25
"""How often a nasty place is."""

NASTY: Final = "nasty: "
"""Begins the name under which a nasty place is counted beside the probes."""


class WorldHooks(Hooks):
    """Hooks of one box; draws come from streams named by box and place, so that nobody shifts another's."""

    def __init__(self, sign: str, streams: Streams, record: Record, probes: Counter[str]) -> None:
        self.nasty = True
        self._sign = sign
        self._streams = streams
        self._record = record
        self._probes = probes
        self._active: dict[str, bool] = {}

    @override
    def probe(self, name: str) -> None:
        self._probes[name] += 1
        self._record.note(What.PROBE, self._sign, name=name)

    @override
    def buggify(self, name: str) -> bool:
        if not self.nasty:
            return False
        rng = self._streams.stream(f"{self._sign}/nasty/{name}")
        active = self._active.get(name)
        if active is None:
            active = self._active[name] = rng.random() < ACTIVE_SHARE
        fires = active and rng.random() < FIRE_SHARE
        if fires:
            self._probes[f"{NASTY}{name}"] += 1
        return fires


class WorldTrace(Trace):
    """Tells the record of every frame and line of one box."""

    def __init__(self, sign: str, record: Record) -> None:
        self._sign = sign
        self._note = record.note

    @override
    def record(self, link: str, direction: str, data: bytes, note: str = "") -> None:
        self._note(What.FRAME, self._sign, link, data, direction=direction, note=note)
