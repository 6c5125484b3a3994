"""What one seed makes of a scenario: every range fixed, every message written, every fault listed. Pure.

Each place of the scenario draws from a stream of its own, named by what it is: adding a node, an action or a
kind of fault shifts nobody else's draws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final, TypeVar

from sim.faults.model import Fault, Schedule
from sim.rng import Streams
from sim.scenario.draw_faults import draw_faults
from sim.scenario.draw_messages import draw_messages
from sim.scenario.known import Known
from sim.scenario.model import ZERO, Action, ClockSpec, Do, Group, Node, Scenario, Site, Span
from sim.scenario.modes import Modes
from sim.scenario.patterns import expanded, recipients
from sim.scenario.places import placed

One = TypeVar("One")

MIN_EVERY_S: Final = 0.01
"""Least time between two repetitions, so that a count never stands at one instant."""

SLOW_MESH_S: Final = 30.0
"""Between heartbeats over a LoRa-like mesh: the slowest that a scenario may ask for."""

_SPANS: Final[Mapping[type, tuple[tuple[str, bool], ...]]] = MappingProxyType(
    {
        kind: tuple(
            (one.name, one.type != "Span") for one in fields(kind) if one.type in {"Span", "ClockSpec"}
        )
        for kind in (Site, Node, ClockSpec, Group, Action)
    }
)
"""Fields that hold a Span, or a whole of Spans (True), by part of the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One run, complete: what a replay file holds.

    `scenario` is concrete: patterns written out, stations numbered, nodes placed, every Span fixed, actions
    single (one recipient, once) and in order of time, random messages among them. FAULT actions stand in
    `schedule`, with the swarm's faults.
    `modes` says in words what kind of seed this is.
    """

    seed: int
    scenario: Scenario
    schedule: Schedule
    modes: tuple[tuple[str, str], ...]


def draw(scenario: Scenario, seed: int) -> Drawn:
    """Draw one run of a scenario without problems; the same seed gives the same run, in every process."""
    streams = Streams(seed)
    whole = expanded(scenario)
    modes = Modes(streams)
    chosen = _chosen(whole, streams)
    concrete = replace(
        whole,
        seed=seed,
        sites=tuple(_fixed(site, streams, f"site/{site.id}") for site in whole.sites),
        nodes=tuple(
            _slowed(_fixed(_linked(node, chosen), streams, f"node/{node.id}"), scenario)
            for node in whole.nodes
        ),
        groups=tuple(_fixed(group, streams, f"group/{group.id}") for group in whole.groups),
        swarm=modes.swarm(whole.swarm),
    )
    concrete = replace(concrete, nodes=placed(concrete, streams))
    repeated = [one for action in _named(scenario.actions, streams) for one in action]
    stations = frozenset(Known.of(concrete).stations)
    actions = [single for one in repeated for single in _each(one, concrete, stations)]
    actions += draw_messages(concrete, streams)
    actions.sort(key=lambda action: action.t.low)
    faults = [_fault(action) for action in actions if action.fault is not None]
    faults += draw_faults(concrete, modes, streams)
    faults.sort(key=lambda fault: fault.at_s)
    return Drawn(
        seed=seed,
        scenario=replace(concrete, actions=tuple(a for a in actions if a.fault is None)),
        schedule=Schedule(faults=tuple(faults)),
        modes=modes.said,
    )


def _fixed(one: One, streams: Streams, place: str) -> One:
    """Return a part of the model with every Span fixed, those of its own parts too."""
    changed: dict[str, Any] = {}
    for name, whole in _SPANS[type(one)]:
        value = getattr(one, name)
        if whole:
            changed[name] = _fixed(value, streams, f"{place}/{name}")
        elif not value.fixed:
            drawn = streams.stream(f"{place}/{name}").uniform(value.low, value.high)
            changed[name] = Span(drawn, drawn)
    return replace(one, **changed) if changed else one  # type: ignore[type-var]


def _chosen(scenario: Scenario, streams: Streams) -> dict[str, str]:
    """Choose one of alternative bearers, once: all nodes with the same alternatives are to meet on it."""
    words = {word for node in scenario.nodes for word in node.links}
    return {word: streams.stream(f"links/{word}").choice(word.split("|")) for word in words}


def _slowed(node: Node, scenario: Scenario) -> Node:
    """Let the links of a node on a mesh of kilobits beat as slowly as they may: it carries little else."""
    if scenario.area.mesh != "lora" or "mesh" not in node.links:
        return node
    return replace(node, heartbeat_s=Span(SLOW_MESH_S, SLOW_MESH_S))


def _linked(node: Node, chosen: dict[str, str]) -> Node:
    return replace(node, links=tuple(chosen[word] for word in node.links))


def _named(actions: tuple[Action, ...], streams: Streams) -> Iterator[list[Action]]:
    """Draw each action from a stream named by what it says, so that others may come before it."""
    seen: Counter[str] = Counter()
    for action in actions:
        fault = f"{action.fault.kind.value} {action.fault.target}" if action.fault else ""
        what = f"{action.t.low}..{action.t.high}/{action.do.value}/{action.who}/{action.to}"
        name = f"at/{what}/{action.area}/{fault}/{action.text}"
        seen[name] += 1
        yield _singles(action, streams, f"{name}/{seen[name]}")


def _singles(action: Action, streams: Streams, place: str) -> list[Action]:
    """Return one action for each repetition; texts that repeat are told apart by their number."""
    first = _fixed(replace(action, every_s=ZERO), streams, place)
    if action.count == 1:
        return [first]
    rng = streams.stream(f"{place}/every_s")
    at_s, made = first.t.low, []
    for turn in range(1, action.count + 1):
        text = f"{action.text}（{turn}/{action.count}）" if action.text else ""
        made.append(replace(first, count=1, text=text, t=Span(at_s, at_s)))
        at_s += max(MIN_EVERY_S, rng.uniform(action.every_s.low, action.every_s.high))
    return made


def _each(action: Action, scenario: Scenario, stations: frozenset[str]) -> list[Action]:
    """Return one message for each recipient of a message to several, its text marked with who it is for."""
    if action.do is not Do.SEND or action.to in stations:
        return [action]
    return [
        replace(action, to=name, text=f"{action.text}（{name}）") for name in recipients(scenario, action)
    ]


def _fault(action: Action) -> Fault:
    assert action.fault is not None  # noqa: S101 - the caller asked
    return replace(
        action.fault, at_s=action.t.low, for_s=action.for_s.low, cause=action.fault.cause or "scenario"
    )
