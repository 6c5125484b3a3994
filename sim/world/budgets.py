"""The link budgets of a world at its start: one line per radio path, to be believed before the run is."""

from __future__ import annotations

import math

from sim.physics.budget import LinkBudget, budget_table
from sim.world.people import Man
from sim.world.unit import Unit
from sim.world.world import World

F_MHZ = 370.0
HANDHELD = (36.0, -6.0, 1.5)
"""4 W in dBm, antenna beside a body in dBi, height in m."""
VEHICLE = (44.0, 3.0)
"""25 W in dBm, quarter wave on a roof in dBi; its height is the node's."""


def budgets(world: World, *, chinese: bool = True) -> str:
    """Return the table of every handheld towards its gateway and of every two gateways on PDT."""
    area = world.scenario.area
    if area.model == "flat":
        return ""
    rows = [
        _row(world, f"{man.id}→{unit.id}", man, unit)
        for man in world.people.values()
        for unit in world.units.values()
        if man.group.kind == "handheld" and unit.id == man.group.via and "pdt" in unit.node.links
    ]
    gateways = [unit for unit in world.units.values() if "pdt" in unit.node.links]
    rows += [
        _row(world, f"{one.id}→{other.id}", one, other)
        for place, one in enumerate(gateways)
        for other in gateways[place + 1 :]
    ]
    return budget_table(rows, chinese=chinese)


def _row(world: World, name: str, tx: Man | Unit, rx: Unit) -> LinkBudget:
    area = world.scenario.area
    power_dbm, gain_dbi, height_m = HANDHELD if isinstance(tx, Man) else (*VEHICLE, tx.node.antenna_m)
    here = tx.place(0.0) if isinstance(tx, Man) else tx.mover.place(0.0)
    return LinkBudget(
        name=name,
        f_mhz=F_MHZ,
        d_km=max(0.01, math.dist(here, rx.mover.place(0.0))),
        tx_dbm=power_dbm,
        tx_h_m=height_m,
        rx_h_m=rx.node.antenna_m,
        env=area.env,
        tx_gain_dbi=gain_dbi,
        rx_gain_dbi=VEHICLE[1],
        sigma_db=area.sigma_db,
        faded=True,
    )
