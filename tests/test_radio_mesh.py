"""Meshes carry datagrams over several hops of one shared channel, and gateways' UDP over them."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from sim.network import SimNetwork
from sim.physics.gilbert import GilbertSpec
from sim.pytest_plugin import sim_test
from sim.radio.flood import MTU_OCTETS, FloodMesh, lora_airtime_s
from sim.radio.medium import Medium, Timing
from sim.radio.mesh import Mesh
from sim.radio.reception import Spot, Threshold
from sim.radio.routed import RoutedMesh
from sim.rng import Streams
from tests.radio_world import Table

HOSTS = tuple(f"10.5.0.{number}" for number in range(1, 6))


def chain(*hosts: str, level_dbm: float = -80.0) -> Table:
    """Each host hears its neighbours alone."""
    pairs = list(pairwise(hosts))
    return Table(dict.fromkeys(pairs + [(b, a) for a, b in pairs], level_dbm))


def _medium(table: Table, seed: int = 1) -> Medium:
    return Medium(
        "mesh",
        Streams(seed),
        table,
        reception=Threshold(noise_dbm=-95.0),
        timing=Timing(detect_s=0.00001, turnaround_s=0.000005),
    )


def routed(table: Table, *, losses: GilbertSpec | None = None, seed: int = 1) -> RoutedMesh:
    """Return an IP mesh of all hosts."""
    mesh = RoutedMesh(_medium(table, seed), losses=losses)
    for host in HOSTS:
        mesh.add(host, Spot(host))
    return mesh


def flooded(table: Table, *, losses: GilbertSpec | None = None, hop_limit: int = 3) -> FloodMesh:
    """Return a LoRa-like mesh of all hosts."""
    mesh = FloodMesh(_medium(table), losses=losses, hop_limit=hop_limit)
    for host in HOSTS:
        mesh.add(host, Spot(host))
    return mesh


async def arrivals(
    mesh: Mesh, pairs: list[tuple[str, str]], *, every_s: float, size: int = 100
) -> list[float]:
    """Send a datagram for each pair; return how long those took that arrived."""
    loop = asyncio.get_running_loop()
    took_s: list[float] = []
    for source, to in pairs:
        sent_s = loop.time()
        mesh.carry(size, lambda sent_s=sent_s: took_s.append(loop.time() - sent_s), source, to)  # type: ignore[misc]
        await asyncio.sleep(every_s)
    return took_s


async def test_an_ip_mesh_goes_hop_by_hop() -> None:
    """Over four hops a datagram takes at least four airtimes, each hop is one burst and its answer."""
    mesh = routed(chain(*HOSTS))

    [took_s] = await arrivals(mesh, [(HOSTS[0], HOSTS[4])], every_s=1.0)

    assert took_s >= 4 * mesh.airtime_ns(100) / 1e9
    assert (mesh.tally.relayed, mesh.medium.bursts) == (3, 8)


async def test_an_ip_mesh_finds_another_way() -> None:
    """When a relay dies, the next datagrams go round it."""
    ring = chain(*HOSTS, HOSTS[0])
    mesh = routed(ring)
    await arrivals(mesh, [(HOSTS[0], HOSTS[2])], every_s=1.0)

    mesh.radios[HOSTS[1]].switch(on=False, now_ns=mesh.medium.timeline.now_ns)
    took_s = await arrivals(mesh, [(HOSTS[0], HOSTS[2])] * 3, every_s=10.0)

    assert len(took_s) >= 2
    assert mesh.tally.relayed == 1 + 2 * len(took_s)


async def test_no_way_is_no_delivery() -> None:
    """To a host that nobody hears, and for a datagram that is too long, nothing is sent at all."""
    mesh = routed(chain(*HOSTS[:4]))

    took_s = await arrivals(mesh, [(HOSTS[0], HOSTS[4]), ("nobody", HOSTS[1])], every_s=1.0)
    took_s += await arrivals(mesh, [(HOSTS[0], HOSTS[1])], every_s=1.0, size=5000)

    assert took_s == []
    assert (mesh.tally.refused, mesh.medium.bursts) == (3, 0)


@sim_test(seeds=[1, 2, 3])
async def test_hops_are_repeated_on_lossy_links(streams: Streams) -> None:
    """With a fifth of all bursts lost, nine of ten datagrams still come over three hops, once each."""
    losses = GilbertSpec(good_s=1.0, bad_s=0.02, loss_good=0.2, loss_bad=0.9)
    mesh = routed(chain(*HOSTS), losses=losses, seed=int(streams.seed))

    took_s = await arrivals(mesh, [(HOSTS[0], HOSTS[3])] * 200, every_s=0.5)

    assert 180 <= len(took_s) <= 200
    assert mesh.medium.bursts > 200 * 6


async def test_a_flood_reaches_as_far_as_its_hop_limit() -> None:
    """Passed on three times a packet comes four hops far; passed on twice it does not."""
    far = [(HOSTS[0], HOSTS[4])]

    assert len(await arrivals(flooded(chain(*HOSTS)), far, every_s=120.0)) == 1
    assert await arrivals(flooded(chain(*HOSTS), hop_limit=2), far, every_s=120.0) == []


async def test_a_flood_is_managed() -> None:
    """Where all hear all, others keep still once somebody passed the packet on."""
    pairs = {(a, b): -80.0 for a in HOSTS for b in HOSTS if a != b}
    mesh = flooded(Table(pairs))

    took_s = await arrivals(mesh, [(HOSTS[0], HOSTS[1])] * 20, every_s=60.0)

    assert len(took_s) == 20
    assert mesh.medium.bursts <= 20 * 3


async def test_a_flooded_packet_is_delivered_once() -> None:
    """Two ways lead there and losses make the origin repeat: still one delivery a packet."""
    losses = GilbertSpec(good_s=30.0, bad_s=2.0, loss_good=0.1, loss_bad=0.8)
    mesh = flooded(chain(*HOSTS, HOSTS[0]), losses=losses)

    took_s = await arrivals(mesh, [(HOSTS[0], HOSTS[2])] * 50, every_s=60.0)

    assert 30 <= len(took_s) <= 50
    assert mesh.tally.delivered == len(took_s)


def test_lora_airtime_is_as_published() -> None:
    """SF7, 125 kHz, 4/5, 10 octets, 8 preamble symbols: 41.2 ms; SF12: 991.2 ms (Semtech's calculator)."""
    assert lora_airtime_s(10, spreading=7, preamble=8) == pytest.approx(0.041216)
    assert lora_airtime_s(10, spreading=12, preamble=8) == pytest.approx(0.991232)


async def test_udp_runs_over_a_mesh() -> None:
    """A pair of hosts whose carrier is a mesh talks over its hops; the pair's channel still cuts them."""
    mesh = routed(chain(*HOSTS))
    network = SimNetwork(Streams(1), delay_s=0.0)
    network.carrier = lambda a, b: mesh if {a, b} <= set(HOSTS) else None
    one, far = network.bind(HOSTS[0], 7), network.bind(HOSTS[3], 7)

    one.send(b"over three hops", far.local)
    assert await far.receive() == (b"over three hops", one.local)
    assert mesh.tally.relayed == 2
    network.channel(HOSTS[0], HOSTS[3]).cut = True
    one.send(b"cut", far.local)
    await asyncio.sleep(1.0)
    assert mesh.tally.offered == 1
    outside = network.bind("10.0.0.9", 7)
    outside.send(b"by the channel", one.local)
    assert (await one.receive())[0] == b"by the channel"


async def test_a_lora_packet_has_a_longest_size() -> None:
    """What fits no packet is refused before anything is sent."""
    mesh = flooded(chain(*HOSTS))
    assert await arrivals(mesh, [(HOSTS[0], HOSTS[1])], every_s=9.0, size=MTU_OCTETS + 1) == []
    assert mesh.medium.bursts == 0
