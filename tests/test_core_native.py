"""People on devices that know nothing of us: what they type, what is answered, what is never done."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.base import Precedence
from gateway.api.backend import RefusedError
from gateway.native import AUTOMATIC, REPEATED
from sim.fleet import until
from sim.kit import Sim
from sim.pytest_plugin import sim_test
from tests.core_scene import ONE, TWO, accepted, passes, scene, shown_at_hq, texts


async def test_text_goes_to_headquarters_by_default(tmp_path: Path) -> None:
    """What a handheld types without an address is shown at headquarters under its name, unauthenticated."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("三号桥已断")

        (message,) = await shown_at_hq(field, 1)

        assert (message.text, message.sender, message.unauthenticated) == ("三号桥已断", ONE, True)
        assert message.precedence is Precedence.ROUTINE


@pytest.mark.parametrize("typed", ["@LI 来桥头", "＠li：来桥头"])
async def test_call_sign_addresses_another_handheld(tmp_path: Path, typed: str) -> None:
    """`@call-sign text` is shown on that handheld, with the sender's call sign, and not at headquarters."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text(typed)
        await until(lambda: bool(field.two.screen), limit_s=60)

        assert field.two.texts() == ["ZHANG：来桥头"]
        assert await texts(field.hq) == []


async def test_call_sign_behind_the_other_gateway(tmp_path: Path) -> None:
    """A handheld behind the vehicle reaches one behind headquarters; the delivery comes back as a receipt."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("@BASE-1 在吗")
        await until(lambda: bool(field.base.screen), limit_s=60)
        (message,) = await field.veh.backend.messages(limit=1, before=None, state=None, station=None)

        await field.veh.reaches(message, "delivered", limit_s=120)

        assert field.base.texts() == ["ZHANG：在吗"]


async def test_unknown_call_sign_is_said_and_goes_to_headquarters(tmp_path: Path) -> None:
    """A call sign that nobody has is answered, and headquarters gets the text as it was typed."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("@NOBODY 你好")
        await until(lambda: bool(field.one.screen), limit_s=60)

        assert await texts(field.hq) == ["@NOBODY 你好"]
        assert field.one.texts() == [f"{AUTOMATIC}没有呼号 NOBODY，已转指挥部"]


async def test_received_acknowledges_the_newest_message_that_asked(tmp_path: Path) -> None:
    """`收到` acknowledges the newest message that asked for it, not others; the origin hears who."""
    async with scene(tmp_path, "pdt") as field:
        old = await field.hq.send("ZHANG", "旧", ack_wanted=True)
        await field.hq.reaches(old, "delivered", limit_s=120)
        wanted = await field.hq.send("ZHANG", "请撤离", ack_wanted=True)
        await field.hq.reaches(wanted, "delivered", limit_s=120)
        plain = await field.hq.send("ZHANG", "天气晴")
        await field.hq.reaches(plain, "delivered", limit_s=120)

        field.one.type_text("收到")
        await field.hq.reaches(wanted, "acknowledged", limit_s=120)
        await passes(60)

        assert await field.hq.state(wanted) == "acknowledged/observed"
        assert (await field.hq.state(old)).startswith("delivered")
        assert (await field.hq.state(plain)).startswith("delivered")
        assert await texts(field.hq) == []


async def test_received_without_a_question_is_a_message(tmp_path: Path) -> None:
    """`收到` when nothing asked for it goes to headquarters as a message."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("收到")

        assert [m.text for m in await shown_at_hq(field, 1)] == ["收到"]


async def test_present_outside_a_roll_call_is_a_message(tmp_path: Path) -> None:
    """`到` while nobody calls the roll goes to headquarters as a message."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("到")

        assert [m.text for m in await shown_at_hq(field, 1)] == ["到"]


@sim_test(seeds=4)
async def test_lost_acknowledgements_double_nothing(sim: Sim) -> None:
    """A handheld that repeats because it hears no answer is shown once."""
    async with scene(sim.folder, "pdt", seed=sim.seed) as field:
        field.fleet.pdt.channel.loss = 0.4
        for number in range(6):
            field.one.type_text(f"第 {number} 条")
            await passes(60)
        await passes(300)

        shown = await texts(field.hq)
        delivered = {typed.text for typed in field.one.typed if typed.outcome == "delivered"}
        assert sorted(shown) == sorted(set(shown))
        assert delivered <= set(shown)


async def test_headquarters_text_is_delivered_with_a_receipt(tmp_path: Path) -> None:
    """A message to a handheld is relayed, shown with the sender's sign, and delivered by the radio's word."""
    async with scene(tmp_path, "pdt") as field:
        message = await field.hq.send("ZHANG", "原地待命")

        await field.hq.reaches(message, "relayed", limit_s=10)
        await field.hq.reaches(message, "delivered", limit_s=60)

        assert await field.hq.state(message) == "delivered/observed"
        assert field.one.texts() == ["HQ：原地待命"]


async def test_status_report_makes_it_delivered(tmp_path: Path) -> None:
    """A message to a satellite phone is delivered by the network's status report."""
    async with scene(tmp_path, "tiantong") as field:
        message = await field.hq.send("WANG", "原地待命")

        await field.hq.reaches(message, "delivered", limit_s=120)

        assert await field.hq.state(message) == "delivered/observed"
        assert [shown.text for shown in field.phone.screen] == ["HQ：原地待命"]


async def test_phone_switched_off_gets_it_later_once(tmp_path: Path) -> None:
    """A phone is off: the network holds the text, we repeat nothing and hear of the delivery hours later."""
    async with scene(tmp_path, "tiantong") as field:
        field.phone.switch_off()
        message = await field.hq.send("WANG", "原地待命")
        await passes(7200)
        field.phone.switch_on()

        await field.hq.reaches(message, "delivered", limit_s=600)

        assert [shown.text for shown in field.phone.screen] == ["HQ：原地待命"]


async def test_status_report_after_a_restart_finds_its_message(tmp_path: Path) -> None:
    """The reference of an attempt is on disk: a report that comes after a power cut still counts."""
    async with scene(tmp_path, "tiantong") as field:
        field.phone.switch_off()
        message = await field.hq.send("WANG", "原地待命")
        await passes(120)
        await field.veh.restart()
        await field.up("ip", "tiantong")
        field.phone.switch_on()

        await field.hq.reaches(message, "delivered", limit_s=600)
        await passes(600)

        assert [shown.text for shown in field.phone.screen] == ["HQ：原地待命"]


async def test_beidou_handset_both_ways(tmp_path: Path) -> None:
    """A Beidou handset reaches headquarters, and headquarters it."""
    async with scene(tmp_path, "beidou") as field:
        field.handset.type_text("峡谷安全")
        await shown_at_hq(field, 1)
        message = await field.hq.send("ZHAO", "原地待命")
        await field.hq.reaches(message, "delivered", limit_s=300)

        assert await texts(field.hq) == ["峡谷安全"]
        assert field.handset.texts() == ["HQ：原地待命"]


async def test_unknown_outcome_is_repeated_at_most_twice_marked(tmp_path: Path) -> None:
    """When the radio never tells results, a text goes out three times in all, repeats marked （重发）."""
    async with scene(tmp_path, "pdt") as field:
        field.veh_radio.faults.silent_results = True
        message = await field.hq.send("ZHANG", "原地待命")
        await passes(3600)

        shown = field.one.texts()
        assert shown == ["HQ：原地待命", f"{REPEATED}HQ：原地待命", f"{REPEATED}HQ：原地待命"]
        assert (await field.veh.state(message)).startswith(("unknown", "on_air", "at_modem"))


async def test_crash_between_sending_and_result_is_unknown_then_repeated_marked(tmp_path: Path) -> None:
    """A text in flight when the power went is of unknown outcome: what follows it is marked as a repeat."""
    async with scene(tmp_path, "pdt") as field:
        await field.hq.send("ZHANG", "原地待命")
        await until(lambda: bool(field.one.screen), limit_s=60)
        await field.veh.restart()
        await field.up("ip", "pdt")
        await passes(600)

        assert field.one.texts()[0] == "HQ：原地待命"
        assert all(text == f"{REPEATED}HQ：原地待命" for text in field.one.texts()[1:])
        assert len(field.one.texts()) <= 2


async def test_set_that_answers_no_checks_gets_its_repeat(tmp_path: Path) -> None:
    """Sent into a dead spot, outcome unknown: a set with its online check off is not asked for ever."""
    async with scene(tmp_path, "pdt") as field:
        field.one.answers_checks = False
        field.veh_radio.faults.silent_results = True
        field.fleet.pdt.channel.cut = True
        await field.hq.send("ZHANG", "原地待命")
        await passes(30)
        field.fleet.pdt.channel.cut = False
        await passes(600)

        assert field.one.texts() == [f"{REPEATED}HQ：原地待命"]


async def test_crash_before_the_commit_loses_nothing(tmp_path: Path) -> None:
    """A text that came in when the power went, unconfirmed, is offered again by the device, shown once."""
    async with scene(tmp_path, "tiantong") as field:
        field.phone.type_text("断电瞬间", field.veh_modem.number)
        for _ in range(5):
            await passes(1.1)
            await field.veh.restart(off_s=0.5)
        await shown_at_hq(field, 1, limit_s=300)
        await passes(300)

        assert await texts(field.hq) == ["断电瞬间"]


async def test_text_too_long_is_refused_with_figures(tmp_path: Path) -> None:
    """A text that no living bearer carries is refused, naming field, octets and limit; nothing is kept."""
    async with scene(tmp_path, "pdt") as field:
        with pytest.raises(RefusedError) as refused:
            await field.veh.send("ZHANG", "长" * 500)

        assert (refused.value.field, refused.value.limit) == ("text", "1024 octets in 4 parts")
        assert refused.value.found == "1120 octets"
        assert await accepted(field.veh) == []


async def test_kept_text_waits_for_a_bigger_bearer(tmp_path: Path) -> None:
    """A text too long for what lives is kept if asked for, and leaves when a bigger bearer comes up."""
    async with scene(tmp_path, "beidou") as field:
        field.cut_ip()
        await passes(30)
        with pytest.raises(RefusedError):
            await field.veh.send("HQ", "长" * 200)
        message = await field.veh.send("HQ", "长" * 200, keep=True)
        await passes(300)
        assert await field.veh.state(message) == "queued/observed"
        field.heal_ip()

        await field.veh.reaches(message, "delivered", limit_s=60)

        assert await texts(field.hq) == ["长" * 200]


async def test_lifetime_of_a_relayed_text_ends_and_the_origin_is_told(tmp_path: Path) -> None:
    """A handheld out of reach: the relay lets the copy expire and its receipt tells the origin."""
    async with scene(tmp_path, "pdt") as field:
        field.one.powered = False
        message = await field.hq.send("ZHANG", "十分钟有效", lifetime_s=600)

        took_s = await field.hq.reaches(message, "expired", limit_s=700)

        assert took_s < 620
        await field.veh.reaches(message, "expired/protocol", limit_s=60)


async def test_two_messages_to_two_handhelds_each_have_a_state(tmp_path: Path) -> None:
    """One handheld is off: its copy waits while the other's is delivered."""
    async with scene(tmp_path, "pdt") as field:
        field.two.powered = False
        first = await field.hq.send("ZHANG", "集合")
        second = await field.hq.send("LI", "集合")
        await field.hq.reaches(first, "delivered", limit_s=120)

        assert not (await field.hq.state(second, TWO)).startswith("delivered")
        field.two.powered = True
        await field.hq.reaches(second, "delivered", limit_s=600)
        assert field.two.texts() == ["HQ：集合"]


async def test_handheld_out_of_reach_for_an_hour_gets_its_text(tmp_path: Path) -> None:
    """Repeats are not spent on a set that is away: back after an hour, it gets the text in five minutes."""
    async with scene(tmp_path, "pdt") as field:
        field.one.in_coverage = False
        message = await field.hq.send("ZHANG", "原地待命")
        await passes(3600)
        field.one.in_coverage = True

        took_s = await field.hq.reaches(message, "delivered", limit_s=600)

        assert took_s < 330
        assert field.one.texts() == [f"{REPEATED}HQ：原地待命"]
