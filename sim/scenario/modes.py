"""What kind of seed it is: some are calm, some have one trouble near its worst, as swarm testing wants.

A seed that breaks everything a little finds less than one that breaks one thing thoroughly (TigerBeetle's
VOPR: crash faults at 80 to 100 % in one run, none in another).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Final

from sim.rng import Streams
from sim.scenario.model import Span, Swarm

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "channel": ("loss", "duplicate", "reorder_s", "corrupt"),
        "clog": ("clogs_per_h", "clog_s"),
        "partition": ("partitions_per_h",),
        "process": ("crashes_per_h", "pauses_per_h"),
        "power": ("power_cuts_per_h", "torn"),
        "disk": ("disk_full_per_h", "restores_per_h", "clones_per_h"),
        "clock": ("clock_steps_per_h", "clock_step_s"),
        "device": ("device_faults_per_h",),
        "traffic": ("messages_per_h",),
    }
)
"""Troubles that are calm or heavy together."""

SIZES: Final = frozenset({"clog_s", "torn", "clock_step_s"})
"""How large, not how often: always drawn from the whole range."""

CALM, DRAWN, HEAVY = "calm", "drawn", "heavy"
WEIGHTS: Final = {CALM: 30, DRAWN: 45, HEAVY: 25}
"""Of 100 seeds so many have a family at the low end of its range, anywhere in it, or in its top fifth."""
TOP: Final = 0.8
"""Where the top fifth begins."""


class Modes:
    """Draws a mode for each family, and remembers what it drew."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self.of = {
            family: streams.stream(f"swarm/mode/{family}").choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            for family in FAMILIES
        }

    @property
    def said(self) -> tuple[tuple[str, str], ...]:
        """Family and mode, in order."""
        return tuple(self.of.items())

    def swarm(self, swarm: Swarm) -> Swarm:
        """Return the swarm with rates fixed; sizes keep their range, each fault draws its own."""
        family_of = {name: family for family, names in FAMILIES.items() for name in names}
        fixed = {
            item.name: self._fix(getattr(swarm, item.name), item.name, self.of[family_of[item.name]])
            for item in fields(swarm)
            if item.name not in SIZES
        }
        return replace(swarm, **fixed)

    def _fix(self, span: Span, name: str, mode: str) -> Span:
        if span.fixed:
            return span
        rng = self._streams.stream(f"swarm/{name}")
        low = {CALM: 0.0, DRAWN: 0.0, HEAVY: TOP}[mode]
        high = {CALM: 0.0, DRAWN: 1.0, HEAVY: 1.0}[mode]
        value = span.low + (span.high - span.low) * rng.uniform(low, high)
        return Span(value, value)
