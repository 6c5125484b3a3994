"""Moving terminals lose their satellites behind what stands along the road, by metres and elevation."""

from __future__ import annotations

import asyncio

import pytest

from sim.channel import Channel
from sim.devices.beidou import BeidouTerminal, Sky
from sim.devices.rdss import RdssSpace
from sim.devices.tiantong import TiantongModem
from sim.faults.model import Kind
from sim.fleet import until
from sim.physics.blockage import clear_share
from sim.physics.geo import TIANTONG_EAST_DEG, elevation_deg
from sim.rng import Streams
from sim.scenario.model import Area, Do, Env, Road, Scenario, Zone
from sim.world.shade import Shade
from sim.world.world import World
from tests.world_scene import living, node, person, scenario

CITY = Area(env=Env.URBAN, size_km=(60.0, 60.0), sigma_db=0.0)
LONG = Road(id="ring", points=((1.0, 1.0), (59.0, 1.0), (59.0, 59.0), (1.0, 59.0)))
LINKS = ("tiantong", "beidou", "vsat")


def city(**more: object) -> Scenario:
    """A headquarters, a car on a long road through a city, and its crew's satellite devices."""
    return scenario(
        (
            node("HQ", *LINKS, headquarters=True),
            node("CAR", *LINKS, at=None, route="ring", speed_kmh=60.0),
        ),
        (person("S-1", "phone", "CAR"), person("B-1", "handset", "CAR")),
        area=CITY,
        roads=(LONG,),
        **more,
    )


def modem(world: World, sign: str) -> TiantongModem:
    device = world.units[sign].plugged["tiantong"][0]
    assert isinstance(device, TiantongModem)
    return device


def terminal(world: World, sign: str) -> BeidouTerminal:
    device = world.units[sign].plugged["beidou"][0]
    assert isinstance(device, BeidouTerminal)
    return device


async def test_a_moving_car_sees_its_satellite_its_share_of_the_way() -> None:
    """Over a long way the view is clear as often as the published share for city and elevation says."""
    async with living(city()) as scene:
        wanted = clear_share(Env.URBAN, elevation_deg(*CITY.origin, TIANTONG_EAST_DEG))
        clear = changes = 0
        before = False
        for _ in range(4800):
            await asyncio.sleep(2.0)
            blocked = modem(scene.world, "CAR").channel.blocked
            clear += not blocked
            changes += blocked is not before
            before = blocked

        assert clear / 4800 == pytest.approx(wanted, abs=0.05)
        assert changes > 200


async def test_beidou_has_several_satellites() -> None:
    """A car under Beidou's three has a canyon's sky at times, and is without any more rarely than on one."""
    async with living(city()) as scene:
        seen: dict[Sky, int] = dict.fromkeys(Sky, 0)
        blocked = 0
        for _ in range(2400):
            await asyncio.sleep(4.0)
            seen[terminal(scene.world, "CAR").sky] += 1
            blocked += modem(scene.world, "CAR").channel.blocked

        assert seen[Sky.OPEN] > seen[Sky.CANYON] > 0
        assert 0 < seen[Sky.TUNNEL] < blocked


async def test_who_goes_along_is_hidden_too() -> None:
    """The phone and the handset of somebody in the car lose their satellites as well; headquarters never."""
    async with living(city()) as scene:
        phone, handset = scene.world.people["S-1"].device, scene.world.people["B-1"].device
        hidden = [0, 0, 0]
        for _ in range(600):
            await asyncio.sleep(2.0)
            hidden[0] += phone.channel.blocked  # type: ignore[union-attr]
            hidden[1] += handset.sky is not Sky.OPEN  # type: ignore[union-attr]
            hidden[2] += modem(scene.world, "HQ").channel.blocked

        assert hidden[0] > 50
        assert hidden[1] > 50
        assert hidden[2] == 0


async def test_a_dish_on_the_move_loses_its_satellite() -> None:
    """VSAT on the car comes and goes; the cellular network has no sky to lose."""
    async with living(city()) as scene:
        came = 0
        for _ in range(60):
            came += len(await scene.datagrams("vsat", "HQ", "CAR", 5))
        assert 20 < came < 280


async def test_a_stopped_car_keeps_its_sky() -> None:
    """Stopped by a cut road it has what it had there; at its road's end it has looked for a clear view."""
    async with living(city()) as scene:
        await asyncio.sleep(60.0)
        await until(lambda: modem(scene.world, "CAR").channel.blocked)
        scene.cut(Do.CUT_ROAD, who="ring", at_km=0.0)
        for _ in range(100):
            await asyncio.sleep(10.0)
            assert modem(scene.world, "CAR").channel.blocked
        scene.actors.heal()
        await asyncio.sleep(4 * 3600.0)
        assert not modem(scene.world, "CAR").channel.blocked
        assert terminal(scene.world, "CAR").sky is Sky.OPEN


async def test_a_tunnel_hides_everything() -> None:
    """In a road's tunnel, or a zone that is one, there is no satellite and no public network."""
    road = Road(id="ring", points=((1.0, 1.0), (31.0, 1.0)), tunnels=((4.0, 6.0),))
    whole = scenario(
        (
            node("HQ", *LINKS, "cellular", headquarters=True),
            node("CAR", *LINKS, "cellular", at=None, route="ring", speed_kmh=60.0),
        ),
        (person("S-1", "phone", "CAR"), person("S-2", "phone", "HQ", at=(11.5, 1.0), within_km=0.0)),
        roads=(road,),
        zones=(Zone(id="gallery", box=(11.0, 0.0, 12.0, 2.0), tunnel=True),),
    )
    async with living(whole) as scene:
        hidden: list[float] = []
        while scene.world.now_s() < 900.0:
            await asyncio.sleep(5.0)
            blocked = modem(scene.world, "CAR").channel.blocked
            assert blocked is (terminal(scene.world, "CAR").sky is Sky.TUNNEL)
            assert blocked is scene.world.people["S-1"].device.channel.blocked  # type: ignore[union-attr]
            if blocked:
                hidden.append(scene.world.now_s() / 60.0)

        assert all(4.0 <= km < 6.1 or 10.0 <= km < 11.1 for km in hidden)
        assert len(hidden) == pytest.approx(24 + 12, abs=2)
        assert scene.world.people["S-2"].device.channel.blocked  # type: ignore[union-attr]


async def test_leaving_a_tunnel_leaves_the_obstacle() -> None:
    """Each reason goes by itself: an obstacle set up in a tunnel is there outside of it."""
    road = Road(id="ring", points=((1.0, 1.0), (31.0, 1.0)), tunnels=((1.0, 2.0),))
    whole = scenario(
        (
            node("HQ", "tiantong", headquarters=True),
            node("CAR", "tiantong", at=None, route="ring", speed_kmh=60.0),
        ),
        roads=(road,),
    )
    async with living(whole) as scene:
        await asyncio.sleep(90.0)
        scene.fault(Kind.BLOCKED, "tiantong:CAR", for_s=60.0)
        await asyncio.sleep(45.0)
        assert scene.world.travels.hidden == set()
        assert modem(scene.world, "CAR").channel.blocked
        await asyncio.sleep(20.0)
        assert not modem(scene.world, "CAR").channel.blocked


def test_the_worst_reason_counts() -> None:
    """A shade is as bad as its worst reason, and open when all are gone."""
    streams = Streams(1)
    space = RdssSpace(Channel("rdss", rng=streams.stream("channel")), rng=streams.stream("space"))
    device = BeidouTerminal(300_001, space, rng=streams.stream("device"))
    shade = Shade(device)
    seen = []
    for reason, sky in (
        ("hill", Sky.CANYON),
        ("tunnel", Sky.TUNNEL),
        ("tunnel", Sky.OPEN),
        ("hill", Sky.OPEN),
    ):
        shade.put(reason, sky)
        seen.append(device.sky)
    assert seen == [Sky.CANYON, Sky.TUNNEL, Sky.CANYON, Sky.OPEN]
