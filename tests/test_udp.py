"""The udp link learns who answers, notices a silent cut in time, and spends little when idle."""

from __future__ import annotations

import asyncio
import re

import pytest

from drivers.base import (
    Handle,
    Heard,
    LinkDownError,
    LinkRefusedError,
    LinkState,
    Progress,
    Quality,
    Received,
    Service,
    Stage,
    StateChanged,
)
from drivers.udp_config import PACES
from protocols.air.datagram import (
    DATA_MAX_OCTETS,
    Data,
    Heartbeat,
    HeartbeatReply,
    decode,
    encode,
)
from sim.pytest_plugin import sim_test
from sim.rng import Streams
from tests.udp_world import HQ, IP_UDP_OCTETS, VEHICLE, box, data, sim_network


async def test_a_narrow_path_takes_short_frames_only() -> None:
    """With `mtu_octets` the link promises no more, and refuses a longer frame instead of losing it."""
    async with box(sim_network(), HQ, f"{VEHICLE}:7000", mtu_octets=200) as one:
        assert one.link.capabilities.mtu_octets == 200
        with pytest.raises(LinkRefusedError, match=r"limit 1\.\.200"):
            await one.link.send(data(b"x" * 201))


@pytest.mark.parametrize(
    ("hq", "vehicle"), [(HQ, VEHICLE), ("2001:db8::1", "2001:db8::2")], ids=["IPv4", "IPv6"]
)
async def test_frames_pass_both_ways(hq: str, vehicle: str) -> None:
    """A frame handed over is on air at once and arrives with its source; both sides are up and heard."""
    network = sim_network()
    at_hq, at_vehicle = (f"[{h}]:7000" if ":" in h else f"{h}:7000" for h in (hq, vehicle))
    async with box(network, hq, at_vehicle) as one, box(network, vehicle, at_hq) as two:
        await asyncio.sleep(1)
        await one.link.send(data(b"order", at_vehicle, 5))
        await two.link.send(data(b"x" * DATA_MAX_OCTETS))
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
    network = sim_network(delay_s=0.05)
    async with (
        box(network, HQ, f"{VEHICLE}:7000", bearer=bearer) as one,
        box(network, VEHICLE, f"{HQ}:7000", bearer=bearer),
    ):
        await asyncio.sleep(cut_after_s)
        if traffic:
            await one.link.send(data(b"hello"))
        network.channel(HQ, VEHICLE).cut = True
        cut_s = asyncio.get_running_loop().time()
        await asyncio.sleep(60)

        assert one.when(LinkState.DOWN) - cut_s <= PACES[bearer].loss_detect_s
        assert one.of(Heard)[-1] == Heard(address=f"{VEHICLE}:7000", how="heartbeat", online=False)
        with pytest.raises(LinkDownError):
            await one.link.send(data(b"lost"))


@pytest.mark.parametrize("held_s", [2.5, 20.0, 130.0])
async def test_one_long_wait_does_not_blind_the_detector(held_s: float) -> None:
    """After replies that were held back, as by a stopped process, the next cut is noticed within seconds."""
    network = sim_network(delay_s=0.05)
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(60)
        network.channel(HQ, VEHICLE).clogged = True
        await asyncio.sleep(held_s)
        network.channel(HQ, VEHICLE).clogged = False
        await asyncio.sleep(1)
        network.channel(HQ, VEHICLE).cut = True
        cut_s = asyncio.get_running_loop().time()
        await asyncio.sleep(300)

        assert 0 < one.when(LinkState.DOWN) - cut_s <= 4 * PACES["cellular"].loss_detect_s


async def test_a_healed_path_comes_back_by_itself() -> None:
    """After an hour of silence the link is up again within sixteen seconds of healing."""
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000"):
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
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000") as one:
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
    network = sim_network(delay_s=0.1)
    async with (
        box(network, HQ, f"{VEHICLE}:7000", bearer=bearer) as one,
        box(network, VEHICLE, f"{HQ}:7000", bearer=bearer) as two,
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
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000") as two:
        await asyncio.sleep(10)
        before = len(one.sent())
        for _ in range(200):
            await two.link.send(data(b"position"))
            await asyncio.sleep(0.4)

        asked = [octets for octets in one.sent()[before:] if isinstance(decode(octets), Heartbeat)]
        assert len(asked) <= 5


@sim_test(seeds=4)
async def test_loss_does_not_flap_a_poor_path(streams: Streams) -> None:
    """With one datagram in twenty lost, an hour brings no more than a handful of false losses."""
    network = sim_network(streams, delay_s=0.1, loss=0.05)
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(3600)

        assert one.states().count(LinkState.DOWN) <= 3


async def test_a_slow_path_is_given_its_time() -> None:
    """A round trip as long as the heartbeat interval is not taken for a loss."""
    network = sim_network(delay_s=1.2)
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(600)

        assert one.states() == [LinkState.STARTING, LinkState.UP]


async def test_heartbeats_before_the_peer_was_there_do_not_count() -> None:
    """A peer that is switched on later has a quality of 100 % at once, with the count beside it."""
    network = sim_network(delay_s=0.04)
    async with box(network, HQ, f"{VEHICLE}:7000") as one:
        await asyncio.sleep(20)
        async with box(network, VEHICLE, f"{HQ}:7000"):
            await asyncio.sleep(20)

        told = one.of(Quality)
        assert [quality.quality_pct for quality in told if "rtt" in quality.detail] != []
        assert {quality.quality_pct for quality in told if "rtt" in quality.detail} == {100}
        assert re.search(r"[1-9]\d* of [1-9]\d* heartbeats answered", told[-1].detail)


async def test_a_round_trip_longer_than_the_interval_is_no_poor_quality() -> None:
    """Heartbeats still under way are not counted as unanswered."""
    network = sim_network(delay_s=0.6)
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(120)

        assert {quality.quality_pct for quality in one.of(Quality)} == {100}


@sim_test(seeds=4)
async def test_quality_is_the_share_that_is_answered(streams: Streams) -> None:
    """On a path that loses three datagrams in ten both ways, about half of the heartbeats are answered."""
    network = sim_network(streams, delay_s=0.04, loss=0.3)
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000"):
        for _ in range(300):
            await asyncio.sleep(2)
            if one.states()[-1] is LinkState.UP:
                await one.link.probe()

        told = [quality.quality_pct for quality in one.of(Quality) if "rtt" in quality.detail]
        assert 40 <= sum(told) / len(told) <= 65


async def test_a_change_of_quality_is_told_and_a_dead_path_has_none() -> None:
    """A path that begins to lose datagrams is told within seconds; one that is cut goes to 0 %."""
    network = sim_network(delay_s=0.04)
    async with box(network, HQ, f"{VEHICLE}:7000") as one, box(network, VEHICLE, f"{HQ}:7000"):
        await asyncio.sleep(30)
        network.channel(HQ, VEHICLE).loss = 0.6
        for _ in range(10):
            await one.link.probe()
            await asyncio.sleep(1)
        worse = one.of(Quality)[-1]
        network.channel(HQ, VEHICLE).cut = True
        await asyncio.sleep(5)

        assert worse.quality_pct < 90
        assert one.of(Quality)[-1] == Quality(quality_pct=0, detail="no peer answers")


async def test_nobody_answers() -> None:
    """Without a peer the link says so within its stated time, refuses to send, and goes on asking slowly."""
    network = sim_network()
    async with box(network, HQ, f"{VEHICLE}:7000") as one:
        await asyncio.sleep(3600)

        assert one.of(StateChanged)[-1] == StateChanged(state=LinkState.DOWN, reason="no peer answers")
        assert one.when(LinkState.DOWN) <= 3.01
        assert 200 <= len(one.sent()) <= 260
        with pytest.raises(LinkDownError, match="no peer answers"):
            await one.link.send(data(b"x", f"{VEHICLE}:7000"))
