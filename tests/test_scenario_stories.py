"""Every cut of every story bites: somebody stops on the road, is isolated in a cell, or goes dark."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sim import loop
from sim.faults.apply import Breaker
from sim.record import Event, Record, What
from sim.scenario.draw import Drawn, draw
from sim.scenario.library import find
from sim.scenario.model import Do, Scenario
from sim.scenario.read import load_scenario
from sim.world.acting import Actors
from sim.world.world import World

STORIES = (
    *("three-level-drill", "county-flood", "forest-fire"),
    *("tunnel-convoy", "chemical-park", "earthquake"),
)
TELLING = frozenset({What.POWER, What.MOVED})


def story(name: str) -> Scenario:
    """A story without its crowd, which nothing here is about."""
    whole = load_scenario(find(name))
    return replace(whole, groups=tuple(group for group in whole.groups if group.tier == "person"))


async def _lived(drawn: Drawn) -> list[Event]:
    record = Record(keep=TELLING)
    with tempfile.TemporaryDirectory() as folder:
        world = World(drawn, Path(folder), record)
        async with world:
            world.start(gateways=False)
            Breaker(world).schedule(drawn.schedule)
            Actors(world).schedule()
            await asyncio.sleep(drawn.scenario.duration_s)
    return record.events


def lived(name: str, seed: int) -> tuple[Drawn, list[Event]]:
    """Let a story's world live without its gateways; return its places and powers."""
    drawn = draw(story(name), seed)
    return drawn, loop.run(_lived(drawn))


def _stops(drawn: Drawn, events: list[Event]) -> Iterator[str]:
    """Name the nodes that stood for minutes on a cut road after they had driven."""
    roads = {action.who: action for action in drawn.scenario.actions if action.do is Do.CUT_ROAD}
    for node in drawn.scenario.nodes:
        if node.route in roads:
            cut_s = roads[node.route].t.low
            moved = [e.at_s for e in events if e.what is What.MOVED and e.node == node.id and e.at_s > cut_s]
            if moved and max(later - soon for soon, later in itertools.pairwise(moved)) > 300.0:
                yield node.id


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", STORIES)
def test_every_cut_has_its_effect(name: str, seed: int) -> None:
    """A cut road stops a vehicle half way, a cut network isolates a cell, a power cut darkens somebody."""
    drawn, events = lived(name, seed)
    cuts = {action.do for action in drawn.scenario.actions}
    states = {event.facts.get("state") for event in events if event.what is What.POWER}
    if Do.CUT_ROAD in cuts:
        assert list(_stops(drawn, events))
    if Do.CUT_NETWORK in cuts:
        assert "isolated" in states
    if Do.CUT_POWER in cuts:
        assert {"silent", "off"} & states


@pytest.mark.parametrize("name", STORIES)
def test_something_moves(name: str) -> None:
    """In every story somebody drives somewhere."""
    whole = load_scenario(find(name))
    driven = [node for node in whole.nodes if node.route and node.speed_kmh > 0]
    moved = [action for action in whole.actions if action.do is Do.MOVE]
    assert driven or moved


@pytest.mark.parametrize("name", STORIES)
def test_a_story_has_people_faults_and_several_bearers(name: str) -> None:
    """Roll calls, texts by hand, cries for help, four bearers or more, and at least ten people."""
    drawn = draw(load_scenario(find(name)), 1)
    doing = {action.do for action in drawn.scenario.actions}
    assert {Do.ROLL_CALL, Do.SEND, Do.TYPE, Do.SOS} <= doing
    assert len({link for node in drawn.scenario.nodes for link in node.links}) >= 4
    assert len([group for group in drawn.scenario.groups if group.tier == "person"]) >= 10
    assert drawn.schedule.faults or {Do.CUT_ROAD, Do.CUT_NETWORK, Do.CUT_POWER} <= doing
