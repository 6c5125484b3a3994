"""What each satellite terminal of a world has above it: elevation, distance, delay, and how often a view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sim.physics.blockage import clear_share
from sim.physics.budget import aligned
from sim.physics.geo import elevation_deg, hop_s, slant_km
from sim.world.sky import EAST_DEG
from sim.world.world import World

_EN: Final = ("satellite", "east", "elevation", "km", "hop ms", "view")
_ZH: Final = ("卫星链路", "东经", "仰角", "公里", "一跳ms", "可视")

PEOPLE_BEARER: Final = {"phone": "tiantong", "handset": "beidou"}


def sky_budgets(world: World, *, chinese: bool = True) -> str:
    """Return the table: one line per terminal, to its highest satellite; "" where there is none.

    The view is the share of the way with one; who does not drive has looked for a place with one.
    """
    rows = [*_rows(world)]
    return aligned([_ZH if chinese else _EN, *rows]) if rows else ""


def _rows(world: World) -> Iterator[tuple[str, ...]]:
    flat = world.scenario.area.model == "flat"
    for unit in world.units.values():
        drives = not flat and bool(unit.node.route) and unit.node.speed_kmh > 0
        for bearer in unit.node.links:
            if bearer in EAST_DEG:
                yield _row(world, unit.id, bearer, drives=drives)
    for man in world.people.values():
        if man.group.kind in PEOPLE_BEARER:
            yield _row(world, man.id, PEOPLE_BEARER[man.group.kind], drives=False)


def _row(world: World, name: str, bearer: str, *, drives: bool) -> tuple[str, ...]:
    area = world.scenario.area
    place = area.origin
    east_deg = max(EAST_DEG[bearer], key=lambda east: elevation_deg(*place, east))
    elevation = elevation_deg(*place, east_deg)
    view = clear_share(area.env, elevation) if drives else 1.0
    figures = (f"{east_deg:.1f}°", f"{elevation:.1f}°", f"{slant_km(*place, east_deg):.0f}")
    return (f"{bearer} {name}", *figures, f"{1000 * hop_s(*place, east_deg):.1f}", f"{view:.0%}")
