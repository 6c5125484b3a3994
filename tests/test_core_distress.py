"""Emergencies, strangers and automatic replies of people on devices that know nothing of us."""

from __future__ import annotations

from pathlib import Path

from drivers.base import Precedence
from gateway.domain import AlarmKind
from gateway.native import AUTOMATIC, HELP_TEXT
from sim.devices.pdt_handheld import Handheld
from sim.fleet import until
from tests.core_scene import ONE, accepted, alarms, passes, scene, shown_at_hq, texts


async def test_help_is_answered_once_in_ten_minutes(tmp_path: Path) -> None:
    """`帮助` is answered with what can be typed, and again only after ten minutes."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("帮助")
        await passes(60)
        field.one.type_text("帮助")
        await passes(60)
        assert field.one.texts() == [HELP_TEXT]
        await passes(600)
        field.one.type_text("帮助")
        await passes(60)

        assert field.one.texts() == [HELP_TEXT] * 2
        assert await texts(field.hq) == []


async def test_help_limit_survives_a_restart(tmp_path: Path) -> None:
    """A power cut does not let a second automatic reply out within the ten minutes."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("帮助")
        await until(lambda: bool(field.one.screen), limit_s=60)
        await field.veh.restart()
        await field.up("ip", "pdt")
        field.one.type_text("帮助")
        await passes(120)

        assert field.one.texts() == [HELP_TEXT]


async def test_automatic_replies_never_converse(tmp_path: Path) -> None:
    """A text that begins 【自动】, from whomever, is shown and never answered."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text(f"{AUTOMATIC}我不在")
        field.one.type_text(f"{AUTOMATIC}帮助")
        await shown_at_hq(field, 2)
        await passes(120)

        assert field.one.texts() == []
        assert await accepted(field.veh) == [f"{AUTOMATIC}我不在", f"{AUTOMATIC}帮助"]


async def test_two_gateways_do_not_answer_each_other(tmp_path: Path) -> None:
    """`帮助` typed as a text from the other gateway's own radio is not answered."""
    async with scene(tmp_path, "pdt") as field:
        radio = Handheld(2199, field.fleet.pdt, name="x", home=2103)
        radio.id = 2101
        radio.type_text("帮助")
        await passes(120)

        assert not any(t.startswith(AUTOMATIC) for t in await accepted(field.veh))
        assert not any(t.startswith(AUTOMATIC) for t in await accepted(field.hq))


async def test_sos_words_raise_the_alarm_and_one_message(tmp_path: Path) -> None:
    """SOS words raise an unauthenticated alarm here and at headquarters, and one message of class SOS."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("求救，有人被困")
        found = await shown_at_hq(field, 1)
        field.one.type_text("求救！快")
        await passes(60)

        assert found[0].precedence is Precedence.SOS
        assert "有人被困" in found[0].text
        assert await alarms(field.veh, AlarmKind.SOS) == [f"sos:{ONE}"]
        assert await alarms(field.hq, AlarmKind.SOS) == [f"sos:{ONE}"]
        raised = await field.hq.backend.alarms(active_only=False)
        assert [a.unauthenticated for a in raised if a.kind is AlarmKind.SOS] == [True]
        assert any("快" in text for text in await texts(field.hq)), "later words are not swallowed"


async def test_emergency_button_is_one_alarm_with_position(tmp_path: Path) -> None:
    """The button, sent several times by the set, is one alarm at headquarters, with name and position."""
    async with scene(tmp_path, "pdt") as field:
        field.one.press_emergency()
        await shown_at_hq(field, 1)
        await passes(60)

        shown = await texts(field.hq)
        assert all("ZHANG" in text for text in shown)
        assert any("30.25" in text for text in shown)
        assert len(shown) <= 2
        assert await alarms(field.hq, AlarmKind.SOS) == [f"sos:{ONE}"]


async def test_cancelled_emergency_clears_both_alarms(tmp_path: Path) -> None:
    """When the set cancels its alarm, it is over at the vehicle and at headquarters."""
    async with scene(tmp_path, "pdt") as field:
        field.one.press_emergency()
        await shown_at_hq(field, 1)
        await passes(20)
        field.one.cancel_emergency()
        await passes(60)

        assert await alarms(field.veh, AlarmKind.SOS) == []
        assert await alarms(field.hq, AlarmKind.SOS) == []


async def test_stranger_is_kept_for_the_operator(tmp_path: Path) -> None:
    """A text from an address not in the roster is kept apart: no reply, nothing sent on."""
    async with scene(tmp_path, "pdt") as field:
        stranger = Handheld(3999, field.fleet.pdt, name="路人", home=2103)
        stranger.type_text("帮助")
        stranger.type_text("撤离")
        await passes(120)

        kept = await field.veh.backend.quarantine()
        assert sorted(str(text["text"]) for text in kept) == ["帮助", "撤离"]
        assert stranger.texts() == []
        assert await texts(field.hq) == []
        assert await accepted(field.veh) == []
