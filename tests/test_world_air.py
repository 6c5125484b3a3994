"""The air of a world: places decide who hears whom on radio and mesh, and everything on it can be told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sim.faults.model import Kind
from sim.record import What
from sim.run.play import play
from sim.scenario.draw import draw
from sim.scenario.library import find
from sim.scenario.model import Area, Do, Env, Group, Road, Scenario, Site, Span
from sim.scenario.read import load_scenario
from sim.world.budgets import budgets
from sim.world.meshes import MESH_BPS
from tests.world_scene import events, living, node, person, scenario

LAND = Area(size_km=(60.0, 60.0), sigma_db=0.0)
ROAD = Road(id="G5", points=((5.0, 5.0), (45.0, 5.0)))


def chain(*km: float) -> Scenario:
    """Mesh nodes along a line."""
    nodes = [node(f"N-{n}", "mesh", at=(x, 5.0), headquarters=n == 0) for n, x in enumerate(km)]
    return scenario(tuple(nodes), area=LAND)


async def test_places_decide_who_hears_whom() -> None:
    """A set near another is heard, one far away is not."""
    crew = [
        person(f"T-{n}", "handheld", "HQ", at=(x, 5.0), within_km=0.0)
        for n, x in ((1, 5.0), (2, 5.5), (3, 40.0))
    ]
    whole = scenario(
        (node("HQ", "pdt", headquarters=True, at=(5.0, 5.0)), node("VEH", "pdt", at=(6.0, 5.0))),
        tuple(crew),
        area=LAND,
    )
    async with living(whole) as scene:
        assert await scene.radio("T-1", "T-2") == 20
        assert await scene.radio("T-1", "T-3") == 0


async def test_an_antenna_goes_with_its_vehicle() -> None:
    """People beside a vehicle that drives away are out of reach of those who stay."""
    whole = scenario(
        (
            node("HQ", "pdt", headquarters=True, at=(5.0, 5.0)),
            node("CAR", "pdt", at=None, route="G5", speed_kmh=60.0),
        ),
        (
            person("T-1", "handheld", "HQ", within_km=0.1),
            person("T-2", "handheld", "CAR", within_km=0.1),
        ),
        area=LAND,
        roads=(ROAD,),
    )
    async with living(whole) as scene:
        assert await scene.radio("T-1", "T-2", 5) == 5
        await asyncio.sleep(1800.0)
        assert await scene.radio("T-1", "T-2", 5) == 0


async def test_the_mesh_carries_over_hops() -> None:
    """Nodes out of each other's reach talk through the ones between; without power these carry nothing."""
    async with living(chain(5.0, 6.5, 8.0, 9.5)) as scene:
        assert len(await scene.datagrams("mesh", "N-0", "N-3")) == 20
        mesh = scene.world.air.mesh
        assert mesh is not None
        assert mesh.tally.relayed >= 40
        scene.world.units["N-1"].drain()
        assert await scene.datagrams("mesh", "N-0", "N-3") == []
        scene.world.units["N-1"].swap_battery()
        assert len(await scene.datagrams("mesh", "N-0", "N-3")) >= 19


async def test_a_mesh_node_too_far_away_is_alone() -> None:
    """Over a gap that no hop bridges nothing comes."""
    async with living(chain(5.0, 6.0, 30.0)) as scene:
        assert len(await scene.datagrams("mesh", "N-0", "N-1")) == 20
        assert await scene.datagrams("mesh", "N-0", "N-2") == []


async def test_a_vehicle_drives_out_of_the_mesh() -> None:
    """The mesh follows those who drive."""
    whole = scenario(
        (
            node("HQ", "mesh", headquarters=True, at=(5.0, 5.0)),
            node("CAR", "mesh", at=None, route="G5", speed_kmh=60.0),
        ),
        area=LAND,
        roads=(ROAD,),
    )
    async with living(whole) as scene:
        assert len(await scene.datagrams("mesh", "HQ", "CAR")) == 20
        await asyncio.sleep(900.0)
        assert await scene.datagrams("mesh", "HQ", "CAR") == []


async def test_everything_on_the_air_is_told() -> None:
    """Datagrams, bursts, texts by satellite and by Beidou are AIR events: from, to, octets, airtime, fate."""
    links = ("cellular", "vsat", "mesh", "pdt", "tiantong", "beidou")
    whole = scenario(
        (node("HQ", *links, headquarters=True), node("VEH", *links)),
        (
            *(person(f"T-{n}", "handheld", "VEH", at=(1.0, 1.0), within_km=0.1) for n in (1, 2)),
            *(person(f"S-{n}", "phone", "HQ") for n in (1, 2)),
            *(person(f"B-{n}", "handset", "HQ") for n in (1, 2)),
        ),
        area=LAND,
    )
    async with living(whole, keep=frozenset({What.AIR})) as scene:
        for bearer in ("cellular", "vsat", "mesh"):
            await scene.datagrams(bearer, "HQ", "VEH", 1)
        await scene.radio("T-1", "T-2", 1)
        await scene.phones("S-1", "S-2")
        await scene.beidou("B-1", "B-2", 1)
        told = {
            (str(e.facts["bearer"]), e.node, str(e.facts["to"]), str(e.facts["fate"])): e.facts
            for e in events(scene, What.AIR)
        }

        assert told["cellular", "HQ", "VEH", "carried"]["airtime_s"] == pytest.approx(40 * 8 / 2e6)
        assert told["vsat", "HQ", "VEH", "carried"]["octets"] == 40
        hop = told["mesh", "HQ", "VEH", "carried"]
        assert hop["airtime_s"] == pytest.approx(0.0003 + 40 * 8 / MESH_BPS, abs=1e-6)
        assert isinstance(hop["rssi_dbm"], float)
        assert told["pdt", "T-1", "T-2", "carried"]["airtime_s"] == pytest.approx(6 * 0.06, abs=0.1)
        assert isinstance(told["pdt", "T-1", "T-2", "carried"]["rssi_dbm"], float)
        assert ("tiantong", "S-1", "", "carried") in told
        assert ("tiantong", "", "S-2", "carried") in told
        assert told["beidou", "B-1", "B-2", "carried"]["octets"] == 3


async def test_what_is_cut_is_told_as_cut() -> None:
    """A datagram, a burst and a short message into a cut bearer are told with that fate."""
    whole = scenario(
        (
            node("HQ", "cellular", "pdt", "beidou", headquarters=True),
            node("VEH", "cellular", "pdt", "beidou"),
        ),
        (
            *(person(f"T-{n}", "handheld", "VEH") for n in (1, 2)),
            *(person(f"B-{n}", "handset", "HQ") for n in (1, 2)),
        ),
    )
    async with living(whole, keep=frozenset({What.AIR})) as scene:
        for bearer in ("cellular", "pdt", "beidou"):
            scene.fault(Kind.CUT, bearer)
        await scene.datagrams("cellular", "HQ", "VEH", 1)
        await scene.radio("T-1", "T-2", 1)
        await scene.beidou("B-1", "B-2", 1)
        told = {(e.facts["bearer"], e.node, e.facts["to"]): e.facts["fate"] for e in events(scene, What.AIR)}

        assert told["cellular", "HQ", "VEH"] == "cut"
        assert told["pdt", "T-1", "T-2"] == "cut"
        assert told["beidou", "B-1", "B-2"] == "cut"


def test_keeping_events_changes_nothing() -> None:
    """Airtime and every other metric, and the trace, are the same whether or not events are kept."""
    county = load_scenario(find("county"))
    short = replace(county, duration_s=120.0, actions=(), expects=county.expects[:1])
    bare = play(draw(short, 3))
    kept = play(draw(short, 3), keep=frozenset(What))

    assert any(event.what is What.AIR for event in kept.events)
    assert bare.metrics == kept.metrics
    assert bare.trace == kept.trace
    assert 0 < bare.metrics["airtime.pdt"] < 1
    assert 0 < bare.metrics["airtime.cellular"] < 1


async def test_every_radio_link_has_its_budget() -> None:
    """The table has handhelds, gateways, relay hill, mesh and cells; a flat area has none."""
    hill = Site(id="hill", kind="relay", at=(10.0, 10.0), antenna_m=60.0)
    cell = Site(id="cell-1", at=(5.0, 6.0))
    whole = scenario(
        (
            node("HQ", "pdt", "cellular", headquarters=True, at=(5.0, 5.0), antenna_m=30.0),
            node("CAR", "pdt", "mesh", "cellular", at=None, route="G5"),
            node("VAN", "mesh", at=(6.0, 5.0)),
        ),
        (person("T-1", "handheld", "CAR"), *(crowd(f"H-{n}", every_s=Span(60.0, 60.0)) for n in range(9))),
        area=LAND,
        roads=(ROAD,),
        sites=(hill, cell),
    )
    async with living(whole) as scene:
        scene.cut(Do.MOVE, who="CAR", to="30,5")
        table = budgets(scene.world, chinese=False)

        for link in ("T-1→CAR", "HQ→CAR", "HQ→hill", "T-1→hill", "mesh CAR→VAN", "4G/5G cell-1→HQ"):
            assert link in table
        assert sum("H-" in line for line in table.splitlines()) == 2
        assert len(table.splitlines()) == 1 + 2 + 3 + 2 + 1 + 2
        assert "\n\n" not in table
    async with living(scenario((node("HQ", "pdt", headquarters=True), node("VEH", "pdt")))) as scene:
        assert budgets(scene.world) == ""


async def test_every_satellite_link_has_its_budget() -> None:
    """Each terminal's satellite with elevation, way and delay from Jinan; a driven one is often hidden."""
    links = ("tiantong", "beidou", "vsat")
    whole = scenario(
        (
            node("HQ", *links, headquarters=True, at=(5.0, 5.0)),
            node("CAR", *links, at=None, route="G5", speed_kmh=40.0),
        ),
        (person("S-1", "phone", "HQ"), person("B-1", "handset", "HQ")),
        area=replace(LAND, origin=(36.67, 117.0), env=Env.URBAN),
        roads=(ROAD,),
    )
    async with living(whole) as scene:
        table = budgets(scene.world, chinese=False).partition("\n\n")[2].splitlines()

        assert len(table) == 1 + 2 * 3 + 2
        (hq,) = [line.split() for line in table if line.startswith("tiantong HQ")]
        (car,) = [line.split() for line in table if line.startswith("tiantong CAR")]
        assert [hq[2], hq[3], hq[5], hq[6]] == ["101.4°", "44.4°", "249.9", "100%"]
        assert car[2:-1] == hq[2:-1]
        assert 55 <= int(car[-1].rstrip("%")) <= 75


def crowd(sign: str, **more: object) -> Group:
    """One of the crowd beside the vehicle."""
    return person(sign, "handheld", "CAR", tier="crowd", **more)
