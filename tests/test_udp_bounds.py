"""The udp link refuses what cannot go, believes no stranger, and a flood costs it a bounded amount."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import (
    Bearer,
    Heard,
    LinkBusyError,
    LinkDownError,
    LinkRefusedError,
    LinkState,
    Notice,
    Progress,
    Received,
    Service,
    StateChanged,
)
from drivers.udp import DRIVER, EVENTS_MAX, STRANGERS_PER_S
from drivers.udp_config import PACES, UdpConfig, address_text, parse_address
from drivers.udp_peers import LEARNED_MAX
from protocols.air.datagram import (
    DATA_MAX_OCTETS,
    DATAGRAM_MAX_OCTETS,
    Data,
    Heartbeat,
    HeartbeatReply,
    decode,
    encode,
)
from protocols.air.frame import Garbage
from protocols.errors import BadInputError, LocalProtocolError
from sim.env import SimParts, sim_env
from sim.ports import SimConnector
from sim.rng import Streams
from tests.udp_world import HQ, STRANGER, VEHICLE, Ear, box, data, sim_network


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"destination": "10.9.9.9:7000"}, "unknown destination"),
        ({"destination": "nonsense"}, "unknown destination"),
        ({"payload": b"x" * (DATA_MAX_OCTETS + 1)}, f"limit 1..{DATA_MAX_OCTETS}"),
        ({"payload": b""}, "frame of 0 octets"),
        ({"service": Service.TEXT}, "no text service"),
    ],
)
async def test_what_can_never_go_is_refused(change: dict[str, Any], reason: str) -> None:
    """Unknown destinations, long frames and other services are refused in two languages; nothing is sent."""
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(1)
        with pytest.raises(LinkRefusedError, match=reason) as caught:
            await one.link.send(replace(data(b"x"), **change))

        assert "拒绝" in caught.value.zh
        assert one.of(Progress) == []


async def test_a_peer_behind_translation_is_learnt() -> None:
    """A headquarters without a list of peers answers whoever proves to be there, and can send to it."""
    network = sim_network()
    async with box(network, HQ) as one, box(network, VEHICLE, f"{HQ}:7000") as two:
        await asyncio.sleep(2)
        await one.link.send(data(b"for you", f"{VEHICLE}:7000"))
        await asyncio.sleep(1)

        assert two.of(Received)[0].payload == b"for you"
        assert one.states() == [LinkState.STARTING, LinkState.DOWN, LinkState.UP]


async def test_an_invented_source_brings_no_peer_up() -> None:
    """Datagrams that only claim to come from a peer, without an answer to our nonce, bring nothing up."""
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000") as one:
        liar = network.bind(VEHICLE, 7000)
        for number in range(100):
            liar.send(encode(Heartbeat(number, heard=True)), (HQ, 7000))
            liar.send(encode(HeartbeatReply(number)), (HQ, 7000))
            await asyncio.sleep(0.1)

        assert LinkState.UP not in one.states()
        assert one.of(Heard) == []


async def test_a_flood_of_junk_is_bounded_counted_and_changes_nothing() -> None:
    """Ten thousand stray datagrams from a thousand addresses cost bounded memory and leave the peer up."""
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000") as two:
        await asyncio.sleep(35)
        strangers = [network.bind(STRANGER, 10_000 + number) for number in range(1000)]
        for number in range(10_000):
            kind = (b"\x00" * 900, b"\xf6\x01junk", encode(Heartbeat(number, heard=False)))[number % 3]
            strangers[number % 1000].send(kind, (HQ, 7000))
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        await two.link.send(data(b"still here"))
        await asyncio.sleep(31)
        strangers[0].send(b"one more", (HQ, 7000))
        await asyncio.sleep(1)

        assert one.of(Received)[-1].payload == b"still here"
        assert LinkState.DOWN not in one.states()
        assert any(notice.event == "junk_received" for notice in one.of(Notice))
        assert len(one.link._peers.all()) <= LEARNED_MAX + 1  # type: ignore[attr-defined]
        assert STRANGERS_PER_S < 1000


async def test_a_gateway_that_does_not_read_costs_bounded_memory() -> None:
    """Frames beyond the queue are dropped and counted, changes of state are kept."""
    network = sim_network()
    config = msgspec.convert({"bind": f"{HQ}:7000", "peers": [f"{VEHICLE}:7000"]}, UdpConfig)
    env = sim_env("ip", connector=SimConnector(network=network, host=HQ), streams=Streams(1))
    async with DRIVER.open("ip", config, env) as link, box(network, VEHICLE, f"{HQ}:7000") as two:
        await asyncio.sleep(1)
        for number in range(3 * EVENTS_MAX):
            await two.link.send(data(b"x"))
            if number % 100 == 0:
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        ear = Ear(link, SimParts())
        listening = asyncio.get_running_loop().create_task(ear.listen())
        await asyncio.sleep(5)

        assert EVENTS_MAX - 10 <= len(ear.of(Received)) <= EVENTS_MAX
        assert ear.states() == [LinkState.STARTING, LinkState.UP]
        assert [notice.event for notice in ear.of(Notice)] == ["frames_dropped"]
        listening.cancel()


async def test_stopped_transmitting_means_not_one_datagram() -> None:
    """While transmitting is stopped no heartbeat, no reply and no frame leaves; receiving goes on."""
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000", quiet=True) as one, box(network, VEHICLE, f"{HQ}:7000"):
        socket = network.bind(STRANGER, 7000)
        await asyncio.sleep(1)
        socket.send(encode(Data(b"heard all the same")), (HQ, 7000))
        with pytest.raises(LinkBusyError, match="stopped") as caught:
            await one.link.send(data(b"x", f"{VEHICLE}:7000"))
        assert "发射已停止" in caught.value.zh
        await one.link.probe()
        await asyncio.sleep(30)

        assert one.sent() == []
        assert one.of(Received)[0].payload == b"heard all the same"


async def test_a_probe_asks_at_once() -> None:
    """`probe` sends one heartbeat to each peer."""
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000", f"{STRANGER}:7000") as one:
        await asyncio.sleep(600)
        before = len(one.sent())
        await one.link.probe()

        assert [len(octets) for octets in one.sent()[before:]] == [7, 7]


async def test_a_port_in_use_is_a_state_and_opens_later() -> None:
    """A taken address is told as ABSENT with the reason; the link opens by itself when it is free."""
    network = sim_network()
    squatter = network.bind(HQ, 7000)
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(20)
        assert one.of(StateChanged)[-1] == StateChanged(state=LinkState.ABSENT, reason="in use")
        with pytest.raises(LinkDownError):
            await one.link.send(data(b"x"))
        await squatter.aclose()
        await asyncio.sleep(60)

        assert one.states()[-1] is LinkState.UP


async def test_a_socket_that_vanishes_is_opened_again() -> None:
    """The loss is told, peers are not heard any more, and the link comes back."""
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(5)
        await network._endpoints[HQ, 7000].aclose()
        await asyncio.sleep(20)

        assert LinkState.ABSENT in one.states()
        assert any(not heard.online for heard in one.of(Heard))
        assert one.states()[-1] is LinkState.UP


async def test_leaving_frees_the_port_and_ends_the_events() -> None:
    """After the context nothing is bound, and the reader's loop has ended."""
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000"):
        await asyncio.sleep(1)

    await network.bind(HQ, 7000).aclose()


def test_capabilities_follow_the_configuration() -> None:
    """MTU 1198, data only, and the bearer's usual figures unless told otherwise."""
    config = UdpConfig(bind="[::]:7000", bearer="vsat", fen_per_kilooctet=3)

    assert config.pace == PACES["vsat"]
    assert Bearer(config.bearer) is Bearer.VSAT
    assert DATA_MAX_OCTETS == 1198


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"bind": "10.0.0.1"}, "bind"),
        ({"bind": "10.0.0.1:70000"}, "bind"),
        ({"bind": "::1:7000"}, "bind"),
        ({"bind": "0.0.0.0:7000", "peers": ["hq.example.org:7000"]}, "peers"),
        ({"bind": "0.0.0.0:7000", "peers": ["10.0.0.2:0"]}, "peers"),
        ({"bind": "0.0.0.0:7000", "peers": ["[::1]:7000"]}, "IPv6 bind"),
        ({"bind": "0.0.0.0:7000", "loss_detect_s": 2.0}, "loss_detect_s.*limit: 2.3"),
        ({"bind": "0.0.0.0:7000", "heartbeat_min_s": 5.0}, "heartbeat_max_s.*limit: 5.0"),
        ({"bind": "0.0.0.0:7000", "heartbeat_min_s": 0}, "heartbeat_min_s"),
        ({"bind": "0.0.0.0:7000", "bearer": "pdt"}, "bearer"),
        ({"bind": "0.0.0.0:7000", "peer": []}, "peer"),
        ({"bind": "0.0.0.0:7000", "mtu_octets": 63}, "mtu_octets"),
        ({"bind": "0.0.0.0:7000", "mtu_octets": 1199}, "mtu_octets"),
        ({}, "bind"),
    ],
)
def test_bad_keys_are_refused_by_name(table: dict[str, Any], named: str) -> None:
    """What is wrong is named with its limit before anything is opened."""
    with pytest.raises((msgspec.ValidationError, BadInputError), match=named):
        msgspec.convert(table, UdpConfig)


def test_addresses_have_one_form() -> None:
    """Spellings of one address are one peer, mapped IPv4 included."""
    assert address_text(*parse_address("[2001:DB8:0::1]:7000", "x")) == "[2001:db8::1]:7000"
    assert address_text("::ffff:10.0.0.2", 7000) == "10.0.0.2:7000"


@given(st.binary(max_size=40) | st.binary(max_size=30).map(lambda rest: b"\xf6" + rest))
def test_no_datagram_makes_the_reader_raise(octets: bytes) -> None:
    """Any octets are a datagram that encodes to the same octets, or garbage."""
    datagram = decode(octets)

    assert isinstance(datagram, Garbage) or encode(datagram) == octets


def test_a_datagram_has_its_bound() -> None:
    """1200 octets pass, 1201 are refused either way."""
    assert len(encode(Data(b"x" * DATA_MAX_OCTETS))) == DATAGRAM_MAX_OCTETS
    assert isinstance(decode(b"\xf6\x00" + b"x" * (DATA_MAX_OCTETS + 1)), Garbage)
    with pytest.raises(LocalProtocolError):
        encode(Data(b"x" * (DATA_MAX_OCTETS + 1)))
