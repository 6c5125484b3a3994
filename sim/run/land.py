"""From a scenario to the land a report draws."""

from __future__ import annotations

from collections.abc import Iterator

from sim.report.land import Land, Mast
from sim.scenario.model import Do, Scenario
from sim.world.motion import Path, Place
from sim.world.sites import reach_km


def land_of(scenario: Scenario) -> Land | None:
    """Return the land; None for a flat area, where nobody is anywhere."""
    if scenario.area.model == "flat":
        return None
    env = scenario.area.env
    return Land(
        roads=scenario.roads,
        zones=scenario.zones,
        masts=tuple(
            Mast(
                id=site.id,
                kind=site.kind,
                at=site.at,
                range_km=(site.range_km or reach_km(site, env)) if site.kind == "cell" else 0.0,
            )
            for site in scenario.sites
        ),
        rides={
            group.id: group.via
            for group in scenario.groups
            if group.tier == "person" and group.via and group.at is None
        },
        routes={node.id: node.route for node in scenario.nodes if node.route},
        breaks=tuple(_breaks(scenario)),
    )


def _breaks(scenario: Scenario) -> Iterator[tuple[str, Place]]:
    roads = {road.id: Path.along(road) for road in scenario.roads}
    for action in scenario.actions:
        if action.do is Do.CUT_ROAD and action.who in roads:
            yield action.who, roads[action.who].at(action.at_km)
