"""Texts too long for a handheld: numbered parts, delivered when all are; beyond four refused, at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.base import LinkState
from gateway.api.backend import RefusedError
from gateway.native import MAX_PARTS, REPEATED, compose
from sim.fleet import until
from sim.kit import Sim
from sim.people import Habit
from sim.pytest_plugin import sim_test
from tests.core_scene import HQ, ONE, PDT, VEH, Scene, link_is, passes, scene, udp

LONG = "".join(f"{number}号闸口水位上涨；" for number in range(100, 118))
"""198 characters: two parts on a PDT set, which shows 128."""

ENDLESS = "长" * 520
"""More than four parts."""


def said(shown: list[str]) -> list[str]:
    """What follows the sender's sign."""
    return [text.partition("：")[2] for text in shown]


@pytest.mark.parametrize("parts", range(1, MAX_PARTS + 1))
def test_parts_make_the_text_again(parts: int) -> None:
    """Joined in order the parts are the text; each names the sender and its number; the last one asks."""
    written = [
        compose(LONG, sender="HQ", ack_wanted=True, repeated=False, part=part, parts=parts)
        for part in range(1, parts + 1)
    ]
    heads, tails = zip(*(text.split("：", 1) for text in written), strict=True)

    assert "".join(tails).removesuffix("（请回复 收到）") == LONG
    assert [head for head in heads if parts > 1] == [
        f"HQ({part}/{parts})" for part in range(1, parts + 1) if parts > 1
    ]
    assert [text.endswith("收到）") for text in written] == [part == parts for part in range(1, parts + 1)]


async def test_long_text_behind_a_relay_comes_in_numbered_parts(tmp_path: Path) -> None:
    """Headquarters has no radio; its long text is shown in two parts, and delivered only with the last."""
    async with pdt_at_the_vehicle(tmp_path) as field:
        message = await field.hq.send("ZHANG", LONG)
        await until(lambda: bool(field.one.screen), limit_s=60)
        early = await field.hq.state(message)
        await field.hq.reaches(message, "delivered", limit_s=120)

        assert not early.startswith("delivered")
        assert [text.partition("：")[0] for text in field.one.texts()] == ["HQ(1/2)", "HQ(2/2)"]
        assert "".join(said(field.one.texts())) == LONG
        tried = await field.veh.backend.attempts(str(message.id))
        assert [(one.part, one.parts) for one in tried] == [(1, 2), (2, 2)]


@sim_test(seeds=4)
async def test_each_part_is_repeated_by_itself(sim: Sim) -> None:
    """On a net that loses much, an unknown part comes again, marked, at most twice; none is missed."""
    async with scene(sim.folder, "pdt", seed=sim.seed) as field:
        field.fleet.pdt.channel.loss = 0.45
        message = await field.hq.send("ZHANG", LONG)
        await passes(1200)
        field.fleet.pdt.channel.loss = 0.0
        await field.hq.reaches(message, "delivered", limit_s=1800)

        shown = field.one.texts()
        plain = [text for text in shown if not text.startswith(REPEATED)]
        assert len(plain) == len(set(plain))
        assert {text.removeprefix(REPEATED)[:7] for text in shown} == {"HQ(1/2)", "HQ(2/2)"}
        for mark in ("HQ(1/2)", "HQ(2/2)"):
            assert sum(text.startswith(REPEATED + mark) for text in shown) <= 2


async def test_parts_go_on_after_a_power_cut(tmp_path: Path) -> None:
    """What was delivered before the power went is not shown again; the rest follows."""
    async with scene(tmp_path, "pdt") as field:
        message = await field.hq.send("ZHANG", LONG * 2)
        await until(lambda: len(field.one.screen) == 2, limit_s=120)
        await field.veh.restart()
        await field.hq.reaches(message, "delivered", limit_s=900)

        shown = field.one.texts()
        assert "".join(said([text for text in shown if not text.startswith(REPEATED)])) in (LONG * 2)
        assert sum("(1/4)" in text for text in shown) == 1
        assert {text.removeprefix(REPEATED)[3:6] for text in shown} == {"1/4", "2/4", "3/4", "4/4"}


async def test_answer_to_the_last_part_acknowledges(tmp_path: Path) -> None:
    """The last part asks for 收到, and the answer acknowledges the whole."""
    async with scene(tmp_path, "pdt") as field:
        field.one.person = field.person(Habit(), "one")
        message = await field.hq.send("ZHANG", LONG, ack_wanted=True)

        await field.hq.reaches(message, "acknowledged", limit_s=300)

        assert len(field.one.screen) == 2


async def test_answer_before_the_last_part_settles_nothing(tmp_path: Path) -> None:
    """收到 after the first part of two is a message: what is not shown yet was understood by nobody."""
    async with scene(tmp_path, "pdt") as field:
        message = await field.hq.send("ZHANG", LONG, ack_wanted=True)
        await until(lambda: bool(field.one.screen), limit_s=60)
        field.one.type_text("收到")
        await field.hq.reaches(message, "delivered", limit_s=120)

        assert len(field.one.screen) == 2


@asynccontextmanager
async def pdt_at_the_vehicle(folder: Path) -> AsyncGenerator[Scene]:
    """Headquarters has the IP path alone, the vehicle a radio beside it."""
    field = Scene(folder)
    field.veh = field.fleet.box("VEH-PDT", VEH, udp(VEH, HQ) + PDT)
    field.veh.connector.add_serial("/dev/pdt", field.veh_radio)
    async with field.fleet:
        await field.hq.power_on()
        await field.veh.power_on()
        await link_is(field.veh, "pdt", LinkState.UP)
        await link_is(field.veh, "ip", LinkState.UP)
        yield field


async def test_text_for_which_the_relay_has_no_bearer_is_refused_at_once(tmp_path: Path) -> None:
    """More than four parts: the relay refuses, the origin learns octets and limit in seconds."""
    async with pdt_at_the_vehicle(tmp_path) as field:
        message = await field.hq.send("ZHANG", ENDLESS)

        took_s = await field.hq.reaches(message, "refused", limit_s=60)

        found = await field.hq.backend.message(str(message.id))
        assert found is not None
        (copy,) = found.recipients
        assert took_s < 15
        assert copy.detail == "needs 1136 octets, limit 1024"
        assert (copy.station, copy.by) == (ONE, "")
        assert field.one.texts() == []


async def test_headquarters_with_the_same_bearer_refuses_before_it_accepts(tmp_path: Path) -> None:
    """With a PDT radio of its own headquarters knows the limit of the last hop, and counts the parts."""
    async with scene(tmp_path, "pdt") as field:
        with pytest.raises(RefusedError) as refused:
            await field.hq.send("ZHANG", ENDLESS)

        assert (refused.value.limit, refused.value.found) == ("1024 octets in 4 parts", "1136 octets")
