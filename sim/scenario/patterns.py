"""Several from one line: "veh-{1..6}" and "{a,b}" make names; "veh-*" finds them; stations get numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from sim.scenario.model import FIRST_PERSON, Action, Group, Node, Scenario

One = TypeVar("One", Node, Group)

MAX_NAMES: Final = 5000
"""Most names one pattern makes: the largest crowd a channel is built for."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d{1,6})\.\.(\d{1,6})")


def parts(pattern: str) -> list[str] | None:
    """Return what a pattern's braces stand for, in order; [""] without braces, None if they are wrong."""
    braces = _BRACES.search(pattern)
    if braces is None:
        return None if {"{", "}"} & set(pattern) else [""]
    inner = braces.group(1)
    if found := _RANGE.fullmatch(inner):
        low, high = int(found[1]), int(found[2])
        width = len(found[1]) if found[1].startswith("0") else 0
        return [f"{n:0{width}}" for n in range(low, high + 1)] if 0 <= high - low < MAX_NAMES else None
    return inner.split(",") if all(inner.split(",")) else None


def names(pattern: str) -> list[str]:
    """Return the names a pattern makes, in order; none if it is wrong."""
    return [_BRACES.sub(part, pattern, count=1) for part in parts(pattern) or []]


def matching(pattern: str, known: Iterable[str]) -> list[str]:
    """Return the known names a pattern finds ("veh-*", "veh-{1..3}", "all"), in their order."""
    if pattern == "all":
        return list(known)
    wanted = names(pattern)
    return [name for name in known if any(fnmatchcase(name, one) for one in wanted)]


def expanded(scenario: Scenario) -> Scenario:
    """Return the scenario with every pattern written out and every station numbered.

    Gateways count from 1, people from FIRST_PERSON, both in the order of the file and around numbers given
    further up: whatever is appended renumbers nobody (`check` tells a number that is taken). Members of a
    group are spread over the nodes of its `via` in turn. A scenario without problems is assumed.
    """
    nodes = tuple(_numbered(_nodes(scenario.nodes), 1, set()))
    served = [node.id for node in nodes]
    groups = tuple(_numbered(_groups(scenario.groups, served), FIRST_PERSON, set()))
    return replace(scenario, nodes=nodes, groups=groups)


def recipients(scenario: Scenario, action: Action) -> list[str]:
    """Return whom an action's `to` means, without its own `who` and crowds; the scenario must be expanded."""
    people = (group.id for group in scenario.groups if group.tier != "crowd")
    stations = [*(node.id for node in scenario.nodes), *people]
    return [name for name in matching(action.to, stations) if name != action.who]


def _nodes(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        for turn, (name, part) in enumerate(zip(names(node.id), parts(node.id) or [], strict=True)):
            station = node.station and node.station + turn
            yield replace(node, id=name, station=station, name=node.name.replace("{n}", part))


def _groups(groups: Iterable[Group], nodes: list[str]) -> Iterator[Group]:
    for group in groups:
        serving = matching(group.via, nodes) or [group.via]
        for turn, (name, part) in enumerate(zip(names(group.id), parts(group.id) or [], strict=True)):
            station = group.station and group.station + turn
            via = serving[turn % len(serving)]
            yield replace(group, id=name, station=station, via=via, name=group.name.replace("{n}", part))


def _numbered(ones: Iterable[One], first: int, taken: set[int]) -> Iterator[One]:
    number = first
    for one in ones:
        while number in taken:
            number += 1
        station = one.station or number
        taken.add(station)
        yield replace(one, station=station)
