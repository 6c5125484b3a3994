"""How fast a Tiantong link knows that it is gone, why, and that it comes back by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from drivers.at_modem import DRIVER
from drivers.at_modem.config import AtModemConfig
from drivers.base import LinkState, Notice, Quality, StateChanged
from protocols.errors import BadInputError
from sim.env import sim_env
from tests.at_modem_scene import PORT, Opened, Scene


async def lost(seen: Opened, *states: LinkState) -> tuple[float, str]:
    """Wait until the link has one of `states`; return the seconds that took, and the reason."""
    loop, mark = asyncio.get_running_loop(), len(seen.events)
    started_s = loop.time()
    (state,) = states
    change = await seen.state(state, since=mark)
    return loop.time() - started_s, change.reason


async def test_it_is_up_within_seconds_of_a_running_module() -> None:
    """Initialised, registered, signal read."""
    scene = Scene()
    started_s = asyncio.get_running_loop().time()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        assert asyncio.get_running_loop().time() - started_s < 3
        assert (await seen.until(Quality)).snr_db == 14.0


async def test_a_cold_module_is_starting_until_it_has_booted() -> None:
    """Silence while a module boots is no fault."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        mark = len(seen.events)
        scene.hq.faults.boot_garbage = b"\x00\xff\x80boot\r\n"
        scene.hq.reboot()
        await seen.state(LinkState.UP, since=mark)
    assert [e for e in seen.events if isinstance(e, Notice) and e.event == "modem_restarted"]


def _tunnel(scene: Scene) -> None:
    scene.sky.blocked = True


def _poor(scene: Scene) -> None:
    scene.hq.snr_db = 3.0


def _denied(scene: Scene) -> None:
    scene.hq.denied = True


def _no_card(scene: Scene) -> None:
    scene.hq.urc("^SIMST: 0")
    scene.hq.sim_present = False


def _errors(scene: Scene) -> None:
    scene.hq.faults.error_forever = True


def _deaf(scene: Scene) -> None:
    scene.hq.faults.deaf = True


def _unplug(scene: Scene) -> None:
    scene.port.unplug()


def _stuck(scene: Scene) -> None:
    scene.port.stuck = True


FAULTS: list[tuple[Callable[[Scene], None], LinkState, float, str]] = [
    (_tunnel, LinkState.BLOCKED, 10.0, "无卫星信号"),
    (_poor, LinkState.SUSPECT, 10.0, "卫星信号差"),
    (_denied, LinkState.DOWN, 3.0, "注册被拒绝"),
    (_no_card, LinkState.DOWN, 3.0, "卡未就绪"),
    (_errors, LinkState.DOWN, 20.0, "终端持续报错"),
    (_deaf, LinkState.DOWN, 35.0, "终端无应答"),
    (_unplug, LinkState.ABSENT, 0.1, "端口消失"),
    (_stuck, LinkState.ABSENT, 25.0, "端口不接收数据"),
]


@pytest.mark.parametrize(
    ("fault", "state", "limit_s", "words"), FAULTS, ids=[fault[0].__name__ for fault in FAULTS]
)
async def test_loss_is_noticed_within_its_time(
    fault: Callable[[Scene], None], state: LinkState, limit_s: float, words: str
) -> None:
    """Each fault gives its state and its reason in Chinese within the stated seconds, whenever it strikes."""
    for offset_s in (0.0, 3.3, 7.7):
        scene = Scene()
        async with scene.link() as seen:
            await seen.state(LinkState.UP)
            await asyncio.sleep(20 + offset_s)
            fault(scene)
            took_s, reason = await lost(seen, state)
        assert took_s <= limit_s
        assert words in reason


async def test_a_long_tunnel_ends_in_not_registered_and_recovers_by_itself() -> None:
    """Blocked, then down as the registration is lost, then up."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.sky.blocked = True
        await seen.state(LinkState.BLOCKED)
        await seen.state(LinkState.DOWN)
        mark = len(seen.events)
        scene.sky.blocked = False
        await seen.state(LinkState.UP, since=mark)


async def test_a_module_that_answered_error_recovers_when_it_stops() -> None:
    """It is initialised again by itself, with growing waits of at most 8 s and a bit."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.hq.faults.error_forever = True
        await seen.state(LinkState.DOWN)
        await asyncio.sleep(300)
        asked = len(scene.hq.commands)
        await asyncio.sleep(300)
        assert len(scene.hq.commands) - asked < 120
        scene.hq.faults.error_forever = False
        mark = len(seen.events)
        await seen.state(LinkState.UP, since=mark)


async def test_a_module_without_card_says_so() -> None:
    """The +CME error's words, in both languages."""
    scene = Scene()
    scene.hq.sim_present = False
    async with scene.link() as seen:
        down = await seen.state(LinkState.DOWN)
    assert "SIM not inserted" in down.reason
    assert "未插卡" in down.reason


async def test_a_wrong_baud_rate_ends_in_down() -> None:
    """Garbage both ways is a terminal that does not answer; nothing breaks."""
    scene = Scene()
    async with scene.link(config=AtModemConfig(device=PORT, baud_bps=9_600)) as seen:
        assert "终端无应答" in (await seen.state(LinkState.DOWN)).reason


async def test_a_probe_asks_the_terminal_and_costs_no_message() -> None:
    """Registration and signal are read at once; nothing is submitted."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        await asyncio.sleep(12)
        mark = len(seen.events)
        await seen.link.probe()
        await seen.until(Quality, since=mark)
    assert scene.hq.submitted == 0


async def test_an_unknown_dialect_is_refused_by_name() -> None:
    """The error names those there are."""
    scene = Scene()
    env = sim_env("sat", connector=scene.connector, streams=scene.streams)
    with pytest.raises(BadInputError, match="tiantong") as caught:
        async with DRIVER.open("sat", AtModemConfig(device=PORT, dialect="nokia"), env):
            pass
    assert caught.value.field == "dialect"


async def test_a_terminal_left_in_pdu_entry_is_taken_out_of_it() -> None:
    """A power cut of the box between prompt and PDU does not lock the terminal."""
    scene = Scene()
    stream = await scene.connector.open_serial(PORT, baud_bps=115_200)
    await asyncio.sleep(8)
    await stream.write(b"AT+CMGS=20\r")
    await asyncio.sleep(1)
    await stream.aclose()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)


async def test_one_missed_answer_makes_it_suspect_and_the_next_clears_it() -> None:
    """Urgent traffic is doubled elsewhere long before three misses say down."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        await asyncio.sleep(20)
        scene.hq.faults.deaf = True
        took_s, reason = await lost(seen, LinkState.SUSPECT)
        assert took_s <= 16
        assert "终端无应答" in reason
        scene.hq.faults.deaf = False
        mark = len(seen.events)
        await seen.state(LinkState.UP, since=mark)
    assert not [e for e in seen.events if isinstance(e, StateChanged) and e.state is LinkState.DOWN]
