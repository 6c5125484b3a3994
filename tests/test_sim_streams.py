"""Named streams of randomness: nobody's draws depend on who else is there, sends, or breaks."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from typing_extensions import override

from sim.faults.model import Kind
from sim.rng import Streams
from sim.run.play import play
from sim.scenario.draw import draw
from sim.scenario.library import find
from sim.scenario.model import Span
from sim.scenario.read import load_scenario
from sim.world.files import BEIDOU_BASE, PDT_BASE, TIANTONG_BASE
from tests.world_scene import living, node, person, scenario

EVERYBODY = {"fleet/keys"}
"""Drawn once, before anybody is there."""


class Listed(Streams):
    """Remembers the names that were asked for."""

    def __init__(self, seed: int | str) -> None:
        super().__init__(seed)
        self.names: set[str] = set()

    @override
    def stream(self, name: str) -> Random:
        self.names.add(name)
        return super().stream(name)


def test_every_stream_of_a_run_is_somebodys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A county with every kind of fault draws from no stream that two stations or pairs share."""
    made: list[Listed] = []

    def listed(seed: int | str) -> Listed:
        made.append(Listed(seed))
        return made[-1]

    monkeypatch.setattr("sim.fleet.Streams", listed)
    whole = load_scenario(find("county"))
    swarm = replace(whole.swarm, loss=Span(0.2, 0.2), clogs_per_h=Span(60, 60), corrupt=Span(0.1, 0.1))
    drawn = draw(replace(whole, duration_s=240.0, expects=(), swarm=swarm), 3)
    play(drawn, folder=tmp_path)

    own = {node.id for node in drawn.scenario.nodes} | {group.id for group in drawn.scenario.groups}
    numbers = [node.station for node in drawn.scenario.nodes]
    numbers += [group.station for group in drawn.scenario.groups]
    own |= {f"{base + n}" for base in (PDT_BASE, TIANTONG_BASE, BEIDOU_BASE) for n in numbers}
    shared = {
        name
        for name in made[0].names - EVERYBODY
        if not own & set(re.split(r"[/>~ ]", name)) and not re.search(r"\d+\.\d+\.\d+\.\d+", name)
    }
    # one stream for the bearer as a whole is made, and what somebody sends does not draw from it
    assert {name for name in shared if not name.startswith("faults/swizzle/")} <= {
        *("pdt/channel", "rdss/channel", "rdss/space", "tiantong/channel")
    }


RADIOS = scenario(
    (node("HQ", "pdt", "beidou", headquarters=True), node("VEH", "pdt", "beidou")),
    tuple(person(f"T-{n}", "handheld", "HQ") for n in (1, 2, 3, 4))
    + tuple(person(f"B-{n}", "handset", "HQ") for n in (1, 2, 3, 4)),
)


async def luck(*, others: bool) -> list[tuple[int, int]]:
    """Return which of twelve words of one radio and one card arrive, with others talking between or not."""
    heard = []
    async with living(RADIOS) as scene:
        for bearer in ("pdt", "beidou"):
            scene.fault(Kind.LOSS, bearer, value=0.5)
        for _ in range(12):
            if others:
                await scene.radio("T-3", "T-4", 1)
                await scene.beidou("B-3", "B-4", 1)
            heard.append((await scene.radio("T-1", "T-2", 1), await scene.beidou("B-1", "B-2", 1)))
    return heard


async def test_what_others_send_changes_nobodys_luck() -> None:
    """On a lossy net, and a lossy space segment, the same words of one arrive whoever else talks."""
    alone = await luck(others=False)
    assert await luck(others=True) == alone
    assert {0, 1} == {radio for radio, _ in alone} == {card for _, card in alone}
