"""Where every gateway stands at the start: "within 3 km of the post" becomes a place, one for each seed."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Final

from sim.rng import Streams
from sim.scenario.model import Node, Scenario
from sim.scenario.patterns import matching

Place = tuple[float, float]

CENTRE: Final = 0.5
"""In a flat area a node may stand nowhere; it is put in the middle."""


def placed(scenario: Scenario, streams: Streams) -> tuple[Node, ...]:
    """Return the nodes of an expanded scenario, each with a place of its own (`at`) or a `route`."""
    nodes = {node.id: node for node in scenario.nodes}
    found: dict[str, Place] = {}

    def place(node: Node, asking: frozenset[str]) -> Place:
        if node.id not in found:
            found[node.id] = _about(node, centre(node, asking | {node.id}), scenario, streams)
        return found[node.id]

    def centre(node: Node, asking: frozenset[str]) -> Place:
        if node.at is not None:
            return node.at
        others = (
            [nodes[name] for name in matching(node.near, nodes) if name not in asking] if node.near else []
        )
        if others:
            return place(others[0], asking)
        if node.route:
            road = next(road for road in scenario.roads if road.id == node.route)
            return _along(road.points, node.start_km.low)
        east, north = scenario.area.size_km
        return (east * CENTRE, north * CENTRE)

    return tuple(
        node if node.route else replace(node, at=place(node, frozenset()), near="", within_km=0.0)
        for node in scenario.nodes
    )


def _about(node: Node, centre: Place, scenario: Scenario, streams: Streams) -> Place:
    """Return a place evenly drawn from the disc round the centre, held inside the area."""
    if node.within_km <= 0 or node.route:
        return centre
    rng = streams.stream(f"node/{node.id}/place")
    far_km, angle = node.within_km * math.sqrt(rng.random()), rng.uniform(0, math.tau)
    east, north = scenario.area.size_km
    x, y = centre[0] + far_km * math.cos(angle), centre[1] + far_km * math.sin(angle)
    return (min(max(x, 0.0), east), min(max(y, 0.0), north))


def _along(points: tuple[Place, ...], km: float) -> Place:
    """Return the place so many kilometres along a road."""
    for start, end in itertools.pairwise(points):
        length = math.dist(start, end)
        if km <= length and length > 0:
            share = km / length
            return (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
        km -= length
    return points[-1]
