"""The link budgets of a world at its start: one line per radio link, to be believed before the run is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from sim.physics.budget import LinkBudget, budget_table
from sim.physics.burst import S5_DBM
from sim.radio.pdt_air import PDT_MHZ
from sim.world.masts import HANDHELD, RELAY_GAIN_DB, Figures, gateway_figures
from sim.world.meshes import KINDS
from sim.world.motion import Place
from sim.world.sites import CELL_FLOOR_DBM, CELL_MHZ, PHONE_M
from sim.world.sky_budgets import sky_budgets
from sim.world.unit import Unit
from sim.world.world import World

NEAREST_KM: Final = 0.01

End = tuple[str, Place, Figures]
"""One end of a link: who, where, and what it radiates."""


def budgets(world: World, *, chinese: bool = True) -> str:
    """Return the tables of every radio link: handhelds, gateways, hills, mesh, cells, crowd; then satellites.

    Medians: the shadow of the places is not in them, its spread is in the last column. In a flat area there
    are satellites only; "" without any.
    """
    tables = [sky_budgets(world, chinese=chinese)]
    if world.scenario.area.model != "flat":
        rows = [*_pdt(world), *_crowd(world), *_mesh(world), *_cells(world)]
        tables.insert(0, budget_table(rows, chinese=chinese))
    return "\n\n".join(table for table in tables if table)


def _pdt(world: World) -> Iterator[LinkBudget]:
    sets = [
        (man.group.via, (man.id, world.starts[man.id], HANDHELD))
        for man in world.people.values()
        if man.group.kind == "handheld"
    ]
    gateways = {unit.id: _gateway(world, unit) for unit in _on(world, "pdt")}
    hills = [
        (hill.site.id, hill.site.at, Figures(hill.site.power_dbm, RELAY_GAIN_DB, hill.site.antenna_m))
        for hill in world.hills.values()
    ]
    for via, one in sets:
        yield _land(world, one, gateways[via])
    yield from (_land(world, one, other) for one, other in _pairs([*gateways.values()]))
    for hill in hills:
        yield from (_land(world, one, hill) for one in (*gateways.values(), *(end for _, end in sets)))


def _crowd(world: World) -> Iterator[LinkBudget]:
    """Tell of the crowd's nearest and farthest member only: hundreds of lines are read by nobody."""
    if world.air.crowd is None or not world.air.crowd.members:
        return
    gateways = {unit.id: _gateway(world, unit) for unit in _on(world, "pdt")}
    rows = []
    for group in world.scenario.groups:
        if group.tier == "crowd":
            antenna = world.air.crowd.members[group.id].radio.antenna
            rows.append(_land(world, (group.id, (antenna.x_km, antenna.y_km), HANDHELD), gateways[group.via]))
    rows.sort(key=lambda row: row.d_km)
    yield from (rows[0], rows[-1])


def _mesh(world: World) -> Iterator[LinkBudget]:
    kind = KINDS[world.scenario.area.mesh]
    ends = [
        (unit.id, world.starts[unit.id], kind.figures(unit.node.antenna_m)) for unit in _on(world, "mesh")
    ]
    for one, other in _pairs(ends):
        yield _row(world, "mesh ", one, other, f_mhz=kind.f_mhz, needs_dbm=kind.floor_dbm, faded=False)


def _cells(world: World) -> Iterator[LinkBudget]:
    for unit in _on(world, "cellular"):
        here = world.starts[unit.id]
        towers = world.cells.towers.values()
        tower = min(towers, key=lambda one: math.dist(one.site.at, here), default=None)
        if tower is not None:
            site = tower.site
            cell = (site.id, site.at, Figures(site.power_dbm, 0.0, site.antenna_m))
            phone = (unit.id, here, Figures(0.0, 0.0, PHONE_M))
            yield _row(world, "4G/5G ", cell, phone, f_mhz=CELL_MHZ, needs_dbm=CELL_FLOOR_DBM, faded=False)


def _gateway(world: World, unit: Unit) -> End:
    return unit.id, world.starts[unit.id], gateway_figures(unit.node.antenna_m)


def _on(world: World, bearer: str) -> list[Unit]:
    return [unit for unit in world.units.values() if bearer in unit.node.links]


def _pairs(ends: list[End]) -> Iterator[tuple[End, End]]:
    return ((one, other) for place, one in enumerate(ends) for other in ends[place + 1 :])


def _land(world: World, tx: End, rx: End) -> LinkBudget:
    return _row(world, "", tx, rx, f_mhz=PDT_MHZ, needs_dbm=S5_DBM, faded=True)


def _row(
    world: World, kind: str, tx: End, rx: End, *, f_mhz: float, needs_dbm: float, faded: bool
) -> LinkBudget:
    area = world.scenario.area
    return LinkBudget(
        name=f"{kind}{tx[0]}→{rx[0]}",
        f_mhz=f_mhz,
        d_km=max(NEAREST_KM, math.dist(tx[1], rx[1])),
        tx_dbm=tx[2].power_dbm,
        tx_h_m=tx[2].height_m,
        rx_h_m=rx[2].height_m,
        env=area.env,
        tx_gain_dbi=tx[2].gain_db,
        rx_gain_dbi=rx[2].gain_db,
        sigma_db=area.sigma_db,
        faded=faded,
        s5_dbm=needs_dbm,
    )
