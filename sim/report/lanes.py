"""Which line of the timeline something belongs to: nodes in order, then people who are no node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.record import Event, What
from sim.report.digest import CUTS, Digest, Span
from sim.report.facts import flag, text
from sim.report.summary import NodeInfo, Summary
from sim.scenario.model import Do

if TYPE_CHECKING:
    from sim.report.land import Land

MAX_PEOPLE = 60
"""People with a line of their own; the others share one: nobody reads 200 lines."""

OTHERS = "…"
"""The line the others share."""

NODE = -1
"""In place of a link's number: the whole node. In place of a line's number: the whole world."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line, and a link on it or NODE."""

    lane: int
    link: int


class Lanes:
    """All lines and how to find them."""

    def __init__(self, summary: Summary, digest: Digest) -> None:
        self.nodes: list[NodeInfo] = list(summary.nodes)
        self._index = {node.id: index for index, node in enumerate(self.nodes)}
        self._stations = {node.station: index for index, node in enumerate(self.nodes) if node.station}
        self._links = {
            (node.id, link.name): place for node in self.nodes for place, link in enumerate(node.links)
        }
        self.hidden_people = 0
        self._land = summary.land
        self._starts = {node: places[0][1:] for node, places in digest.places.items()}
        self._add_strangers(digest)

    def lane(self, name: str) -> int:
        """Return the line of a node, a person or a station number; NODE if there is none."""
        found = self._index.get(name)
        if found is None and name.isdecimal() and name.isascii():
            found = self._stations.get(int(name))
        return NODE if found is None else found

    def link(self, node: str, name: str) -> int:
        """Return a link's number on its line; NODE if there is none."""
        return self._links.get((node, name), NODE)

    def of(self, event: Event) -> int:
        """Return the line where a person typed or saw something."""
        return self.lane(_who(event))

    def touched(self, span: Span) -> list[Place]:
        """Return what a fault touches; the whole world when its target names nothing of ours."""
        if span.node:
            return [Place(self.lane(span.node), self.link(span.node, span.link))]
        head, _, rest = span.target.replace("/", ":").partition(":")
        if self._land is not None and span.name in CUTS and span.target != "all":
            return [Place(self._index[name], NODE) for name in self._cut(self._land, span)]
        if head in self._index:
            return [Place(self._index[head], self.link(head, rest))]
        ends = [end for end in rest.split(">") if end]
        found = [
            Place(lane, place)
            for lane, node in enumerate(self.nodes)
            for place, link in enumerate(node.links)
            if head in {link.bearer, link.name} and (not ends or node.id in ends)
        ]
        return found or [Place(NODE, NODE)]

    def _cut(self, land: Land, span: Span) -> list[str]:
        """Return who stands in the area, or drives on the road, that an action cut."""
        if span.name == Do.CUT_ROAD.value:
            return [node for node, road in land.routes.items() if road == span.target and node in self._index]
        boxes = [zone.box for zone in land.zones if zone.id == span.target]
        masts = {mast.id: mast.at for mast in land.masts}
        ours = {
            node.id: self._starts[node.id] for node in self.nodes if node.links and node.id in self._starts
        }
        places = masts if span.name == Do.CUT_NETWORK.value else masts | ours
        return [
            name
            for name, (x, y) in places.items()
            if name in self._index
            and (
                name == span.target
                or any(west <= x <= east and south <= y <= north for west, south, east, north in boxes)
            )
        ]

    def _add_strangers(self, digest: Digest) -> None:
        people = 0
        for life in digest.lives:
            for event in life.steps:
                if event.what not in {What.TYPED, What.SHOWN}:
                    continue
                name = _who(event)
                if not name or name in self._index:
                    continue
                if people < MAX_PEOPLE:
                    people += 1
                    self._index[name] = len(self.nodes)
                    self.nodes.append(NodeInfo(id=name, kind="person"))
                else:
                    self.hidden_people += 1
                    self._index[name] = self._index.setdefault(OTHERS, len(self.nodes))
        if OTHERS in self._index:
            self.nodes.append(NodeInfo(id=OTHERS, kind="person"))


def _who(event: Event) -> str:
    by = text(event.facts, "by")
    if not event.node or (by and flag(event.facts, "native")):
        return by or event.node
    return event.node
