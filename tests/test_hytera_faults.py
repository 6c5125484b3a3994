"""The Hytera driver when line, radio or channel misbehave: found in time, nothing lost or doubled."""

from __future__ import annotations

import asyncio

import pytest

from drivers.base import (
    Emergency,
    Heard,
    LinkDownError,
    LinkState,
    Notice,
    Progress,
    Received,
    Stage,
    StateChanged,
)
from drivers.hytera.config import ACK_TIMEOUT_S, ACK_TRIES, MAX_EVENTS, HyteraConfig
from drivers.hytera.driver import DRIVER
from protocols.hytera import hdap, pdu, tmp
from sim.env import SimParts
from sim.kit import RadioNet, SimSerial
from tests.hytera_scene import HQ, ONE, TWO, Scene, Watch

SEND_LOSS_S = ACK_TIMEOUT_S * ACK_TRIES


def now_s() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("version", [0, 3, 4])
async def test_every_version_of_the_transport_is_spoken(version: int) -> None:
    """Radios of HRNP version 0, 3 and 4 are served alike."""
    scene = Scene(version=version)
    async with scene.link(hrnp_version=version) as watch:
        handle = await watch.text("版本", ONE)
        await watch.stage(handle, Stage.DELIVERED)


async def test_a_bad_line_loses_and_doubles_nothing() -> None:
    """Boot noise, noise before frames, single octets, bad checksums, lost acknowledgements are survived."""
    scene = Scene(split=True)
    faults = scene.hq.faults
    faults.boot_garbage = b"\x7e\x04Hytera boot\r\n\x7e~~~"
    faults.noise_before_frame = b"~\x7e\x04\x00"
    faults.split = True
    async with scene.link() as watch:
        faults.lose_acks, faults.bad_checksums = 2, 3
        handle = await watch.text("收发测试", ONE)
        await watch.stage(handle, Stage.DELIVERED)
        faults.lose_acks, faults.bad_checksums = 1, 2
        scene.one.type_text("~~~~")
        received = await watch.wait_for(Received)
        await asyncio.sleep(30)
        notices = watch.of(Notice)

    assert scene.one.texts() == ["收发测试"]
    assert [event.text for event in watch.of(Received)] == [received.text] == ["~~~~"]
    assert any(notice.event == "garbage_received" for notice in notices)


async def test_frame_repeated_for_a_lost_acknowledgement_counts_once() -> None:
    """What the radio writes again because our acknowledgement was lost is acknowledged and not told again."""
    scene = Scene()
    async with scene.link() as watch:
        await asyncio.sleep(1)  # the last answer of the set-up is acknowledged
        scene.hq.faults.lose_host_acks = 2
        scene.one.register()
        await asyncio.sleep(20)

    assert len(watch.of(Heard)) == 1
    assert scene.hq.faults.lose_host_acks == 0


async def test_false_header_does_not_hold_a_frame_back() -> None:
    """Noise that looks like the head of a long frame delays the frame behind it by a third of a second."""
    scene = Scene()
    async with scene.link() as watch:
        scene.hq.hrnp.raw(bytes.fromhex("7e0400001020000105dc0000"))
        scene.hq.alert(TWO)
        noise_s = now_s()
        await watch.wait_for(Emergency)

        assert now_s() - noise_s < 0.5


async def test_wrong_inner_checksum_follows_the_configuration() -> None:
    """A lax link takes a text with a wrong HDAP checksum and logs it; a strict one waits for the repeat."""
    for strict, expected_s in ((False, 2.0), (True, 7.0)):
        scene = Scene()
        async with scene.link(strict_checksums=strict) as watch:
            scene.hq.faults.bad_hdap_checksums = 1
            typed_s = now_s()
            scene.one.type_text("错")
            await watch.wait_for(Received)

            assert now_s() - typed_s == pytest.approx(expected_s, abs=1.5)
        assert ("hdap_checksum_was_wrong" in scene.parts.log.events()) is not strict


async def test_absent_port_is_a_state_and_is_found_when_it_comes() -> None:
    """A missing port is ABSENT; once plugged in, the link comes up by itself."""
    scene = Scene()
    scene.port.unplug()
    async with scene.link(wait=False) as watch:
        absent = await watch.wait_for(StateChanged)
        with pytest.raises(LinkDownError, match="absent"):
            await watch.text("x", ONE)
        scene.port.replug()
        plugged_s = now_s()
        await watch.wait_for(StateChanged, lambda event: event.state is LinkState.UP)

        assert now_s() - plugged_s <= 20

    assert absent.state is LinkState.ABSENT


async def test_unplugged_in_mid_send_is_unknown() -> None:
    """When the port goes while a text is handed over, the outcome is unknown, the link absent at once."""
    scene = Scene()
    async with scene.link() as watch, asyncio.TaskGroup() as tasks:
        scene.hq.faults.lose_acks = 1
        sending = tasks.create_task(_fails(watch))
        await asyncio.sleep(0.5)
        scene.port.unplug()
        cut_s = now_s()
        state = await watch.wait_for(StateChanged, lambda event: event.state is LinkState.ABSENT)
        took_s = now_s() - cut_s
        await sending
        scene.port.replug()
        await watch.wait_for(StateChanged, lambda event: event.state is LinkState.UP)

    assert "port lost" in state.reason
    assert took_s < 0.1
    assert [p.stage for p in watch.of(Progress)] == [Stage.UNKNOWN]


async def _fails(watch: Watch) -> None:
    with pytest.raises(LinkDownError):
        await watch.text("拔线", ONE)


async def test_unplugged_while_a_result_is_due_is_unknown() -> None:
    """What waited for its result when the port went is reported as unknown, once."""
    scene = Scene()
    async with scene.link() as watch:
        handle = await watch.text("拔线", ONE)
        scene.port.unplug()

        progress = await watch.stage(handle, Stage.UNKNOWN, Stage.DELIVERED)

    assert progress.stage is Stage.UNKNOWN


async def test_late_result_finds_its_message_after_a_restart() -> None:
    """A result for a message of the run before is told under its reference, without a handle."""
    scene = Scene()
    async with scene.link() as watch:
        await watch.text("重启", ONE)
        sent = await watch.wait_for(Progress)
    async with scene.link() as watch:
        late = await watch.wait_for(Progress)

    assert (late.handle, late.stage, late.device_ref) == (None, Stage.DELIVERED, sent.device_ref)


async def test_numbers_are_never_used_twice() -> None:
    """Request ids and packet numbers go on after a power cut where the reservation ended."""
    scene = Scene()
    refs: list[str] = []
    for _ in range(3):
        async with scene.link() as watch:
            handle = await watch.text("号", ONE)
            refs.append((await watch.stage(handle, Stage.AT_MODEM)).device_ref)
    numbers = [
        int.from_bytes(record.data[6:8], "big")
        for record in scene.parts.trace.records
        if record.direction == "tx" and record.data[3] == 0
    ]

    assert len(set(refs)) == 3
    assert len(set(numbers)) == len(numbers)


async def test_wrong_baud_is_named_as_a_likely_cause() -> None:
    """A radio at another rate gives garbage; the reason points at baud_bps."""
    scene = Scene()
    async with scene.link(baud_bps=9600, wait=False) as watch:
        state = await watch.wait_for(StateChanged, lambda event: event.state is LinkState.DOWN)

    assert "baud_bps" in state.reason
    assert scene.hq.hrnp.received == []


async def test_dead_radio_is_found_while_idle() -> None:
    """A radio that falls silent is found within the keep-alive time and four tries."""
    scene = Scene()
    async with scene.link(keepalive_s=20) as watch:
        scene.hq.faults.silent = True
        silent_s = now_s()
        state = await watch.wait_for(StateChanged, lambda event: event.state is LinkState.DOWN)
        took_s = now_s() - silent_s
        scene.hq.faults.silent = False
        await watch.wait_for(StateChanged, lambda event: event.state is LinkState.STARTING)
        await watch.wait_for(
            StateChanged, lambda event: watch.events[-1] == event and event.state is LinkState.UP
        )

    assert "stopped answering" in state.reason
    assert took_s <= 20 + SEND_LOSS_S + 0.1


async def test_dead_radio_is_found_by_sending() -> None:
    """A message given to a silent radio finds it out in four seconds; its outcome is unknown."""
    scene = Scene()
    async with scene.link() as watch:
        scene.hq.faults.silent = True
        began_s = now_s()
        with pytest.raises(LinkDownError, match="stopped answering"):
            await watch.text("喂", ONE)
        took_s = now_s() - began_s
        await watch.wait_for(StateChanged, lambda event: event.state is LinkState.DOWN)

    assert took_s == pytest.approx(SEND_LOSS_S, abs=0.2)
    assert [p.stage for p in watch.of(Progress)] == [Stage.UNKNOWN]


async def test_idle_radio_that_answers_stays_up() -> None:
    """An hour without traffic costs a query now and then, and no change of state."""
    scene = Scene()
    async with scene.link() as watch:
        changes = len(watch.of(StateChanged))
        await asyncio.sleep(3600)

        assert len(watch.of(StateChanged)) == changes


async def test_radio_that_rejects_nothing_but_tells_no_id_is_usable_with_own_id() -> None:
    """Settings that a set does not know are noted; its own id then comes from the configuration."""
    scene = Scene()
    scene.hq.faults.no_control = True
    async with scene.link(own_id=77) as watch:
        handle = await watch.text("号码", ONE)
        await watch.stage(handle, Stage.DELIVERED)

    assert {notice.event for notice in watch.of(Notice)} == {"setting_not_answered"}


async def test_radio_without_an_id_says_what_to_configure() -> None:
    """Without an id from radio or configuration the link is down and names the key."""
    scene = Scene()
    scene.hq.faults.no_control = True
    async with scene.link(wait=False) as watch:
        state = await watch.wait_for(StateChanged, lambda event: event.state is LinkState.DOWN)

    assert "own_id" in state.reason


async def test_flood_is_bounded_and_the_alarm_still_passes() -> None:
    """A radio that talks without end, with nobody reading, fills no memory and hides no emergency."""
    scene = Scene()
    scene.hq.faults.flood_per_s = 400
    parts = SimParts()
    async with scene.link(parts=parts) as watch:
        watch.hold()
        await asyncio.sleep(60)
        scene.one.press_emergency()
        await asyncio.sleep(20)
        held = len(watch.link._events._events)  # type: ignore[attr-defined]
        watch.go_on()
        await watch.wait_for(Emergency)

    assert held <= MAX_EVENTS + 10


async def test_cancelled_send_is_unknown() -> None:
    """A send given up after the first octet reports its outcome as unknown."""
    scene = Scene()
    async with scene.link() as watch:
        scene.hq.faults.silent = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await watch.text("取消", ONE)
        await watch.wait_for(Progress)

    assert [p.stage for p in watch.of(Progress)] == [Stage.UNKNOWN]


@pytest.mark.real
async def test_texts_both_ways_on_a_real_pty(radio_net: RadioNet, sim_serial: SimSerial) -> None:
    """The same driver and radio speak over a real pseudo-terminal."""
    radio, one = radio_net.mobile(HQ), radio_net.handheld(ONE, home=HQ)
    config = HyteraConfig(device=radio.path)
    async with DRIVER.open("pdt", config, sim_serial.env("pdt")) as link, asyncio.TaskGroup() as tasks:
        watch = Watch(link, confirm=True)
        reader = tasks.create_task(watch.read())
        await watch.wait_for(StateChanged, lambda event: event.state is LinkState.UP, limit_s=20)
        one.switch_on()
        handle = await watch.text("串口", ONE)
        one.type_text("到")
        received = await watch.wait_for(Received, limit_s=20)
        await watch.stage(handle, Stage.DELIVERED)
        reader.cancel()

    assert received.text == "到"
    assert one.texts() == ["串口"]


async def test_no_pdu_of_a_mad_radio_stops_the_link() -> None:
    """Frames of every service with random contents are survived, and the link still carries a text."""
    scene = Scene()
    rng = scene.streams.stream("test/mad")
    known = sorted(pdu.LAYOUTS)
    async with scene.link() as watch:
        for _ in range(1500):
            service, opcode = rng.choice(known)
            if rng.random() < 0.3:
                service, opcode = (
                    hdap.Service.TMP,
                    rng.choice(sorted(tmp.Op)) | rng.choice((0, 0x8000, 0xC000)),
                )
            scene.hq.hrnp.send(
                hdap.encode(service, opcode, rng.randbytes(rng.choice((0, 1, 4, 9, 13, 50, 52))))
            )
            await asyncio.sleep(0.05)
        changes = len(watch.of(StateChanged))
        await asyncio.sleep(200)  # a random broadcast may have said that a call is up
        handle = await watch.text("还在", ONE)
        await watch.stage(handle, Stage.DELIVERED)

    assert changes == len(watch.of(StateChanged))
