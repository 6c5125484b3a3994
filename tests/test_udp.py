"""The udp link learns who answers, notices a silent cut in time, spends little when idle, survives junk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import (
    Bearer,
    Handle,
    Heard,
    Link,
    LinkBusyError,
    LinkDownError,
    LinkEvent,
    LinkRefusedError,
    LinkState,
    Notice,
    Precedence,
    Progress,
    Quality,
    Received,
    Service,
    Stage,
    StateChanged,
    Transmission,
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
from protocols.errors import LocalProtocolError
from sim.env import SimParts, sim_env
from sim.ports import SimConnector, SimNetwork
from sim.rng import Streams

HQ, VEHICLE, STRANGER = "10.0.0.1", "10.0.0.2", "10.0.0.99"
IP_UDP_OCTETS = 28


class Ear:
    """An open link with everything it said."""

    def __init__(self, link: Link, parts: SimParts) -> None:
        self.link = link
        self.parts = parts
        self.events: list[LinkEvent] = []
        self.times_s: list[float] = []

    async def listen(self) -> None:
        async for event in self.link.events():
            self.events.append(event)
            self.times_s.append(asyncio.get_running_loop().time())

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def states(self) -> list[LinkState]:
        return [event.state for event in self.of(StateChanged)]

    def when(self, state: LinkState) -> float:
        return max(
            time_s
            for time_s, event in zip(self.times_s, self.events, strict=True)
            if isinstance(event, StateChanged) and event.state is state
        )

    def sent(self) -> list[bytes]:
        return [record.data for record in self.parts.trace.records if record.direction == "tx"]


@asynccontextmanager
async def _box(
    network: SimNetwork, host: str, *peers: str, quiet: bool = False, bearer: str = "cellular"
) -> AsyncGenerator[Ear]:
    parts = SimParts()
    bind = f"[{host}]:7000" if ":" in host else f"{host}:7000"
    config = msgspec.convert({"bind": bind, "peers": list(peers), "bearer": bearer}, UdpConfig)
    env = sim_env(host, connector=SimConnector(network=network, host=host), streams=Streams(1), parts=parts)
    env = replace(env, may_transmit=lambda: not quiet)
    async with DRIVER.open("ip", config, env) as link:
        ear = Ear(link, parts)
        listening = asyncio.get_running_loop().create_task(ear.listen())
        yield ear
    await listening


def _network(**keys: float) -> SimNetwork:
    return SimNetwork(Streams(7), **keys)


def _data(payload: bytes, to: str = "", handle: int = 1) -> Transmission:
    return Transmission(
        handle=Handle(handle),
        service=Service.DATA,
        destination=to,
        precedence=Precedence.ROUTINE,
        payload=payload,
    )


@pytest.mark.parametrize(
    ("hq", "vehicle"), [(HQ, VEHICLE), ("2001:db8::1", "2001:db8::2")], ids=["IPv4", "IPv6"]
)
async def test_frames_pass_both_ways(hq: str, vehicle: str) -> None:
    """A frame handed over is on air at once and arrives with its source; both sides are up and heard."""
    network = _network()
    at_hq, at_vehicle = (f"[{h}]:7000" if ":" in h else f"{h}:7000" for h in (hq, vehicle))
    async with _box(network, hq, at_vehicle) as one, _box(network, vehicle, at_hq) as two:
        await asyncio.sleep(1)
        await one.link.send(_data(b"order", at_vehicle, 5))
        await two.link.send(_data(b"x" * DATA_MAX_OCTETS))
        await asyncio.sleep(1)

        assert one.of(Progress) == [Progress(handle=Handle(5), stage=Stage.ON_AIR)]
        assert two.of(Received) == [Received(service=Service.DATA, source=at_hq, payload=b"order")]
        assert one.of(Received)[0].payload == b"x" * DATA_MAX_OCTETS
        assert one.of(Heard)[0] == Heard(address=at_vehicle, how="heartbeat")
        assert one.states() == two.states() == [LinkState.STARTING, LinkState.UP]
        assert any("rtt" in quality.detail for quality in one.of(Quality))


@pytest.mark.parametrize("bearer", list(PACES))
@pytest.mark.parametrize("cut_after_s", [5.0, 61.3, 600.0])
@pytest.mark.parametrize("traffic", [False, True])
async def test_a_silent_cut_is_noticed_within_the_stated_time(
    bearer: str, cut_after_s: float, *, traffic: bool
) -> None:
    """Idle or busy, young or old: no answer for loss_detect_s is a loss, told as DOWN and as not heard."""
    network = _network(delay_s=0.05)
    async with (
        _box(network, HQ, f"{VEHICLE}:7000", bearer=bearer) as one,
        _box(network, VEHICLE, f"{HQ}:7000", bearer=bearer),
    ):
        await asyncio.sleep(cut_after_s)
        if traffic:
            await one.link.send(_data(b"hello"))
        network.channel(HQ, VEHICLE).cut = True
        cut_s = asyncio.get_running_loop().time()
        await asyncio.sleep(60)

        assert one.when(LinkState.DOWN) - cut_s <= PACES[bearer].loss_detect_s
        assert one.of(Heard)[-1] == Heard(address=f"{VEHICLE}:7000", how="heartbeat", online=False)
        with pytest.raises(LinkDownError):
            await one.link.send(_data(b"lost"))


async def test_a_healed_path_comes_back_by_itself() -> None:
    """After an hour of silence the link is up again within sixteen seconds of healing."""
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000") as one, _box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(5)
        network.channel(HQ, VEHICLE).cut = True
        await asyncio.sleep(3600)
        network.channel(HQ, VEHICLE).cut = False
        healed_s = asyncio.get_running_loop().time()
        await asyncio.sleep(30)

        assert one.when(LinkState.UP) - healed_s <= 16
        assert one.of(Heard)[-1].online


async def test_a_way_out_that_is_dead_is_noticed_though_we_hear() -> None:
    """Hearing data is not being heard: without an answer for ten idle intervals the peer counts as lost."""
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000") as one:
        socket = network.bind(VEHICLE, 7000)
        deaf = False

        async def vehicle() -> None:
            while True:
                datagram = decode((await socket.receive())[0])
                if isinstance(datagram, Heartbeat) and not deaf:
                    socket.send(encode(HeartbeatReply(datagram.nonce)), (HQ, 7000))

        async def talk() -> None:
            while True:
                socket.send(encode(Data(b"position")), (HQ, 7000))
                await asyncio.sleep(0.5)

        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(vehicle()), tasks.create_task(talk())]
            await asyncio.sleep(30)
            assert one.states()[-1] is LinkState.UP
            deaf, deaf_s = True, asyncio.get_running_loop().time()
            await asyncio.sleep(60)
            for task in running:
                task.cancel()

        assert one.when(LinkState.DOWN) - deaf_s <= 10 * 1.5 + 3.0


@pytest.mark.parametrize(
    ("bearer", "octets_per_hour"), [("cellular", 250_000), ("mesh", 250_000), ("vsat", 45_000)]
)
async def test_idle_traffic_is_small(bearer: str, octets_per_hour: int) -> None:
    """An idle hour between two boxes costs at most this much, headers and both ways counted."""
    network = _network(delay_s=0.1)
    async with (
        _box(network, HQ, f"{VEHICLE}:7000", bearer=bearer) as one,
        _box(network, VEHICLE, f"{HQ}:7000", bearer=bearer) as two,
    ):
        await asyncio.sleep(600)
        before = len(one.sent()), len(two.sent())
        await asyncio.sleep(3600)

        spent = sum(
            len(octets) + IP_UDP_OCTETS for octets in one.sent()[before[0] :] + two.sent()[before[1] :]
        )
        assert spent <= octets_per_hour
        assert one.states() == [LinkState.STARTING, LinkState.UP]


async def test_traffic_is_evidence_and_saves_heartbeats() -> None:
    """While data comes in, hardly a heartbeat is spent: one in ten idle intervals proves our way out."""
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000") as one, _box(network, VEHICLE, f"{HQ}:7000") as two:
        await asyncio.sleep(10)
        before = len(one.sent())
        for _ in range(200):
            await two.link.send(_data(b"position"))
            await asyncio.sleep(0.4)

        asked = [octets for octets in one.sent()[before:] if isinstance(decode(octets), Heartbeat)]
        assert len(asked) <= 5


async def test_loss_does_not_flap_a_poor_path() -> None:
    """With one datagram in twenty lost, an hour brings no more than a handful of false losses."""
    network = _network(delay_s=0.1, loss=0.05)
    async with _box(network, HQ, f"{VEHICLE}:7000") as one, _box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(3600)

        assert one.states().count(LinkState.DOWN) <= 3


async def test_a_slow_path_is_given_its_time() -> None:
    """A round trip as long as the heartbeat interval is not taken for a loss."""
    network = _network(delay_s=1.2)
    async with _box(network, HQ, f"{VEHICLE}:7000") as one, _box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(600)

        assert one.states() == [LinkState.STARTING, LinkState.UP]


async def test_nobody_answers() -> None:
    """Without a peer the link says so within its stated time, refuses to send, and goes on asking slowly."""
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000") as one:
        await asyncio.sleep(3600)

        assert one.of(StateChanged)[-1] == StateChanged(state=LinkState.DOWN, reason="no peer answers")
        assert one.when(LinkState.DOWN) <= 3.01
        assert 200 <= len(one.sent()) <= 260
        with pytest.raises(LinkDownError, match="no peer answers"):
            await one.link.send(_data(b"x", f"{VEHICLE}:7000"))


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
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000") as one, _box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(1)
        with pytest.raises(LinkRefusedError, match=reason) as caught:
            await one.link.send(replace(_data(b"x"), **change))

        assert "拒绝" in caught.value.zh
        assert one.of(Progress) == []


async def test_a_peer_behind_translation_is_learnt() -> None:
    """A headquarters without a list of peers answers whoever proves to be there, and can send to it."""
    network = _network()
    async with _box(network, HQ) as one, _box(network, VEHICLE, f"{HQ}:7000") as two:
        await asyncio.sleep(2)
        await one.link.send(_data(b"for you", f"{VEHICLE}:7000"))
        await asyncio.sleep(1)

        assert two.of(Received)[0].payload == b"for you"
        assert one.states() == [LinkState.STARTING, LinkState.DOWN, LinkState.UP]


async def test_an_invented_source_brings_no_peer_up() -> None:
    """Datagrams that only claim to come from a peer, without an answer to our nonce, bring nothing up."""
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000") as one:
        liar = network.bind(VEHICLE, 7000)
        for number in range(100):
            liar.send(encode(Heartbeat(number, heard=True)), (HQ, 7000))
            liar.send(encode(HeartbeatReply(number)), (HQ, 7000))
            await asyncio.sleep(0.1)

        assert LinkState.UP not in one.states()
        assert one.of(Heard) == []


async def test_a_flood_of_junk_is_bounded_counted_and_changes_nothing() -> None:
    """Ten thousand stray datagrams from a thousand addresses cost bounded memory and leave the peer up."""
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000") as one, _box(network, VEHICLE, f"{HQ}:7000") as two:
        await asyncio.sleep(35)
        strangers = [network.bind(STRANGER, 10_000 + number) for number in range(1000)]
        for number in range(10_000):
            kind = (b"\x00" * 900, b"\xf6\x01junk", encode(Heartbeat(number, heard=False)))[number % 3]
            strangers[number % 1000].send(kind, (HQ, 7000))
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        await two.link.send(_data(b"still here"))
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
    network = _network()
    config = msgspec.convert({"bind": f"{HQ}:7000", "peers": [f"{VEHICLE}:7000"]}, UdpConfig)
    env = sim_env("ip", connector=SimConnector(network=network, host=HQ), streams=Streams(1))
    async with DRIVER.open("ip", config, env) as link, _box(network, VEHICLE, f"{HQ}:7000") as two:
        await asyncio.sleep(1)
        for number in range(3 * EVENTS_MAX):
            await two.link.send(_data(b"x"))
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
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000", quiet=True) as one, _box(network, VEHICLE, f"{HQ}:7000"):
        socket = network.bind(STRANGER, 7000)
        await asyncio.sleep(1)
        socket.send(encode(Data(b"heard all the same")), (HQ, 7000))
        with pytest.raises(LinkBusyError, match="stopped") as caught:
            await one.link.send(_data(b"x", f"{VEHICLE}:7000"))
        assert "发射已停止" in caught.value.zh
        await one.link.probe()
        await asyncio.sleep(30)

        assert one.sent() == []
        assert one.of(Received)[0].payload == b"heard all the same"


async def test_a_probe_asks_at_once() -> None:
    """`probe` sends one heartbeat to each peer."""
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000", f"{STRANGER}:7000") as one:
        await asyncio.sleep(600)
        before = len(one.sent())
        await one.link.probe()

        assert [len(octets) for octets in one.sent()[before:]] == [7, 7]


async def test_a_port_in_use_is_a_state_and_opens_later() -> None:
    """A taken address is told as ABSENT with the reason; the link opens by itself when it is free."""
    network = _network()
    squatter = network.bind(HQ, 7000)
    async with _box(network, HQ, f"{VEHICLE}:7000") as one, _box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(20)
        assert one.of(StateChanged)[-1] == StateChanged(state=LinkState.ABSENT, reason="in use")
        with pytest.raises(LinkDownError):
            await one.link.send(_data(b"x"))
        await squatter.aclose()
        await asyncio.sleep(60)

        assert one.states()[-1] is LinkState.UP


async def test_a_socket_that_vanishes_is_opened_again() -> None:
    """The loss is told, peers are not heard any more, and the link comes back."""
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000") as one, _box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(5)
        await network._endpoints[HQ, 7000].aclose()
        await asyncio.sleep(20)

        assert LinkState.ABSENT in one.states()
        assert any(not heard.online for heard in one.of(Heard))
        assert one.states()[-1] is LinkState.UP


async def test_leaving_frees_the_port_and_ends_the_events() -> None:
    """After the context nothing is bound, and the reader's loop has ended."""
    network = _network()
    async with _box(network, HQ, f"{VEHICLE}:7000"):
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
        ({"bind": "0.0.0.0:7000", "loss_detect_s": 2.0}, "loss_detect_s: limit 2.3"),
        ({"bind": "0.0.0.0:7000", "heartbeat_min_s": 5.0}, "heartbeat_max_s: limit 5.0"),
        ({"bind": "0.0.0.0:7000", "heartbeat_min_s": 0}, "heartbeat_min_s"),
        ({"bind": "0.0.0.0:7000", "bearer": "pdt"}, "bearer"),
        ({"bind": "0.0.0.0:7000", "peer": []}, "peer"),
        ({}, "bind"),
    ],
)
def test_bad_keys_are_refused_by_name(table: dict[str, Any], named: str) -> None:
    """What is wrong is named with its limit before anything is opened."""
    with pytest.raises(msgspec.ValidationError, match=named):
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
