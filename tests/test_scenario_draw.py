"""What a seed makes of a scenario: faults and messages that are valid, and shift nobody else's."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import BadInputError
from sim.faults.model import Kind, Schedule
from sim.scenario.check import check
from sim.scenario.check_actions import check_fault
from sim.scenario.draw import Drawn, draw
from sim.scenario.known import Known
from sim.scenario.library import find
from sim.scenario.model import Action, Do, Node, Span, Swarm
from sim.scenario.modes import CALM, FAMILIES, HEAVY
from sim.scenario.patterns import recipients
from sim.scenario.read import load_scenario
from sim.scenario.steps import FAULTS
from sim.scenario.store import drawn_from_json, drawn_to_json, schedule_from_json, schedule_to_json
from tests.tidy import ROOT

SMALL = load_scenario(find("small"))
COUNTY = load_scenario(find("county"))
MAIN_JOB = load_scenario(find("main-job"))
SEEDS = st.integers(0, 2**53)
DOWN = frozenset(
    {Kind.CRASH, Kind.PAUSE, Kind.POWER_CUT, Kind.TORN_WRITE, Kind.REBOOT_LOOP, Kind.BATTERY_DEATH}
    | {Kind.DISK_FULL, Kind.RESTORED_BACKUP, Kind.CLONED_BOX}
)


@given(SEEDS)
def test_any_seed_gives_valid_faults_inside_the_phase(seed: int) -> None:
    """Every fault begins and ends in the safety phase, on something there, as bad as allowed."""
    drawn = draw(SMALL, seed)
    known = Known.of(drawn.scenario)
    assert list(drawn.schedule.faults) == sorted(drawn.schedule.faults, key=lambda fault: fault.at_s)
    for fault in drawn.schedule.faults:
        assert 0 <= fault.at_s < SMALL.duration_s
        assert fault.at_s + fault.for_s <= SMALL.duration_s + 1e-6
        assert fault.for_s > 0 or FAULTS[fault.kind].instant
        assert list(check_fault(fault, known, ())) == []


@settings(max_examples=25)
@given(SEEDS)
def test_a_county_is_as_valid(seed: int) -> None:
    """The same for many gateways and every bearer, whose partitions name pairs of stations."""
    drawn = draw(COUNTY, seed)
    known = Known.of(drawn.scenario)
    for fault in drawn.schedule.faults:
        assert fault.at_s + fault.for_s <= COUNTY.duration_s + 1e-6
        assert list(check_fault(fault, known, ())) == []


@given(SEEDS)
def test_a_box_breaks_once_at_a_time(seed: int) -> None:
    """A box that is down is not killed again: the second fault would prove nothing."""
    busy: dict[str, float] = {}
    for fault in draw(SMALL, seed).schedule.faults:
        if fault.kind in DOWN:
            assert fault.at_s >= busy.get(fault.target, 0.0)
            busy[fault.target] = fault.at_s + fault.for_s


@given(SEEDS)
def test_nothing_is_left_to_chance_after_drawing(seed: int) -> None:
    """A drawn scenario is concrete: times fixed and in order, one station an entry, texts said once."""
    drawn = draw(SMALL, seed)
    actions = drawn.scenario.actions
    assert all(span.fixed for action in actions for span in (action.t, action.for_s, action.every_s))
    assert [action.t.low for action in actions] == sorted(action.t.low for action in actions)
    assert all(node.station and node.clock.offset_s.fixed for node in drawn.scenario.nodes)
    assert not [action for action in actions if action.do is Do.FAULT or action.count != 1]
    said = Counter(action.text for action in actions if action.text)
    assert [text for text, times in said.items() if times > 1] == []
    for action in actions:
        if action.do is Do.SEND:
            assert all(
                recipients(drawn.scenario, replace(action, to=one)) == [one] for one in action.to.split(",")
            )


@given(SEEDS)
def test_a_drawn_run_survives_json(seed: int) -> None:
    """A replay file holds everything: what is read is what was drawn."""
    drawn = draw(SMALL, seed)
    assert drawn_from_json(drawn_to_json(drawn)) == drawn
    assert schedule_from_json(schedule_to_json(drawn.schedule)) == drawn.schedule


@given(st.binary(max_size=60))
def test_a_broken_replay_file_is_told(octets: bytes) -> None:
    """What is no replay file is refused in words."""
    with pytest.raises(BadInputError):
        drawn_from_json(octets)


def test_one_seed_is_one_run_and_two_differ() -> None:
    """Drawing twice gives the same; another seed gives another."""
    assert draw(COUNTY, 5) == draw(COUNTY, 5)
    assert draw(COUNTY, 5).schedule != draw(COUNTY, 6).schedule


def test_hash_seeds_of_processes_do_not_matter() -> None:
    """Two processes that order their sets differently draw the same run."""
    code = (
        "import zlib;from sim.scenario.library import find;from sim.scenario.read import load_scenario;"
        "from sim.scenario.draw import draw;from sim.scenario.store import drawn_to_json;"
        "print(zlib.crc32(drawn_to_json(draw(load_scenario(find('county')), 7))))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(found) == 1


def _without(drawn: Drawn, more: Action) -> tuple[Action, ...]:
    return tuple(action for action in drawn.scenario.actions if action.text != more.text)


@pytest.mark.parametrize("seed", range(5))
def test_another_action_shifts_nobody(seed: int) -> None:
    """Whatever is said in addition, first or last: everything else happens as before."""
    more = Action(t=Span(5, 500), do=Do.SEND, who="HQ", to="VEH", text="又一条")
    before = draw(SMALL, seed)
    for actions in ((more, *SMALL.actions), (*SMALL.actions, more)):
        after = draw(replace(SMALL, actions=actions), seed)
        assert _without(after, more) == before.scenario.actions
        assert after.schedule == before.schedule


@pytest.mark.parametrize("seed", range(5))
def test_another_gateway_shifts_no_box(seed: int) -> None:
    """A gateway more has faults of its own; the others' boxes break and clocks drift as before."""
    more = replace(SMALL, nodes=(*SMALL.nodes, Node(id="NEW", links=("cellular",))))
    before, after = draw(SMALL, seed), draw(more, seed)
    assert after.scenario.nodes[:2] == before.scenario.nodes

    def boxes(schedule: Schedule) -> list[object]:
        return [f for f in schedule.faults if FAULTS[f.kind].on != "bearer" and f.target != "NEW"]

    assert boxes(after.schedule) == boxes(before.schedule)


def test_another_kind_of_fault_shifts_no_other() -> None:
    """Turning the loss off leaves every other fault where it was."""
    calm = replace(SMALL, swarm=replace(SMALL.swarm, loss=Span(0, 0)))
    kept = [fault for fault in draw(SMALL, 3).schedule.faults if fault.kind is not Kind.LOSS]
    assert len(kept) < len(draw(SMALL, 3).schedule.faults)
    assert list(draw(calm, 3).schedule.faults) == kept


def test_seeds_are_of_different_kinds() -> None:
    """Some seeds never crash, some lose almost nothing, some do one thing near its worst and no other."""
    runs = [draw(SMALL, seed) for seed in range(200)]
    kinds = [Counter(fault.kind for fault in run.schedule.faults) for run in runs]
    assert sum(not count[Kind.CRASH] for count in kinds) >= 20
    assert sum(not count[Kind.LOSS] for count in kinds) >= 20
    assert sum(bool(count[Kind.CRASH]) and not count[Kind.LOSS] for count in kinds) >= 10
    assert sum(bool(count[Kind.LOSS]) and not count[Kind.CRASH] for count in kinds) >= 10
    for family in FAMILIES:
        modes = Counter(dict(run.modes)[family] for run in runs)
        assert modes[CALM] >= 20
        assert modes[HEAVY] >= 20


def test_a_sweep_reaches_every_kind_of_fault() -> None:
    """Over some seeds of the small world each kind the swarm can draw is drawn: nothing is dead data."""
    swarm = replace(SMALL.swarm, clones_per_h=Span(0, 6))
    drawn = {
        fault.kind for seed in range(200) for fault in draw(replace(SMALL, swarm=swarm), seed).schedule.faults
    }
    assert set(Kind) - drawn == set()


def test_a_heavy_power_seed_cuts_where_it_hurts() -> None:
    """Where power is the trouble, most cuts come in mid-commit, most others just after a frame left."""
    torn = sent = other = 0
    for seed in range(200):
        run = draw(SMALL, seed)
        if dict(run.modes)["power"] == HEAVY:
            kinds = Counter((fault.kind, fault.value == 1) for fault in run.schedule.faults)
            torn += kinds[Kind.TORN_WRITE, False]
            sent += kinds[Kind.POWER_CUT, True]
            other += kinds[Kind.POWER_CUT, False] + kinds[Kind.REBOOT_LOOP, False]
    assert torn > sent + other
    assert sent > other


def test_alternative_bearers_are_chosen_alike() -> None:
    """Of "tiantong|beidou" all nodes of a seed have the same one; both come up over the seeds."""
    chosen = [
        {link for node in draw(SMALL, seed).scenario.nodes for link in node.links} & {"tiantong", "beidou"}
        for seed in range(20)
    ]
    assert all(len(one) == 1 for one in chosen)
    assert set.union(*chosen) == {"tiantong", "beidou"}


def test_partitions_have_every_shape() -> None:
    """One alone, two halves, one direction, and one that hears but is not heard."""
    causes = {
        fault.cause.rpartition(": ")[2]
        for seed in range(40)
        for fault in draw(COUNTY, seed).schedule.faults
        if fault.kind is Kind.CUT
    }
    assert causes == {"one", "halves", "direction", "away"}


def test_repetitions_become_actions_of_their_own() -> None:
    """`count` and `every` are written out, each text told apart by its number."""
    action = Action(
        t=Span(10, 10), do=Do.SEND, who="HQ", to="VEH", text="水位", count=3, every_s=Span(60, 60)
    )
    drawn = draw(replace(MAIN_JOB, nodes=SMALL.nodes, groups=(), actions=(action,)), 1)
    said = [(one.t.low, one.text) for one in drawn.scenario.actions]
    assert said == [(10, "水位（1/3）"), (70, "水位（2/3）"), (130, "水位（3/3）")]


def test_a_message_to_several_is_one_for_each() -> None:
    """`to = "VEH-*"` makes a message for every vehicle, told apart by its name; nobody writes to himself."""
    action = Action(t=Span(10, 10), do=Do.SEND, who="VEH-1", to="VEH-*", text="集合")
    drawn = draw(replace(COUNTY, actions=(action,), swarm=Swarm()), 1)
    said = [(one.to, one.text) for one in drawn.scenario.actions]
    assert said == [(name, f"集合（{name}）") for name in ("VEH-2", "VEH-3", "VEH-4")]


@given(SEEDS)
def test_everybody_stands_somewhere_in_the_area(seed: int) -> None:
    """`near` and `within_km` become a place inside the disc and the map; who drives keeps the route."""
    nodes = (
        Node(id="HQ", links=("lan",), headquarters=True, at=(10, 10)),
        Node(id="A-{1..2}", links=("lan",), near="B", within_km=1),
        Node(id="B", links=("lan",), near="HQ", within_km=3),
        Node(id="C", links=("lan",), route="S210", start_km=Span(1, 2)),
        Node(id="D", links=("lan",), near="C", within_km=0.5),
    )
    scenario = replace(COUNTY, nodes=nodes, groups=(), actions=(), swarm=Swarm())
    assert check(scenario) == []
    drawn = {node.id: node for node in draw(scenario, seed).scenario.nodes}
    assert {name for name, node in drawn.items() if node.at is None} == {"C"}
    places = {name: node.at for name, node in drawn.items() if node.at is not None}
    assert all(0 <= x <= 30 and 0 <= y <= 24 for x, y in places.values())
    assert math.dist(places["HQ"], (10, 10)) == 0
    assert math.dist(places["HQ"], places["B"]) <= 3
    assert math.dist(places["A-1"], places["B"]) <= 1
    assert places["A-1"] != places["A-2"]
    assert math.dist(places["D"], (15, 12)) <= 2.6


def test_faults_of_the_story_stand_in_the_schedule() -> None:
    """What the file breaks is listed beside what the swarm breaks, so that shrinking can leave it out."""
    faults = draw(MAIN_JOB, 1).schedule.faults
    assert [(f.kind, f.target, f.cause) for f in faults] == [
        (Kind.CUT, "cellular", "scenario"),
        (Kind.BLOCKED, "tiantong:VEH-3", "scenario"),
        (Kind.CRASH, "VEH-3", "scenario"),
    ]
    assert 122.5 <= faults[2].at_s <= 125
    assert faults[2].for_s == 2
