"""Radios of one net share its frequency: who hears whom waits, who does not collides, who sends is deaf."""

from __future__ import annotations

import asyncio
from collections import Counter

from sim.devices.pdt_net import Air, Kind, airtime_s
from sim.record import What
from sim.scenario.model import Area, Group, Scenario, Site, Span
from sim.world.files import PDT_BASE
from tests.world_scene import Scene, events, living, node, person, scenario

LAND = Area(size_km=(60.0, 60.0), sigma_db=0.0)
LONG = 16
"""Octets: three quarters of a second on the air."""


def sets(*places: tuple[float, float]) -> tuple[Group, ...]:
    """Handhelds T-1, T-2, … at these places."""
    return tuple(
        person(f"T-{n}", "handheld", "HQ", at=at, within_km=0.0) for n, at in enumerate(places, start=1)
    )


def net(*places: tuple[float, float], sites: tuple[Site, ...] = ()) -> Scenario:
    """Two gateways far from everything, and handhelds."""
    nodes = (node("HQ", "pdt", headquarters=True, at=(55.0, 55.0)), node("VEH", "pdt", at=(55.0, 56.0)))
    return scenario(nodes, sets(*places), area=LAND, sites=sites)


def say(scene: Scene, one: str, other: str, number: int) -> None:
    """Let one set hand a long text for another to the net, without repeats."""
    people = scene.world.people
    source, to = (PDT_BASE + people[sign].group.station for sign in (one, other))
    air = Air(kind=Kind.TEXT, source=source, destination=to, request_id=number, body=bytes(LONG))
    scene.world.fleet.pdt.transmit(air)


def fates(scene: Scene, one: str, other: str) -> Counter[object]:
    """Count what became of the texts from one to the other."""

    def text(event: object) -> bool:
        return (event.node, event.facts["to"], event.facts["octets"]) == (one, other, LONG)  # type: ignore[attr-defined]

    return Counter(event.facts["fate"] for event in events(scene, What.AIR, text))


async def test_far_groups_use_the_frequency_at_the_same_time() -> None:
    """Two pairs that do not hear each other take no longer together than one alone."""
    async with living(net((5, 5), (5.3, 5), (50, 5), (50.3, 5)), keep=frozenset({What.AIR})) as scene:
        for number in range(10):
            say(scene, "T-1", "T-2", number)
            say(scene, "T-3", "T-4", number)
        await asyncio.sleep(10 * (airtime_s(LONG) + 1.0))
        assert fates(scene, "T-1", "T-2")["carried"] >= 9
        assert fates(scene, "T-3", "T-4")["carried"] >= 9


async def test_neighbours_take_turns() -> None:
    """Sets that hear each other wait for each other: all texts arrive, one after the other."""
    async with living(net((5, 5), (5.3, 5), (5.6, 5), (5.9, 5)), keep=frozenset({What.AIR})) as scene:
        for number in range(10):
            say(scene, "T-1", "T-2", number)
            say(scene, "T-3", "T-4", number)
            await asyncio.sleep(8.0)
        assert fates(scene, "T-1", "T-2")["carried"] >= 9
        assert fates(scene, "T-3", "T-4")["carried"] >= 9


async def test_hidden_sets_collide_between_them() -> None:
    """Two that cannot hear each other spoil what both send to one between them."""
    async with living(net((5, 5), (6.75, 5), (8.5, 5)), keep=frozenset({What.AIR})) as scene:
        for number in range(30):
            say(scene, "T-1", "T-2", number)
            await asyncio.sleep(0.2)
            say(scene, "T-3", "T-2", number)
            await asyncio.sleep(8.0)
        first, second = fates(scene, "T-1", "T-2"), fates(scene, "T-3", "T-2")
        assert first["collided"] + second["collided"] >= 15
        assert first["carried"] + second["carried"] <= 10


async def test_the_stronger_is_captured() -> None:
    """Two pairs that disturb each other, unheard, talk at once: each near one is heard over the far one."""
    async with living(net((5, 5), (5.3, 5), (8.5, 5), (8.8, 5)), keep=frozenset({What.AIR})) as scene:
        for number in range(30):
            say(scene, "T-1", "T-2", number)
            await asyncio.sleep(0.2)
            say(scene, "T-3", "T-4", number)
            await asyncio.sleep(8.0)
        assert fates(scene, "T-1", "T-2")["carried"] >= 27
        assert fates(scene, "T-3", "T-4")["carried"] >= 27


async def test_who_sends_hears_nothing() -> None:
    """Two that begin within one another's detection delay are both deaf for the other, however near."""
    async with living(net((5, 5), (5.3, 5)), keep=frozenset({What.AIR})) as scene:
        for number in range(150):
            say(scene, "T-1", "T-2", number)
            say(scene, "T-2", "T-1", 1000 + number)
            await asyncio.sleep(6.0)
        first, second = fates(scene, "T-1", "T-2"), fates(scene, "T-2", "T-1")
        for found in (first, second):
            assert 3 <= found["deaf"] <= 30
            assert found["carried"] + found["deaf"] >= 145


async def test_a_relay_tells_that_it_is_busy() -> None:
    """Two hidden from each other take turns where both hear one relay."""
    hill = Site(id="hill", kind="relay", at=(7.6, 5.0), antenna_m=60.0, power_dbm=44.0, battery_h=Span(0, 0))
    whole = net((2, 5), (13.2, 5), (7.6, 5.5), sites=(hill,))
    async with living(whole, keep=frozenset({What.AIR})) as scene:
        for number in range(20):
            say(scene, "T-1", "T-3", number)
            await asyncio.sleep(0.2)
            say(scene, "T-2", "T-3", number)
            await asyncio.sleep(8.0)
        lit = fates(scene, "T-1", "T-3")["carried"] + fates(scene, "T-2", "T-3")["carried"]
        assert lit >= 34
