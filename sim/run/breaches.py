"""Broken promises as they are found: kept, told to the record, and each told once."""

from __future__ import annotations

from dataclasses import dataclass

from sim.record import What
from sim.world.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A broken promise: which, when, where, and what was seen."""

    promise: str
    at_s: float
    node: str
    detail: str
    key: str = ""
    """Of the text it is about."""


class Breaches:
    """What was found in one run."""

    def __init__(self, world: World) -> None:
        self.found: list[Breach] = []
        self._world = world
        self._told: set[tuple[str, str, str]] = set()

    def add(self, promise: str, node: str, detail: str, key: str = "") -> None:
        """Note one."""
        found = Breach(promise=promise, at_s=self._world.now_s(), node=node, detail=detail, key=key)
        self.found.append(found)
        self._world.record.note(What.BROKEN, node, promise=promise, detail=detail, key=key)

    def once(self, promise: str, node: str, what: str, detail: str, key: str = "") -> None:
        """Note one, unless the same was noted before."""
        if (promise, node, what) not in self._told:
            self._told.add((promise, node, what))
            self.add(promise, node, detail, key)
