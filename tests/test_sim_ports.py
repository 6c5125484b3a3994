"""The simulated serial port and network behave as the real ones do, faults included."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from drivers.base import ByteStream, PortUnavailableError, StreamLostError
from sim.device import SerialDevice
from sim.network import RECEIVE_QUEUE_DATAGRAMS
from sim.ports import HOST_BUFFER_OCTETS, READ_BUFFER_OCTETS, MemoryPort, SimConnector, SimNetwork
from sim.rng import Streams
from sim.uart import resample


class Echo(SerialDevice):
    """Sends back what it hears, and keeps it."""

    def __init__(self, baud_bps: int = 9_600) -> None:
        super().__init__()
        self.baud_bps = baud_bps
        self.heard = bytearray()

    @override
    def receive(self, data: bytes) -> None:
        self.heard += data
        self.write(data)


async def _read_exactly(stream: ByteStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await stream.read(size - len(data))
    return data


async def test_octets_take_the_time_the_line_needs() -> None:
    """A hundred octets at 9 600 bit/s and back take twice 104 ms, less what runs in parallel."""
    port = MemoryPort(Echo())
    stream = port.open(9_600)

    await stream.write(bytes(100))
    assert await _read_exactly(stream, 100) == bytes(100)

    one_way_s = 100 * 10 / 9_600
    assert one_way_s * 1.3 < asyncio.get_running_loop().time() <= one_way_s * 2


async def test_a_host_at_another_rate_exchanges_garbage() -> None:
    """At 115 200 bit/s a 9 600 bit/s device hears something, but not what was said."""
    device = Echo()
    stream = MemoryPort(device).open(115_200)

    await stream.write(b"AT+CSQ\r" * 20)
    await asyncio.sleep(1)

    assert device.heard
    assert b"AT" not in device.heard


@given(st.binary(max_size=64), st.integers(96, 104))
def test_a_rate_within_four_percent_reads_what_was_sent(data: bytes, percent: int) -> None:
    """UARTs agree as long as the last sample falls into the right bit."""
    assert resample(data, sent_bps=10_000, read_bps=100 * percent) == data


@given(
    st.binary(max_size=64), st.sampled_from([300, 9_600, 115_200]), st.sampled_from([1_200, 9_600, 460_800])
)
def test_any_two_rates_give_some_octets(data: bytes, sent_bps: int, read_bps: int) -> None:
    """Sampling ends, whatever was sent, and never reads more than the line's time allows."""
    assert (
        len(resample(data, sent_bps=sent_bps, read_bps=read_bps))
        <= len(data) * max(1, read_bps // sent_bps) + 1
    )


async def test_a_second_open_is_refused_as_in_use() -> None:
    """One host at a time; closing frees the port."""
    connector = SimConnector()
    connector.add_serial("/dev/a", Echo())
    stream = await connector.open_serial("/dev/a", baud_bps=9_600)

    with pytest.raises(PortUnavailableError, match="in use"):
        await connector.open_serial("/dev/a", baud_bps=9_600)
    await stream.aclose()
    await stream.aclose()

    await (await connector.open_serial("/dev/a", baud_bps=9_600)).aclose()


async def test_unplugging_ends_reads_and_breaks_writes() -> None:
    """A waiting read returns b"", a blocked write raises, and the port is absent until it is replugged."""
    connector = SimConnector()
    port = connector.add_serial("/dev/a", Echo(300))
    stream = await connector.open_serial("/dev/a", baud_bps=300)

    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(stream.read(100))
        writer = tasks.create_task(_lost(stream, bytes(2 * HOST_BUFFER_OCTETS)))
        await asyncio.sleep(0)
        port.unplug()

    assert (reader.result(), writer.result()) == (b"", True)
    with pytest.raises(PortUnavailableError, match="absent"):
        await connector.open_serial("/dev/a", baud_bps=300)
    port.replug()
    await connector.open_serial("/dev/a", baud_bps=300)


async def _lost(stream: ByteStream, data: bytes) -> bool:
    try:
        await stream.write(data)
    except StreamLostError:
        return True
    return False


async def test_a_stuck_port_blocks_writes_until_it_lets_go() -> None:
    """Nothing passes while stuck; the blocked write can be cancelled, and later ones go through."""
    device = Echo()
    port = MemoryPort(device)
    stream = port.open(9_600)
    port.stuck = True

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await stream.write(b"lost")
    port.stuck = False
    await stream.write(b"heard")
    await asyncio.sleep(1)

    assert device.heard == b"heard"


async def test_a_host_that_does_not_read_loses_and_counts() -> None:
    """What a flooding device sends beyond the read buffer is overrun, never held."""
    device = Echo(115_200)
    port = MemoryPort(device)
    stream = port.open(115_200)

    device.write(bytes(READ_BUFFER_OCTETS + 1_000))
    await asyncio.sleep(60)

    assert port.overruns == 1_000
    assert len(await stream.read(1_000_000)) == READ_BUFFER_OCTETS


async def test_chunks_of_any_size_carry_the_same_octets() -> None:
    """Random fragmentation changes how much arrives at once, never what."""
    device = Echo()
    connector = SimConnector()
    connector.add_serial("/dev/a", device, chunks=Streams(7).stream("a/chunks"))
    stream = await connector.open_serial("/dev/a", baud_bps=9_600)
    sent = bytes(range(256))

    await stream.write(sent)
    first = await stream.read(1_000)

    assert first + await _read_exactly(stream, 256 - len(first)) == sent
    assert len(first) < 64


async def test_a_port_nobody_added_is_absent() -> None:
    """Opening what does not exist says so."""
    with pytest.raises(PortUnavailableError, match="/dev/none: absent"):
        await SimConnector().open_serial("/dev/none", baud_bps=9_600)


async def test_a_device_behind_tcp_has_no_line_rate() -> None:
    """A serial device server answers at once, at any declared rate."""
    connector = SimConnector()
    connector.add_tcp("10.0.0.9", 4_001, Echo(300))
    stream = await connector.open_tcp("10.0.0.9", 4_001)

    await stream.write(b"hello")

    assert await _read_exactly(stream, 5) == b"hello"
    assert asyncio.get_running_loop().time() == 0
    with pytest.raises(PortUnavailableError):
        await connector.open_tcp("10.0.0.9", 4_002)


@pytest.mark.parametrize(("host_a", "host_b"), [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")])
async def test_datagrams_arrive_after_the_delay_with_their_source(host_a: str, host_b: str) -> None:
    """The receiver learns who sent; the pair's delay applies, IPv4 and IPv6 alike."""
    network = SimNetwork(Streams(1), delay_s=0.25)
    a = await SimConnector(network=network, host=host_a).open_udp("::", 7_000)
    b = await SimConnector(network=network, host=host_b).open_udp("0.0.0.0", 0)  # noqa: S104 - simulated

    a.send(b"ping", b.local)

    assert await b.receive() == (b"ping", (host_a, 7_000))
    assert asyncio.get_running_loop().time() == 0.25


async def test_a_cut_pair_carries_nothing_until_healed() -> None:
    """The switch is per pair of hosts, for both directions."""
    network = SimNetwork(Streams(1))
    a = network.bind("a", 1)
    b = network.bind("b", 1)
    network.channel("b", "a").cut = True
    a.send(b"lost", b.local)
    b.send(b"lost", a.local)
    await asyncio.sleep(1)
    network.channel("a", "b").cut = False

    a.send(b"heard", b.local)

    assert (await b.receive())[0] == b"heard"
    assert network.channel("a", "b").lost == 2


async def test_a_full_receive_queue_drops_the_newest() -> None:
    """A receiver that sleeps keeps the oldest datagrams, bounded, and counts the rest."""
    network = SimNetwork(Streams(1))
    a, b = network.bind("a", 1), network.bind("b", 1)
    for number in range(RECEIVE_QUEUE_DATAGRAMS + 5):
        a.send(b"%d" % number, b.local)
    await asyncio.sleep(1)

    assert b.dropped == 5
    assert (await b.receive())[0] == b"0"


async def test_closing_wakes_the_receiver_and_frees_the_port() -> None:
    """A closed socket raises in receive; its address can be bound again."""
    network = SimNetwork(Streams(1))
    endpoint = network.bind("a", 1)
    with pytest.raises(PortUnavailableError, match="in use"):
        network.bind("a", 1)

    async with asyncio.TaskGroup() as tasks:
        closed = tasks.create_task(_closed(endpoint.receive))
        await asyncio.sleep(0)
        await endpoint.aclose()

    assert closed.result()
    network.bind("a", 1)


async def _closed(receive: object) -> bool:
    assert callable(receive)
    try:
        await receive()
    except StreamLostError:
        return True
    return False
