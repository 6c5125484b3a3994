"""Figures of a run, by the names that scenarios may put bounds on."""

from __future__ import annotations

from typing import Final

from drivers.base import Precedence
from sim.faults.model import Kind
from sim.record import Event, What
from sim.run.truth import Entry, Truth
from sim.world.files import NETS
from sim.world.world import World

PERCENTILES: Final = {"p50": 0.5, "p95": 0.95, "max": 1.0}


class Metrics:
    """Counts while the world lives; `values` is complete after `finish`. What did not happen has no value."""

    def __init__(self, world: World, truth: Truth) -> None:
        self.values: dict[str, float] = {}
        self._world = world
        self._truth = truth
        self._died: set[str] = set()
        self._octets: dict[str, int] = {}
        self._cut_s: dict[tuple[str, str], float] = {}
        self._noticed_s: list[float] = []
        record = world.record
        record.watch(self._power, What.POWER)
        record.watch(self._frame, What.FRAME)
        record.watch(self._fault, What.FAULT)
        record.watch(self._link, What.LINK)

    async def finish(self) -> None:
        """Work everything out."""
        self._messages()
        self._latencies()
        self._emergencies()
        await self._roll_calls()
        self._put("energy.died", len(self._died))
        if self._noticed_s:
            self._put("failover.latency", percentile(self._noticed_s, 0.95))
        for name, value in self._world.air.figures(self._world.now_s()).items():
            self._put(name, value)
        for bearer, octets in self._octets.items():
            self._put(f"octets.{bearer}", octets)

    def _put(self, name: str, value: float) -> None:
        self.values[name] = round(value, 6)

    def _messages(self) -> None:
        entries = list(self._truth.entries.values())
        taken = [entry for entry in entries if entry.accepted]
        self._put("messages.typed", len(entries))
        self._put("messages.refused", sum(entry.accepted is False for entry in entries))
        self._put("messages.lost", len(self._truth.missing(self._world)))
        twice = sum(len(times) - 1 for entry in entries for times in entry.shown_s.values())
        self._put("messages.duplicates", twice)
        self._put("messages.repeats", sum(len(t) for e in entries for t in e.repeated_s.values()))
        if taken:
            self._put("messages.delivered", sum(entry.arrived for entry in taken) / len(taken))

    def _latencies(self) -> None:
        by_class: dict[int, list[float]] = {}
        accepted: dict[int, list[bool]] = {}
        everything: list[float] = []
        for entry in self._truth.entries.values():
            if entry.accepted:
                accepted.setdefault(entry.precedence, []).append(entry.arrived)
            if entry.arrived:
                took_s = _took_s(entry)
                everything.append(took_s)
                by_class.setdefault(entry.precedence, []).append(took_s)
        for precedence, arrived in accepted.items():
            self._put(f"delivered.{Precedence(precedence).name.lower()}", sum(arrived) / len(arrived))
        self._spread("latency", everything)
        for precedence, took in by_class.items():
            self._spread("latency", took, kind=f".{Precedence(precedence).name.lower()}")

    def _emergencies(self) -> None:
        pressed, told = self._truth.pressed_s, self._truth.told_s
        if pressed:
            self._put("sos.delivered", len(told) / len(pressed))
        if told:
            self._put("sos.latency", max(told[key] - pressed[key] for key in told))

    async def _roll_calls(self) -> None:
        expected = answered = inferred = absent = 0
        longest_s = 0.0
        for unit in self._world.units.values():
            if not unit.box.on:
                continue
            for call in await unit.box.backend.roll_calls(limit=100):
                counts = call["counts"]
                assert isinstance(counts, dict)  # noqa: S101 - the API's own shape
                expected += counts["expected"]
                answered += counts["answered"]
                inferred += counts["inferred"]
                absent += counts["absent"]
                longest_s = max(longest_s, _length_s(call))
        if expected:
            self._put("rollcall.answered", answered / expected)
            self._put("rollcall.accounted", (answered + inferred) / expected)
            self._put("rollcall.absent", absent / expected)
            self._put("rollcall.took", longest_s)

    def _spread(self, name: str, values: list[float], *, kind: str = "") -> None:
        for word, share in PERCENTILES.items():
            if values:
                self._put(f"{name}.{word}{kind}", percentile(values, share))

    # --- what is watched ---------------------------------------------------------------------------------

    def _power(self, event: Event) -> None:
        if event.facts["state"] == "off" and event.facts["why"] == "battery empty":
            self._died.add(event.node)

    def _frame(self, event: Event) -> None:
        if event.facts["direction"] == "tx":
            self._octets[event.link] = self._octets.get(event.link, 0) + len(event.data)

    def _fault(self, event: Event) -> None:
        if event.facts["name"] not in (Kind.CUT.value, Kind.UNPLUG.value, Kind.HANG.value):
            return
        for unit in self._world.units.values():
            for bearer in unit.node.links:
                if event.facts["target"] in (bearer, f"{bearer}:{unit.id}", f"{unit.id}/{bearer}"):
                    if event.facts["state"] == "begins":
                        self._cut_s[unit.id, bearer] = event.at_s
                    else:
                        self._cut_s.pop((unit.id, bearer), None)

    def _link(self, event: Event) -> None:
        if event.facts["state"] not in ("up", "suspect", "recovering"):
            begun_s = self._cut_s.pop((event.node, event.link), None)
            if begun_s is not None and (event.link in NETS or event.facts["state"] != "starting"):
                self._noticed_s.append(event.at_s - begun_s)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of them lie; the largest for 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _took_s(entry: Entry) -> float:
    shown_s = entry.first_shown_s(entry.to)
    return 0.0 if shown_s is None else shown_s - entry.at_s


def _length_s(call: dict[str, object]) -> float:
    begun, ended = call.get("started_unix_ms"), call.get("ended_unix_ms")
    return (ended - begun) / 1000 if isinstance(begun, int) and isinstance(ended, int) else 0.0
