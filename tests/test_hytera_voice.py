"""Voice goes first, and one transmission at a time: what the link refuses for now, and for how long."""

from __future__ import annotations

import asyncio

import pytest

from drivers.base import ChannelBusy, LinkBusyError, Precedence, Received, Stage
from tests.hytera_scene import GROUP, ONE, TWO, Scene, Watch


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def held_by_voice(watch: Watch) -> bool:
    try:
        await watch.text("等一下", ONE)
    except LinkBusyError as error:
        return "话音占用" in error.zh
    return False


@pytest.mark.parametrize("broadcast", [0xB844, 0xB845])
async def test_data_waits_for_voice_and_its_hang_time(broadcast: int) -> None:
    """A call and its hang time hold everything back, and the link says when the channel is free again."""
    scene = Scene(voice_broadcast=broadcast)
    async with scene.link() as watch:
        scene.net.start_voice(ONE, GROUP)
        await watch.wait_for(ChannelBusy)
        talking = await held_by_voice(watch)
        scene.net.end_voice(hang_s=3.0)
        ended_s = now_s()
        await asyncio.sleep(2)
        hanging = await held_by_voice(watch)
        await watch.wait_for(ChannelBusy, lambda event: not event.busy)
        free_s = now_s() - ended_s
        handle = await watch.text("现在发", ONE)
        await watch.stage(handle, Stage.DELIVERED)

    assert (talking, hanging) == (True, True)
    assert free_s == pytest.approx(3.0, abs=0.2)


async def test_sos_passes_voice() -> None:
    """SOS is handed to the radio while others wait, and goes out when the key is released."""
    scene = Scene()
    async with scene.link() as watch:
        scene.net.start_voice(TWO, GROUP)
        await watch.wait_for(ChannelBusy)

        handle = await watch.text("求救", ONE, precedence=Precedence.SOS)
        await watch.stage(handle, Stage.AT_MODEM)
        scene.net.end_voice(hang_s=1.0)
        await watch.stage(handle, Stage.DELIVERED, Stage.UNKNOWN)

    assert scene.one.texts() != []


async def test_lost_end_of_call_does_not_hold_data_for_ever() -> None:
    """When the broadcast that ends a call is lost, the channel counts as free after a bounded time."""
    scene = Scene()
    scene.hq.faults.lose_voice_end = True
    async with scene.link() as watch:
        scene.net.start_voice(ONE, GROUP)
        await watch.wait_for(ChannelBusy)
        scene.net.end_voice()
        started_s = now_s()

        await watch.wait_for(ChannelBusy, lambda event: not event.busy)
        took_s = now_s() - started_s

    assert took_s <= 15.1


async def test_own_microphone_holds_data_for_the_configured_hang_time() -> None:
    """The crew's own call is told without a hang time; the configured one is kept."""
    scene = Scene()
    async with scene.link(hang_s=5.0) as watch:
        scene.hq.host_speaks(pressed=True)
        await watch.wait_for(ChannelBusy)
        scene.hq.host_speaks(pressed=False)
        released_s = now_s()

        await watch.wait_for(ChannelBusy, lambda event: not event.busy)
        took_s = now_s() - released_s

    assert took_s == pytest.approx(5.0, abs=0.2)


async def test_own_data_on_the_air_is_not_voice() -> None:
    """A radio that broadcasts its own data transmissions does not hold us up by them."""
    scene = Scene()
    scene.hq.faults.tells_own_data = True
    async with scene.link() as watch:
        handle = await watch.text("数据", ONE)
        await watch.stage(handle, Stage.DELIVERED)

    assert watch.of(ChannelBusy) == []


async def test_one_transmission_at_a_time() -> None:
    """While a text is on the air, and until its result, the next to the same station waits."""
    scene = Scene()
    async with scene.link() as watch:
        handle = await watch.text("一", ONE)
        with pytest.raises(LinkBusyError, match="transmitting"):
            await watch.text("二", TWO)
        await asyncio.sleep(1.5)
        with pytest.raises(LinkBusyError, match="last result"):
            await watch.text("二", ONE)
        other = await watch.text("二", TWO)
        await watch.stage(handle, Stage.DELIVERED)
        await watch.stage(other, Stage.DELIVERED)

    assert (scene.one.texts(), scene.two.texts()) == (["一"], ["二"])


async def test_stop_transmitting_keeps_the_air_silent() -> None:
    """While an operator has stopped transmitting nothing goes out, SOS and acknowledgements included."""
    scene = Scene()
    async with scene.link() as watch:
        scene.quiet = True
        scene.one.switch_on()
        typed = scene.one.type_text("听得到吗")
        received = await watch.wait_for(Received)
        with pytest.raises(LinkBusyError) as refused:
            await watch.text("求救", ONE, precedence=Precedence.SOS)
        await asyncio.sleep(20)
        silent = (typed.outcome, scene.one.registered)
        scene.quiet = False
        await asyncio.sleep(60)

    assert "发射已停止" in refused.value.zh
    assert silent == ("sending", False)
    assert typed.outcome == "delivered"
    assert watch.of(Received) == [received]
