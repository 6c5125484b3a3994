"""The three cuts are causes: a road, a network or the mains is cut, and the rest follows from physics."""

from __future__ import annotations

import asyncio

import pytest

from sim.devices.pdt_net import Air, Kind
from sim.physics.outage import CellState
from sim.record import What
from sim.scenario.model import Area, Do, Road, Site, Span, Zone
from tests.world_scene import events, living, node, person, scenario

LAND = Area(size_km=(40.0, 40.0), sigma_db=0.0)
ROAD = Road(id="G5", points=((5.0, 5.0), (35.0, 5.0)))
HOURS = Span(2.0, 2.0)
TOWN = Site(id="town", at=(5.0, 5.0), range_km=4.0, battery_h=HOURS)
FAR = Site(id="far", at=(20.0, 5.0), range_km=4.0, battery_h=HOURS)
NORTH = Zone(id="east", box=(15.0, 0.0, 40.0, 40.0))

COUNTY = scenario(
    (
        node("HQ", "cellular", headquarters=True, at=(5.0, 5.0), mains=True, antenna_m=30.0),
        node("ONE", "cellular", at=(19.0, 5.0)),
        node("TWO", "cellular", at=(21.0, 5.0)),
        node("CAR", "cellular", at=None, route="G5", speed_kmh=60.0),
    ),
    area=LAND,
    roads=(ROAD,),
    sites=(TOWN, FAR),
    zones=(NORTH,),
)


async def test_a_cut_road_stops_units_where_coverage_is_not() -> None:
    """A vehicle goes no further than the gap, stays outside of cells there, and drives on when mended."""
    async with living(COUNTY) as scene:
        car = scene.world.units["CAR"]
        assert len(await scene.datagrams("cellular", "HQ", "CAR")) == 20
        scene.cut(Do.CUT_ROAD, who="G5", at_km=8.0)
        await asyncio.sleep(1200.0)
        assert scene.world.place(car) == pytest.approx((13.0, 5.0))
        assert await scene.datagrams("cellular", "HQ", "CAR") == []
        scene.actors.heal()
        await asyncio.sleep(420.0)
        assert scene.world.place(car)[0] == pytest.approx(20.1, abs=0.3)
        assert len(await scene.datagrams("cellular", "HQ", "CAR")) == 20


async def test_a_cut_network_leaves_cells_isolated() -> None:
    """Two at one cell still talk; whoever is at another, or behind the backhaul, is out of reach."""
    async with living(COUNTY) as scene:
        assert len(await scene.datagrams("cellular", "ONE", "HQ")) == 20
        scene.cut(Do.CUT_NETWORK, who="far", for_s=600.0)
        assert scene.world.cells.towers["far"].state() is CellState.ISOLATED
        assert await scene.datagrams("cellular", "ONE", "HQ") == []
        assert len(await scene.datagrams("cellular", "ONE", "TWO")) == 20
        assert len(await scene.datagrams("cellular", "HQ", "CAR")) == 20
        await asyncio.sleep(600.0)
        assert len(await scene.datagrams("cellular", "ONE", "HQ")) == 20


async def test_a_network_cut_everywhere_isolates_every_cell() -> None:
    """Without area or site all backhaul dies: only those at one cell talk."""
    async with living(COUNTY) as scene:
        scene.cut(Do.CUT_NETWORK)
        assert await scene.datagrams("cellular", "ONE", "HQ") == []
        assert len(await scene.datagrams("cellular", "ONE", "TWO")) == 20
        scene.actors.heal()
        assert len(await scene.datagrams("cellular", "ONE", "HQ")) == 20


async def test_cells_without_mains_live_on_their_batteries() -> None:
    """A cell serves for the hours of its battery, then is silent; when mains return it starts again."""
    async with living(COUNTY, keep=frozenset(What)) as scene:
        scene.cut(Do.CUT_POWER, area="east", for_s=4 * 3600.0)
        await asyncio.sleep(2 * 3600.0 - 60.0)
        assert len(await scene.datagrams("cellular", "ONE", "TWO")) == 20
        await asyncio.sleep(120.0)
        assert scene.world.cells.towers["far"].state() is CellState.SILENT
        assert await scene.datagrams("cellular", "ONE", "TWO") == []
        assert scene.world.cells.towers["town"].state() is CellState.SERVING
        await asyncio.sleep(2 * 3600.0 + 300.0)
        assert len(await scene.datagrams("cellular", "ONE", "TWO")) == 20
        told = events(scene, What.POWER, lambda event: event.node == "far")
        assert [event.facts["state"] for event in told] == ["silent", "serving"]


async def test_handhelds_die_after_their_own_hours() -> None:
    """Mains or not, a set lives as long as its battery; healing brings a fresh one."""
    crew = (
        person("T-1", "handheld", "HQ", battery_h=Span(1.0, 1.0)),
        person("T-2", "handheld", "HQ", battery_h=Span(3.0, 3.0)),
    )
    whole = scenario((node("HQ", "pdt", headquarters=True), node("VEH", "pdt")), crew)
    async with living(whole) as scene:
        await asyncio.sleep(2 * 3600.0)
        assert not scene.world.people["T-1"].device.powered
        assert scene.world.people["T-2"].device.powered
        scene.actors.heal()
        assert scene.world.people["T-1"].device.powered


async def test_a_charger_lasts_until_the_mains_are_cut() -> None:
    """Whoever has a socket dies their own hours after the mains there were cut, and not elsewhere."""
    hour = Span(1.0, 1.0)
    crew = (
        person("T-1", "handheld", "HQ", mains=True, battery_h=hour, at=(20.0, 5.0), within_km=0.0),
        person("T-2", "handheld", "HQ", mains=True, battery_h=hour, at=(6.0, 5.0), within_km=0.0),
        person("C-1", "handheld", "HQ", tier="crowd", mains=True, battery_h=hour, at=(20.0, 6.0)),
    )
    nodes = (node("HQ", "pdt", headquarters=True), node("VEH", "pdt"))
    whole = scenario(nodes, crew, area=LAND, zones=(NORTH,))
    async with living(whole) as scene:
        people, crowd = scene.world.people, scene.world.air.crowd
        assert crowd is not None

        def lit() -> list[bool]:
            return [
                people["T-1"].device.powered,
                crowd.members["C-1"].switched_on,
                people["T-2"].device.powered,
            ]

        await asyncio.sleep(3 * 3600.0)
        scene.cut(Do.CUT_POWER, area="east", for_s=2 * 3600.0)
        await asyncio.sleep(3500.0)
        assert lit() == [True, True, True]
        await asyncio.sleep(200.0)
        assert lit() == [False, False, True]
        await asyncio.sleep(3600.0)
        assert lit() == [True, True, True]


async def test_a_vehicle_browns_out_and_comes_back() -> None:
    """Off the mains a box lives on its battery, then is off with its disk as synced, until they return."""
    whole = scenario(
        (
            node("HQ", "cellular", headquarters=True, mains=True),
            node("VEH", "cellular", mains=True, battery_wh=Span(25.0, 25.0), load_w=100.0),
        )
    )
    async with living(whole, gateways=True, keep=frozenset({What.POWER})) as scene:
        await scene.up("HQ", "VEH")
        message = await scene.world.units["VEH"].desk.send("HQ", "市电已断，改用电池")
        assert message is not None
        scene.cut(Do.CUT_POWER, for_s=1800.0)
        await asyncio.sleep(14 * 60.0)
        assert scene.has("VEH")
        await asyncio.sleep(2 * 60.0)
        assert not scene.has("VEH")
        assert scene.has("HQ")
        await asyncio.sleep(15 * 60.0)
        assert scene.has("VEH")
        assert await scene.world.units["VEH"].box.backend.message(str(message.id)) is not None
        told = events(scene, What.POWER, lambda event: event.node == "VEH" and "state" in event.facts)
        assert [event.facts["state"] for event in told] == ["off", "on"]


async def test_a_relay_hill_dies_after_its_battery() -> None:
    """Two sets behind a hill hear each other through it until its hours without mains are over."""
    hill = Site(id="hill", kind="relay", at=(10.0, 10.0), antenna_m=60.0, power_dbm=44.0, battery_h=HOURS)
    whole = scenario(
        (node("HQ", "pdt", headquarters=True, at=(10.0, 9.0)), node("VEH", "pdt", at=(10.0, 11.0))),
        (
            person("T-1", "handheld", "HQ", at=(2.0, 10.0), within_km=0.0),
            person("T-2", "handheld", "HQ", at=(18.0, 10.0), within_km=0.0),
        ),
        area=LAND,
        sites=(hill,),
        zones=(NORTH,),
    )
    async with living(whole) as scene:
        assert await scene.radio("T-1", "T-2", 10) >= 8
        scene.cut(Do.CUT_POWER)
        await asyncio.sleep(3600.0)
        assert await scene.radio("T-1", "T-2", 10) >= 8
        await asyncio.sleep(3600.0)
        assert await scene.radio("T-1", "T-2", 10) == 0
        scene.actors.heal()
        await asyncio.sleep(60.0)
        assert await scene.radio("T-1", "T-2", 10) >= 8


async def test_transmitting_drains_the_battery() -> None:
    """What a radio draws while it sends is missing from its vehicle's battery, beside the load."""
    whole = scenario((node("HQ", "pdt", headquarters=True), node("VEH", "pdt")))
    async with living(whole, keep=frozenset({What.POWER})) as scene:
        vehicle, idle = scene.world.units["VEH"], scene.world.units["HQ"]
        radio = vehicle.plugged["pdt"][0]
        for _ in range(100):
            air = Air(kind=Kind.DATA, source=radio.id, destination=1, body=bytes(200))  # type: ignore[attr-defined]
            scene.world.fleet.pdt.transmit(air)
            await asyncio.sleep(5.0)
        await asyncio.sleep(120.0)
        now_s = scene.world.now_s()
        spent_wh = idle.battery.left_wh(now_s) - vehicle.battery.left_wh(now_s)
        busy_s = scene.world.air.meter.airtime_s["pdt"]

        assert busy_s > 100.0
        assert spent_wh == pytest.approx(60.0 * busy_s / 3600.0, rel=0.01)
        told = events(scene, What.POWER, lambda event: event.node == "VEH")
        assert len(told) == int(now_s // 60) + 1
        left_wh = [float(str(event.facts["left_wh"])) for event in told]
        assert left_wh == sorted(left_wh, reverse=True)
