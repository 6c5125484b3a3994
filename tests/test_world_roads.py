"""Vehicles drive when and where the story says, as far as their road is there; what they carry goes along."""

from __future__ import annotations

import asyncio

import pytest

from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_net import Air, Kind
from sim.record import What
from sim.scenario.model import Area, Do, Road, Scenario, Span, Zone
from sim.world.motion import Leg, Mover, Path, degrees
from tests.world_scene import Scene, events, living, node, person, scenario

LAND = Area(size_km=(40.0, 40.0), sigma_db=0.0)
ROAD = Road(id="G5", points=((5.0, 5.0), (35.0, 5.0)))


def column(**more: object) -> Scenario:
    """A headquarters and a car that leaves it at 60 km/h, a kilometre a minute."""
    car = node("CAR", "pdt", "tiantong", at=None, route="G5", speed_kmh=60.0, **more)
    return scenario(
        (
            node("HQ", "pdt", "tiantong", headquarters=True, at=(5.0, 5.0)),
            car,
            node("REST", "pdt", at=(6.0, 6.0)),
        ),
        (person("T-1", "handheld", "CAR", within_km=0.0),),
        area=LAND,
        roads=(ROAD,),
        zones=(Zone(id="gallery", box=(8.0, 14.0, 12.0, 16.0), tunnel=True),),
    )


def where(scene: Scene) -> float:
    """Kilometres east of headquarters."""
    return scene.world.place(scene.world.units["CAR"])[0] - 5.0


async def test_a_car_sets_out_when_the_story_says() -> None:
    """It stands at its start until it leaves, whatever is cut or mended before."""
    async with living(column(leaves_s=Span(600.0, 600.0))) as scene:
        await asyncio.sleep(120.0)
        scene.cut(Do.CUT_ROAD, who="G5", at_km=20.0, for_s=60.0)
        await asyncio.sleep(470.0)
        assert where(scene) == 0.0
        await asyncio.sleep(310.0)
        assert where(scene) == pytest.approx(5.0)


async def test_mending_one_gap_leaves_the_other() -> None:
    """Of two gaps the nearer counts; when it is mended the car goes on to the other, and no further."""
    async with living(column()) as scene:
        scene.cut(Do.CUT_ROAD, who="G5", at_km=10.0)
        scene.cut(Do.CUT_ROAD, who="G5", at_km=4.0, for_s=900.0)
        await asyncio.sleep(800.0)
        assert where(scene) == pytest.approx(4.0)
        await asyncio.sleep(900.0)
        assert where(scene) == pytest.approx(10.0)


async def test_a_gap_holds_for_who_sets_out_later() -> None:
    """A car told to drive on stops at the gap that was there before."""
    async with living(column()) as scene:
        scene.cut(Do.CUT_ROAD, who="G5", at_km=2.0)
        await asyncio.sleep(600.0)
        scene.cut(Do.MOVE, who="CAR")
        await asyncio.sleep(600.0)
        assert where(scene) == pytest.approx(2.0)


async def test_who_leaves_the_road_drives_there() -> None:
    """A move to a place takes the time of the way; every step is told, and so is the last."""
    async with living(column(), keep=frozenset({What.MOVED})) as scene:
        await asyncio.sleep(300.0)
        scene.cut(Do.MOVE, who="CAR", to="10,25")
        await asyncio.sleep(600.0)
        assert scene.world.place(scene.world.units["CAR"]) == pytest.approx((10.0, 15.0))
        assert "CAR" in scene.world.travels.hidden  # the way leads through a gallery
        await asyncio.sleep(900.0)
        assert "CAR" not in scene.world.travels.hidden
        last = events(scene, What.MOVED, lambda event: event.node == "CAR")[-1]
        assert (last.facts["x_km"], last.facts["y_km"]) == (10.0, 25.0)


async def test_who_has_no_speed_is_set_down() -> None:
    """A node without a speed is at its new place at once, and that is told."""
    async with living(column(), keep=frozenset({What.MOVED})) as scene:
        scene.cut(Do.MOVE, who="REST", to="30,30")
        assert scene.world.place(scene.world.units["REST"]) == (30.0, 30.0)
        assert [e.facts["x_km"] for e in events(scene, What.MOVED, lambda e: e.node == "REST")] == [30.0]


def test_the_odometer_never_runs_back() -> None:
    """What was driven counts on through stops, gaps and ways off the road."""
    way = Path.along(ROAD)
    leg = Leg(path=way, from_km=2.0, to_km=way.length_km, speed_kmh=60.0, since_s=0.0)
    mover = Mover(way.at(2.0), leg)
    assert mover.driven_km(120.0) == pytest.approx(4.0)
    mover.lose_road(5.0, 120.0)
    assert mover.driven_km(600.0) == pytest.approx(5.0)
    mover.drive_to((8.0, 8.0), 60.0, 600.0)
    assert mover.driven_km(660.0) == pytest.approx(6.0)
    mover.put((1.0, 1.0), 660.0)
    assert mover.driven_km(900.0) == pytest.approx(6.0)


async def test_a_set_tells_the_place_where_it_is_now() -> None:
    """A handheld that goes with a car has the car's place of that moment in what it sends."""
    async with living(column()) as scene:
        told: list[Air] = []
        scene.world.fleet.pdt.on_transmit = told.append
        man = scene.world.people["T-1"].device
        assert isinstance(man, Handheld)
        for _ in range(2):
            await asyncio.sleep(600.0)
            man.press_emergency()
        places = [air.position for air in told if air.kind is Kind.EMERGENCY]
        wanted = [degrees((5.0 + km, 5.0), LAND.origin) for km in (10.0, 20.0)]
        assert places[0] == pytest.approx(wanted[0], abs=1e-4)
        assert places[-1] == pytest.approx(wanted[1], abs=1e-4)
