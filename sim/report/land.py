"""The land of a run for the page: roads, areas, sites, and where everybody was, as compact columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim.report.digest import Digest
from sim.report.lanes import Lanes
from sim.report.series import micro, thin
from sim.scenario.model import Road, Zone
from sim.world.motion import Path, Place

MAX_POINTS: Final = 600
"""Points kept of one track: more than a map has pixels along a road."""

BORE_STEPS: Final = 16
"""Pieces of a tunnel as it is drawn: a road's bends show in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mast:
    """A site: "cell" or "relay"; `range_km` 0 draws no circle."""

    id: str
    kind: str
    at: Place
    range_km: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Land:
    """What does not move.

    `rides`: person → the gateway they go with; `routes`: gateway → its road; `breaks`: road → where it was
    cut.
    """

    roads: tuple[Road, ...] = ()
    zones: tuple[Zone, ...] = ()
    masts: tuple[Mast, ...] = ()
    rides: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    breaks: tuple[tuple[str, Place], ...] = ()


def land(ground: Land | None, digest: Digest, lanes: Lanes) -> dict[str, Any] | None:
    """Return what the map draws; None where everybody is at one place, as in a world without distances."""
    tracks = dict(_tracks(digest, lanes))
    spots = {(x, y) for track in tracks.values() for x, y in zip(track[1::3], track[2::3], strict=True)}
    if ground is None or len(spots) < 2:  # noqa: PLR2004 - one place is no map
        return None
    rides = [(lanes.lane(who), lanes.lane(on)) for who, on in ground.rides.items()]
    return {
        "roads": [
            {"id": road.id, "points": road.points, "tunnels": list(_tunnels(road))} for road in ground.roads
        ],
        "zones": [{"id": zone.id, "box": zone.box, "tunnel": zone.tunnel} for zone in ground.zones],
        "sites": [
            {"id": mast.id, "lane": lanes.lane(mast.id), "kind": mast.kind}
            | {"at": mast.at, "range": round(mast.range_km, 2)}
            for mast in ground.masts
        ],
        "tracks": list(tracks.items()),
        "rides": [ride for ride in rides if ride[0] in tracks and ride[1] in tracks],
        "breaks": [{"road": road, "at": at} for road, at in ground.breaks],
    }


def _tracks(digest: Digest, lanes: Lanes) -> Iterator[tuple[int, list[float]]]:
    for node, places in digest.places.items():
        lane = lanes.lane(node)
        if lane >= 0:
            kept = thin(places, MAX_POINTS)
            yield lane, [value for at_ns, x, y in kept for value in (micro(at_ns), x, y)]


def _tunnels(road: Road) -> Iterator[list[Place]]:
    path = Path.along(road)
    for begin, end in road.tunnels:
        yield [path.at(begin + (end - begin) * step / BORE_STEPS) for step in range(BORE_STEPS + 1)]
