"""A scenario built in Python can be written to a file and is the same when read."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from drivers.base import Precedence
from sim.faults.model import Fault, Kind
from sim.scenario.check import check
from sim.scenario.keys import AREA, EXPECT, GROUP, NODE, PARTS, ROAD, SITE, SWARM, ZONE, Part
from sim.scenario.model import (
    Action,
    Area,
    ClockSpec,
    Do,
    Env,
    Expect,
    Group,
    Node,
    Road,
    Rule,
    Scenario,
    Site,
    Span,
    Swarm,
    Zone,
)
from sim.scenario.read import read_scenario
from sim.scenario.steps import FAULTS
from sim.scenario.write import write_toml

FULL = Scenario(
    name="full",
    title_zh="全",
    title_en="everything said",
    duration_s=7261.5,
    seed=9,
    area=Area(
        model="flat",
        env=Env.URBAN,
        sigma_db=6.1,
        shadow_m=33,
        size_km=(30, 31),
        origin=(30.5, 104),
        mesh="lora",
        mesh_loss=0.1,
    ),
    roads=(Road(id="r", points=((0, 0), (3.5, 4), (9, 9)), tunnels=((1, 2), (3, 4.25))),),
    zones=(Zone(id="z", box=(0, 0, 5.5, 5), tunnel=True),),
    sites=(
        Site(
            id="s", kind="relay", at=(1, 2), antenna_m=9, power_dbm=40, battery_h=Span(1, 2), range_km=3
        ),
    ),
    nodes=(
        Node(
            id="HQ",
            links=("cellular", "pdt", "beidou"),
            station=7,
            name='引号 " 与 \\ 反斜杠',
            headquarters=True,
            department="市/队",
            at=(1, 2),
            within_km=1,
            antenna_m=20,
            mains=True,
            battery_wh=Span(1, 2),
            load_w=30,
            clock=ClockSpec(offset_s=Span(-2, 2), drift_ppm=Span(-5, 20), kept=False),
            beidou_period_s=61,
            heartbeat_s=Span(2, 9),
            settings='[routing]\nrecovery_hold_s = 3\n# "x" \\ y\n',
        ),
        Node(
            id="V-{1..2}",
            links=("pdt", "mesh", "cellular"),
            route="r",
            speed_kmh=40,
            start_km=Span(1, 2),
            leaves_s=Span(60, 90),
        ),
        Node(id="N", links=("mesh",), near="V-*", within_km=2),
    ),
    groups=(
        Group(
            id="T-{1..2}",
            tier="person",
            station=300,
            name="{n}组",
            via="V-*",
            at=(3, 3),
            within_km=2,
            every_s=Span(60, 120),
            answers="",
            mains=True,
            answer_s=Span(1, 2),
            share=0.5,
            battery_h=Span(3, 4),
            department="x",
            excused=True,
            checked=False,
            off=True,
        ),
        Group(id="C", tier="crowd", slot=2, via="HQ"),
        Group(id="B", kind="handset", via="HQ"),
    ),
    actions=(
        Action(
            t=Span(1, 2),
            do=Do.SEND,
            who="HQ",
            to="T-1",
            text="多\n行",
            precedence=Precedence.FLASH,
            count=3,
            every_s=Span(1, 2),
            lifetime_s=600,
        ),
        Action(t=Span(3, 3), do=Do.TYPE, who="T-1", text="@HQ y", count=2, every_s=Span(1, 1)),
        *(Action(t=Span(4, 4), do=do, who="T-2") for do in (Do.SOS, Do.CANCEL, Do.REGISTER)),
        Action(t=Span(5, 5), do=Do.ROLL_CALL, who="HQ", to="all", within_s=60),
        Action(t=Span(5, 5), do=Do.QUIET, who="HQ", link="pdt", for_s=Span(1, 2)),
        Action(t=Span(5, 5), do=Do.VOICE, who="T-1", for_s=Span(1, 2)),
        Action(t=Span(5, 5), do=Do.MOVE, who="V-1"),
        Action(t=Span(5, 5), do=Do.MOVE, who="HQ", to="3,4.5"),
        Action(t=Span(6, 6), do=Do.CUT_ROAD, who="r", at_km=3, for_s=Span(9, 9)),
        Action(t=Span(6, 6), do=Do.CUT_NETWORK, who="s", for_s=Span(9, 9)),
        Action(t=Span(6, 6), do=Do.CUT_NETWORK, area="z"),
        Action(t=Span(6, 6), do=Do.CUT_POWER, area="z", for_s=Span(60, 60)),
        Action(
            t=Span(7, 8),
            do=Do.FAULT,
            for_s=Span(1, 3),
            fault=Fault(at_s=0, kind=Kind.LOSS, target="pdt:HQ>V-1", value=0.5),
        ),
        Action(t=Span(9, 9), do=Do.HEAL),
    ),
    swarm=Swarm(
        loss=Span(0, 0.3),
        duplicate=Span(0.1, 0.1),
        reorder_s=Span(0, 2),
        corrupt=Span(0, 0.1),
        clog_s=Span(0, 60),
        clogs_per_h=Span(0, 2),
        partitions_per_h=Span(0, 1),
        crashes_per_h=Span(0, 1),
        power_cuts_per_h=Span(0, 1),
        torn=Span(0.8, 1),
        pauses_per_h=Span(0, 1),
        disk_full_per_h=Span(0, 1),
        clock_steps_per_h=Span(0, 1),
        clock_step_s=Span(-86400, 86400),
        restores_per_h=Span(0, 1),
        clones_per_h=Span(0, 1),
        device_faults_per_h=Span(0, 1),
        messages_per_h=Span(1, 2),
    ),
    expects=(
        Expect(rule=Rule.ALWAYS, name="P1"),
        Expect(rule=Rule.EVENTUALLY, name="all_delivered", within_s=60),
        Expect(rule=Rule.METRIC, name="messages.lost", low=0, high=0.5),
        Expect(rule=Rule.METRIC, name="latency.p95", high=9),
    ),
)  # fmt: skip


def test_python_twin_is_written_and_read_back() -> None:
    """A scenario that uses every field of the model survives the way through a file."""
    assert check(FULL) == []
    assert read_scenario(write_toml(FULL)) == FULL


def test_twin_above_says_everything() -> None:
    """No field of the model stands at its default in FULL, so the round trip proves all of them."""
    tables = [
        (AREA, [FULL.area]),
        (ROAD, FULL.roads),
        (ZONE, FULL.zones),
        (SITE, FULL.sites),
        (NODE, FULL.nodes),
        (GROUP, FULL.groups),
        (SWARM, [FULL.swarm]),
        (EXPECT, FULL.expects),
    ]
    unsaid = [
        f"{part.name}.{key.name}"
        for part, ones in tables
        for key in part.keys.values()
        for steps in [key.attr.split(".")]
        if all(_at(one, steps) == part.default(key) for one in ones)
    ]
    assert unsaid == []
    assert {action.do for action in FULL.actions} == set(Do)


def _at(one: object, steps: list[str]) -> object:
    for step in steps:
        one = getattr(one, step)
    return one


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_field_of_the_model_has_a_key(part: Part) -> None:
    """What Python can say a file can say."""
    attrs = {key.attr.partition(".")[0] for key in part.keys.values()}
    assert attrs == {item.name for item in fields(part.model)}


def test_every_fault_has_its_rule() -> None:
    """No kind of fault is without a meaning and a target."""
    assert set(FAULTS) == set(Kind)


def test_python_twin_is_held_to_the_same_rules() -> None:
    """`check` finds in objects what the reader finds in files."""
    broken = replace(FULL, nodes=(replace(FULL.nodes[0], route="r"), *FULL.nodes[1:]))
    assert [p.key for p in check(broken)] == ["node[0].route"]
