"""The Beidou link's state follows terminal, card, beams and port; octet by octet, in virtual time."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from drivers.base import (
    LinkBusyError,
    LinkDownError,
    LinkState,
    Received,
    StateChanged,
)
from drivers.beidou.config import BeidouConfig
from protocols.errors import BadInputError
from sim.devices.beidou import Sky
from tests.beidou_scene import HANDSET, OURS, Bench, data, transmissions


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_card_tells_size_and_period(bench: Bench) -> None:
    """Level, period and encryption of the card become MTU and interval."""
    bench.terminal.level, bench.terminal.encrypted, bench.terminal.period_s = 4, True, 10.0
    async with bench.link(margin_s=1.5) as link:
        await bench.up()
        assert link.capabilities.mtu_octets == 209
        assert link.capabilities.min_interval_s == 11.5


async def test_a_card_changed_on_the_way_is_told(bench: Bench) -> None:
    """Level and period changed mid-way become new capabilities, told by a StateChanged with words."""
    async with bench.link() as link:
        await bench.up()
        assert link.capabilities.mtu_octets == 77
        bench.terminal.level, bench.terminal.period_s = 2, 30
        await bench.until(lambda: link.capabilities.mtu_octets == 50, 40)
        assert "level 2, period 30 s" in bench.state.reason


async def test_a_tunnel_blocks_and_lifts(bench: Bench) -> None:
    """No beam is BLOCKED, noticed within two reports, costs no message, and lifts by itself."""
    async with bench.link() as link:
        await bench.up()
        bench.terminal.sky = Sky.TUNNEL
        assert await bench.becomes(LinkState.BLOCKED) <= 2.2
        assert "no beam" in bench.state.reason
        assert "无波束" in bench.state.reason
        with pytest.raises(LinkBusyError):
            await link.send(data(1))
        bench.terminal.sky = Sky.OPEN
        assert await bench.up() <= 2.2
        await link.send(data(1))
    assert len(transmissions(bench.terminal)) == 1


async def test_a_weak_canyon_is_no_signal_unless_configured(bench: Bench) -> None:
    """The threshold is configuration: power 1 blocks by default and serves with `beam_min = 1`."""
    bench.terminal.sky = Sky.CANYON
    async with bench.link():
        await asyncio.sleep(5)
        assert bench.state.state is LinkState.BLOCKED
    async with bench.link(beam_min=1):
        await bench.up()


async def test_no_card_is_down_with_words(bench: Bench) -> None:
    """A terminal without a card is DOWN and says so; a card put in brings the link up."""
    bench.terminal.card_present = False
    async with bench.link() as link:
        await asyncio.sleep(1)
        assert bench.state.state is LinkState.DOWN
        assert "无卡" in bench.state.reason
        with pytest.raises(LinkDownError, match="no card"):
            await link.send(data(1))
        bench.terminal.card_present = True
        await bench.up(40)


async def test_card_pulled_out_is_noticed(bench: Bench) -> None:
    """A card pulled out is found by the periodic question, within 31 s."""
    async with bench.link():
        await bench.up()
        bench.terminal.card_present = False
        assert await bench.becomes(LinkState.DOWN) <= 31


async def test_lost_port_is_absent_and_comes_back(bench: Bench) -> None:
    """An unplugged port is ABSENT at once, sending is refused, and the link returns after replugging."""
    async with bench.link() as link:
        await bench.up()
        bench.port.unplug()
        assert await bench.becomes(LinkState.ABSENT) <= 0.1
        with pytest.raises(LinkDownError):
            await link.send(data(1))
        await asyncio.sleep(60)
        bench.port.replug()
        assert await bench.up() <= 10.5


async def test_port_missing_at_start(bench: Bench) -> None:
    """A port that is not there at start is a state, not an error."""
    bench.port.unplug()
    async with bench.link():
        await asyncio.sleep(5)
        assert bench.state.state is LinkState.ABSENT
        bench.port.replug()
        await bench.up()


async def test_reboot_in_mid_sentence(bench: Bench) -> None:
    """A terminal that restarts in mid-sentence is initialised again: its beam reports come back."""
    async with bench.link():
        await bench.up()
        bench.terminal.reboot()
        await asyncio.sleep(15)
        assert bench.state.state is LinkState.UP
        asked = [command for command in bench.terminal.commands if command == b"CCRMO,BSI,2,2"]
        assert len(asked) == 2
        bench.terminal.sky = Sky.TUNNEL
        assert await bench.becomes(LinkState.BLOCKED) <= 2.2


async def test_a_dead_terminal_is_noticed_and_returns(bench: Bench) -> None:
    """A hung terminal is SUSPECT within 8.5 s and DOWN within 13 s; when it answers again, it is UP."""
    async with bench.link() as link:
        await bench.up()
        bench.terminal.hung = True
        assert await bench.becomes(LinkState.SUSPECT) <= 9.5
        with pytest.raises(LinkBusyError, match="silent"):
            await link.send(data(1))
        assert await bench.becomes(LinkState.DOWN) <= 4.1
        bench.terminal.hung = False
        assert await bench.up() <= 12


async def test_a_terminal_that_hears_nothing_is_noticed(bench: Bench) -> None:
    """Beam reports go on, but no command gets through: DOWN within 40 s; UP again once it answers."""
    async with bench.link():
        await bench.up()
        bench.port.deaf = True
        await asyncio.sleep(40)
        assert bench.state.state is LinkState.DOWN
        assert "answers nothing" in bench.state.reason
        await asyncio.sleep(60)
        assert bench.state.state is LinkState.DOWN
        bench.port.deaf = False
        assert await bench.up() <= 12


async def test_wrong_rate_is_down_and_the_probe_finds_the_right_one(bench: Bench) -> None:
    """At a wrong rate there is no answer; `baud_bps = 0` tries the usual ones in turn."""
    bench.terminal.baud_bps = 9_600
    async with bench.link():
        await asyncio.sleep(10)
        assert bench.state.state is LinkState.DOWN
    async with bench.link(baud_bps=0):
        await bench.up(20)
        states = [change.state for change in bench.of(StateChanged)]
    assert LinkState.ABSENT not in states


async def test_garbage_and_floods_do_no_harm(bench: Bench) -> None:
    """Noise of any kind between sentences is dropped; the next message still comes."""
    async with bench.link():
        await bench.up()
        noise = bench.streams.stream("noise")
        for _ in range(50):
            bench.terminal.write(noise.randbytes(500) + b"$BDTXR,1,0166")
        bench.terminal.say(b"BDTXR,x,y,z")
        bench.terminal.say(b"BDICI,1,2")
        bench.space.transmit(HANDSET, OURS, express=False, mode=0, content="到".encode("gbk"))
        await bench.until(lambda: bool(bench.of(Received)))
        assert bench.state.state is LinkState.UP


async def test_cr_only_line_ends(bench: Bench) -> None:
    """A bridge that eats LF changes nothing."""
    bench.terminal.cr_only = True
    async with bench.link() as link:
        await bench.up()
        await link.send(data(1))


async def test_stuck_port_is_noticed(bench: Bench) -> None:
    """A port that takes nothing makes the link DOWN, and it returns when the port lets go."""
    async with bench.link():
        await bench.up()
        bench.port.stuck = True
        assert await bench.becomes(LinkState.DOWN) <= 15
        bench.port.stuck = False
        await bench.up(20)


@pytest.mark.parametrize("keys", [{"data_peers": ["x"]}, {"data_peers": [2_097_151]}])
def test_bad_peers_are_refused_by_name(keys: dict[str, object]) -> None:
    """A data peer that is no card number is refused, naming the key."""
    with pytest.raises((BadInputError, msgspec.ValidationError), match="data_peers"):
        msgspec.convert({"device": "/dev/rdss", **keys}, BeidouConfig)
