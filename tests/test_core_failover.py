"""Any living bearer carries it: failover in PACE order, recovery hold, no flapping, quiet, precedence."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.base import LinkState, Precedence
from gateway.domain import Message
from sim.devices.beidou import Sky
from sim.fleet import Box, until
from tests.core_scene import HQ, VEH, Scene, link_is, link_state, passes, scene, texts, udp


async def links_used(box: Box, message: Message) -> list[str]:
    """Links that attempts of a message went over, in order, each once."""
    return list(dict.fromkeys(a.link for a in await box.backend.attempts(str(message.id))))


@pytest.mark.parametrize(("bearer", "limit_s"), [("tiantong", 45.0), ("beidou", 60.0), ("pdt", 30.0)])
async def test_cut_path_is_left_for_the_next_bearer(tmp_path: Path, bearer: str, limit_s: float) -> None:
    """With the IP path cut a message goes over the next bearer, within its stated time."""
    async with scene(tmp_path, bearer) as field:
        field.cut_ip()
        message = await field.veh.send("HQ", "网络已断")

        took_s = await field.veh.reaches(message, "delivered", limit_s=600)

        assert took_s < limit_s
        assert (await links_used(field.veh, message))[-1] == bearer
        assert await texts(field.hq) == ["网络已断"]


async def test_bearers_are_taken_in_pace_order(tmp_path: Path) -> None:
    """With all four alive the first in order carries; as each is cut the next one does."""
    async with scene(tmp_path, "pdt", "tiantong", "beidou") as field:
        used: list[str] = []
        for number, cut in enumerate((None, "ip", "pdt", "tiantong")):
            if cut == "ip":
                field.cut_ip()
            elif cut == "pdt":
                field.fleet.pdt.channel.cut = True
            elif cut == "tiantong":
                field.fleet.sms_channel.cut = True
            await passes(60)
            message = await field.veh.send("HQ", f"第 {number} 条")
            await field.veh.reaches(message, "delivered", limit_s=900)
            used.append((await links_used(field.veh, message))[-1])

        assert used == ["ip", "pdt", "tiantong", "beidou"]
        assert await texts(field.hq) == [f"第 {n} 条" for n in range(4)]


async def test_hard_evidence_acts_at_once(tmp_path: Path) -> None:
    """A port pulled out in mid-message costs no time-out: the next bearer carries it within seconds."""
    async with scene(tmp_path, "pdt", "tiantong", ip=False) as field:
        message = await field.veh.send("HQ", "拔线")
        await passes(0.2)
        field.ports["VEH-3"]["pdt"].unplug()

        await link_is(field.veh, "pdt", LinkState.ABSENT, limit_s=2)
        took_s = await field.veh.reaches(message, "delivered", limit_s=120)

        assert took_s < 30
        assert await texts(field.hq) == ["拔线"]


async def test_recovery_hold_keeps_traffic_where_it_is(tmp_path: Path) -> None:
    """A path that came back carries nothing that has a good way until it has held for the recovery hold."""
    async with scene(tmp_path, "pdt") as field:
        field.cut_ip()
        await link_is(field.veh, "ip", LinkState.DOWN, limit_s=10)
        field.heal_ip()
        await link_is(field.veh, "ip", LinkState.RECOVERING, limit_s=10)

        early = await field.veh.send("HQ", "刚恢复")
        await passes(12)
        late = await field.veh.send("HQ", "已稳定")
        await field.veh.reaches(early, "delivered")
        await field.veh.reaches(late, "delivered")

        assert (await links_used(field.veh, early))[0] == "pdt"
        assert await links_used(field.veh, late) == ["ip"]


async def test_on_off_path_does_not_flap(tmp_path: Path) -> None:
    """A path there for 4 s of every 8 s carries nothing while a steady one lives; all arrives once."""
    async with scene(tmp_path, "pdt") as field:
        field.cut_ip()
        await link_is(field.veh, "ip", LinkState.DOWN, limit_s=10)
        sent = []
        for number in range(12):
            field.heal_ip()
            await passes(4)
            sent.append(await field.veh.send("HQ", f"忽断忽续 {number}"))
            field.cut_ip()
            await passes(4)
        for message in sent:
            await field.veh.reaches(message, "delivered", limit_s=600)

        used = [await links_used(field.veh, message) for message in sent]
        assert used == [["pdt"]] * 12
        assert sorted(await texts(field.hq)) == sorted(m.text for m in sent)


async def test_flash_goes_over_two_bearers_and_is_shown_once(tmp_path: Path) -> None:
    """FLASH is doubled at once on the next bearer; the far screen shows it once."""
    async with scene(tmp_path, "pdt") as field:
        message = await field.veh.send("HQ", "特提", Precedence.FLASH)
        await field.veh.reaches(message, "delivered")
        await passes(30)

        assert sorted(await links_used(field.veh, message)) == ["ip", "pdt"]
        assert await texts(field.hq) == ["特提"]


async def test_path_that_traffic_left_is_found_alive_again(tmp_path: Path) -> None:
    """A radio path that failed while another lived is asked for a sign of life, and carries again."""
    async with scene(tmp_path, "pdt", "tiantong", ip=False) as field:
        field.hq_radio.in_coverage = False
        first = await field.veh.send("HQ", "出山谷前")
        await field.veh.reaches(first, "delivered", limit_s=300)
        field.hq_radio.in_coverage = True
        await passes(400)

        second = await field.veh.send("HQ", "出山谷后")
        await field.veh.reaches(second, "delivered", limit_s=120)

        assert (await links_used(field.veh, first))[-1] == "tiantong"
        assert await links_used(field.veh, second) == ["pdt"]


async def test_flash_needs_no_second_try_when_the_first_path_is_silently_dead(tmp_path: Path) -> None:
    """On a path that has just died unnoticed FLASH still arrives with the second bearer's first frame."""
    async with scene(tmp_path, "pdt") as field:
        field.cut_ip()
        message = await field.veh.send("HQ", "特提", Precedence.FLASH)

        took_s = await field.veh.reaches(message, "delivered", limit_s=60)

        assert took_s < 12
        assert await texts(field.hq) == ["特提"]


async def test_sos_overtakes_fifty_queued_messages_at_the_next_frame(tmp_path: Path) -> None:
    """With 50 ROUTINE waiting for a slow link, an SOS is in the next frame that leaves."""
    async with scene(tmp_path, "beidou", ip=False) as field:
        for number in range(50):
            await field.veh.send("HQ", f"平急 {number} " + "情况说明" * 3)
        await passes(25)
        before = len(await texts(field.hq))
        sos = await field.veh.send("HQ", "求救", Precedence.SOS)

        took_s = await field.veh.reaches(sos, "delivered", limit_s=120)

        assert took_s < 40
        assert len(await texts(field.hq)) - before <= 6


async def test_strict_precedence_oldest_first(tmp_path: Path) -> None:
    """What waits in a tunnel leaves in order of class, and within a class oldest first."""
    async with scene(tmp_path, "beidou", ip=False) as field:
        field.veh_card.sky = Sky.TUNNEL
        await link_is(field.veh, "beidou", LinkState.BLOCKED, LinkState.DOWN, limit_s=60)
        classes = (Precedence.DEFERRED, Precedence.ROUTINE, Precedence.IMMEDIATE, Precedence.ROUTINE)
        for number, precedence in enumerate((*classes, Precedence.PRIORITY)):
            await field.veh.send("HQ", f"{number} " + "字" * 24, precedence)
        field.veh_card.sky = Sky.OPEN
        await until(lambda: count_shown(field, 5), limit_s=900)

        assert [text[0] for text in await texts(field.hq)] == ["2", "4", "1", "3", "0"]


async def count_shown(field: Scene, number: int) -> bool:
    return len(await texts(field.hq)) == number


def sent_since(box: Box, at: int, link: str = "") -> list[bytes]:
    """What a box put on its wires since trace record `at`."""
    return [r.data for r in box.trace.records[at:] if r.direction == "tx" and (not link or r.link == link)]


async def test_quiet_link_transmits_nothing_and_goes_on_receiving(tmp_path: Path) -> None:
    """While a link is quiet not even a heartbeat leaves; what comes in is shown; kept over a restart."""
    async with scene(tmp_path) as field:
        await field.veh.quiet("ip", on=True)
        await passes(1)
        at = len(field.veh.trace.records)
        incoming = await field.hq.send("VEH-3", "静默中")
        outgoing = await field.veh.send("HQ", "等解除")
        await passes(30)
        await field.veh.restart()
        await passes(120)

        assert sent_since(field.veh, at) == []
        assert await texts(field.veh) == ["静默中"]
        await field.veh.quiet("ip", on=False)
        await field.veh.reaches(outgoing, "delivered", limit_s=120)
        await field.hq.reaches(incoming, "delivered", limit_s=120)
        assert await texts(field.veh) == ["静默中"]


async def test_quiet_all_is_silent_on_the_radio_too(tmp_path: Path) -> None:
    """With all links quiet the radio net hears nothing from us: no answer to registrations, no text."""
    async with scene(tmp_path, "pdt") as field:
        await field.veh.quiet("all", on=True)
        await passes(1)
        field.one.register()
        field.one.type_text("静默测试")
        await passes(1)
        text = await field.veh.send("ZHANG", "不得发出")
        await passes(300)

        assert not field.one.registered
        assert field.one.texts() == []
        assert await field.veh.state(text) == "queued/observed"
        typed = await field.veh.backend.messages(limit=5, before=None, state=None, station="HQ")
        assert [message.text for message in typed] == ["静默测试"]
        await field.veh.quiet("all", on=False)
        await field.veh.reaches(text, "delivered", limit_s=300)


async def test_quiet_is_said_in_the_link_state(tmp_path: Path) -> None:
    """A quiet link shows why at the vehicle and, once it may speak, at headquarters."""
    satellite = udp(VEH, HQ, bearer="vsat", net="10.1.0").replace('"ip"', '"sat"')
    async with scene(tmp_path, extra=satellite) as field:
        await field.veh.quiet("sat", on=True)
        await passes(10)

        found = [r for r in await field.veh.backend.links("VEH-3") if r.link == "sat"]

        assert "operator" in found[0].reason
        assert link_state(field.veh, "ip") is LinkState.UP


async def test_frame_that_the_device_gives_up_while_taking_it_is_not_waited_for(tmp_path: Path) -> None:
    """The modem says after 50 s that no network answered: the path mended meanwhile gets it at once."""
    async with scene(tmp_path, "tiantong") as field:
        field.cut_ip()
        await link_is(field.veh, "ip", LinkState.DOWN)
        field.fleet.sms_channel.loss = 1.0
        message = await field.veh.send("HQ", "水位上涨")
        await field.veh.reaches(message, "at_modem", limit_s=20)
        field.heal_ip()

        took_s = await field.veh.reaches(message, "delivered", limit_s=300)

        assert took_s < 70
