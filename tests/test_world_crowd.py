"""A crowd shares the frequency with the gateways' radios: both defer, both spoil, and 200 stay cheap."""

from __future__ import annotations

import asyncio
import time

from sim.devices.pdt_net import Air, Kind
from sim.physics.ground import Ground
from sim.physics.pathloss import path_loss_db
from sim.radio.medium import Medium
from sim.radio.physics import FourFsk, OverLand, Reach
from sim.radio.reception import Spot
from sim.record import What
from sim.rng import Streams
from sim.scenario.model import Area, Env, Group, Scenario, Span
from sim.world.background import Background
from tests.world_scene import Scene, events, living, node, person, scenario

LAND = Area(size_km=(60.0, 60.0), sigma_db=0.0)


def field(size: int, *, every_s: float = 30.0, within_km: float = 1.0, gateways: int = 2) -> Scenario:
    """Gateways two kilometres apart, two sets beside the first, and a crowd spread over all."""
    nodes = [node(f"V-{n}", "pdt", headquarters=n == 0, at=(10.0 + 2 * n, 10.0)) for n in range(gateways)]
    crew = [person(f"T-{n}", "handheld", "V-0", at=(10.0 + n / 10, 10.0), within_km=0.0) for n in (1, 2)]
    many = [one(n, every_s, within_km, gateways) for n in range(size)]
    return scenario(tuple(nodes), (*crew, *many), area=LAND)


def one(number: int, every_s: float, within_km: float, gateways: int) -> Group:
    """One of the crowd."""
    every = Span(every_s, every_s)
    via = f"V-{number % gateways}"
    return person(f"H-{number}", "handheld", via, tier="crowd", every_s=every, within_km=within_km)


def background(scene: Scene) -> Background:
    crowd = scene.world.air.crowd
    assert crowd is not None
    return crowd


async def test_a_crowd_registers_reports_and_is_acknowledged() -> None:
    """A small crowd near its gateways is heard: nearly every report is acknowledged, and counted."""
    async with living(field(20)) as scene:
        await asyncio.sleep(1800.0)
        found = scene.world.air.figures(scene.world.now_s())

        assert 1150 < found["crowd.sent"] < 1250
        assert found["crowd.delivered"] > 0.95
        assert found["crowd.acked"] / found["crowd.sent"] == found["crowd.delivered"]
        assert 0.02 < found["airtime.pdt"] < 0.06
        assert all(member.registered for member in background(scene).members.values())


async def test_a_crowd_that_shouts_loses_more() -> None:
    """The busier the channel, the more bursts collide."""
    shares = []
    for every_s in (60.0, 2.0):
        async with living(field(40, every_s=every_s)) as scene:
            await asyncio.sleep(600.0)
            found = scene.world.air.figures(scene.world.now_s())
            shares.append(found["crowd.collided"] / found["crowd.sent"])
    assert shares[1] > 3 * shares[0]


async def test_the_net_defers_to_the_crowd_and_goes_on() -> None:
    """Texts on the net come through beside a crowd; hidden members cost some."""
    async with living(field(60, every_s=20.0, within_km=3.0)) as scene:
        assert await scene.radio("T-1", "T-2") >= 18


async def test_the_crowd_defers_to_the_net() -> None:
    """While a radio of the net sends, whoever hears it keeps still: hardly any burst begins meanwhile."""
    async with living(field(30, every_s=5.0, within_km=0.3)) as scene:
        crowd = background(scene)
        source = scene.world.units["V-0"].plugged["pdt"][0]
        usual = busy = 0
        for _ in range(10):
            before = crowd.medium.bursts
            await asyncio.sleep(6.0)
            usual += crowd.medium.bursts - before
            air = Air(kind=Kind.DATA, source=source.id, destination=1, body=bytes(1000))  # type: ignore[attr-defined]
            scene.world.fleet.pdt.transmit(air)
            await asyncio.sleep(0.3)
            before = crowd.medium.bursts
            await asyncio.sleep(6.0)
            busy += crowd.medium.bursts - before
            await asyncio.sleep(10.0)

        assert usual > 300
        assert busy < usual / 20


async def test_hidden_members_spoil_what_the_net_sends() -> None:
    """Members that do not hear a set collide with it at one between them, and the event says so."""
    spot = (13.6, 10.0)
    every = Span(1.0, 1.0)
    crowded = (
        person(f"H-{n}", "handheld", "V-1", tier="crowd", every_s=every, at=spot, within_km=0.0)
        for n in range(10)
    )
    whole = scenario(
        (node("V-0", "pdt", headquarters=True, at=(40.0, 40.0)), node("V-1", "pdt", at=spot)),
        (
            person("T-1", "handheld", "V-1", at=(11.5, 10.0), within_km=0.0),
            person("T-2", "handheld", "V-1", at=(10.0, 10.0), within_km=0.0),
            *crowded,
        ),
        area=LAND,
    )
    async with living(whole, keep=frozenset({What.AIR})) as scene:
        await scene.radio("T-2", "T-1", 30)
        told = [e.facts["fate"] for e in events(scene, What.AIR) if (e.node, e.facts["to"]) == ("T-2", "T-1")]

        assert len(told) == 30
        assert told.count("collided") >= 10


async def test_the_two_slots_do_not_disturb_each_other() -> None:
    """The same crowd in the second slot spoils nothing of the net; its bursts begin with that slot."""
    spot, every = (13.6, 10.0), Span(3.0, 3.0)
    crowded = (
        person(f"H-{n}", "handheld", "V-1", tier="crowd", slot=2, every_s=every, at=spot, within_km=0.0)
        for n in range(10)
    )
    whole = scenario(
        (node("V-0", "pdt", headquarters=True, at=(40.0, 40.0)), node("V-1", "pdt", at=spot)),
        (
            person("T-1", "handheld", "V-1", at=(11.5, 10.0), within_km=0.0),
            person("T-2", "handheld", "V-1", at=(10.0, 10.0), within_km=0.0),
            *crowded,
        ),
        area=LAND,
    )
    async with living(whole, keep=frozenset({What.AIR})) as scene:
        await scene.radio("T-2", "T-1", 30)
        told = [e.facts["fate"] for e in events(scene, What.AIR) if (e.node, e.facts["to"]) == ("T-2", "T-1")]
        ends = {e.at_ns % 60_000_000 for e in events(scene, What.AIR, lambda e: e.facts["bearer"] == "pdt-2")}
        found = scene.world.air.figures(scene.world.now_s())

    assert len(told) == 30
    assert "collided" not in told
    assert ends == {57_500_000}
    assert found["crowd.sent"] > 150
    assert found["crowd.delivered"] > 0.8


async def test_batteries_of_a_crowd_end_and_are_renewed() -> None:
    """A member is silent after its hours, and speaks again when the world is healed."""
    tired = person("H-1", "handheld", "V-0", tier="crowd", every_s=Span(30.0, 30.0), battery_h=Span(1.0, 1.0))
    nodes = (node("V-0", "pdt", headquarters=True), node("V-1", "pdt"))
    async with living(scenario(nodes, (tired,), area=LAND)) as scene:
        member = background(scene).members["H-1"]
        await asyncio.sleep(3700.0)
        assert not member.switched_on
        sent = background(scene).tally().offered
        await asyncio.sleep(600.0)
        assert background(scene).tally().offered == sent
        scene.actors.heal()
        await asyncio.sleep(600.0)
        assert background(scene).tally().offered > sent


async def test_two_hundred_beside_six_gateways_are_cheap() -> None:
    """An hour of 200 members with a report every five minutes costs a few seconds of a processor."""
    async with living(field(200, every_s=300.0, within_km=3.0, gateways=6)) as scene:
        begun_s = time.process_time()
        await asyncio.sleep(3600.0)
        cost_s = time.process_time() - begun_s

        assert scene.world.air.figures(3600.0)["crowd.sent"] > 2000
        assert cost_s < 6.0


def test_culling_leaves_out_only_what_is_not_felt() -> None:
    """Just beyond the reach of two antennas the level is below the floor, by two sigmas of the shadow."""
    reach = Reach(f_mhz=370.0, env=Env.SUBURBAN, sigma_db=7.5, floor_dbm=-125.0)
    low, high = Spot("low", gain_db=-6.0), Spot("high", height_m=45.0, power_dbm=44.0, gain_db=6.0)

    level_dbm = low.power_dbm + 2 * low.gain_db
    level_dbm -= path_loss_db(370.0, reach(low, low), low.height_m, low.height_m, Env.SUBURBAN)
    assert -125.0 - 15.0 - 1.0 < level_dbm <= -125.0 - 15.0
    assert reach(low, high) > 5 * reach(low, low)
    assert reach(high, high) == 100.0


async def test_ground_is_not_asked_about_the_far() -> None:
    """A station beyond the reach of another costs no path at all."""
    asked: list[tuple[object, object]] = []

    class Asked(Ground):
        def loss_db(self, a: object, b: object) -> float:
            asked.append((a, b))
            return 100.0

    ground = Asked(f_mhz=370.0, env=Env.SUBURBAN, sigma_db=7.5, shadow_m=100.0, seed=1)
    reach = Reach(f_mhz=370.0, env=Env.SUBURBAN, sigma_db=7.5, floor_dbm=-125.0)
    medium = Medium("pdt", Streams(1), OverLand(ground), reception=FourFsk(), reach_km=reach)
    crowd = Background(medium, Streams(1))
    for number in range(50):
        crowd.handheld(number, Spot(f"T-{number}", x_km=number * 2.0, gain_db=-6.0))
    while crowd.begins(0, 0.1) > 0.0:
        pass  # p-persistent: a moment later it begins
    assert len(asked) < 10
