"""Each fault of a bearer does to it what its description says, to nothing else, and healing undoes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sim.faults.holds import Holds
from sim.faults.model import Kind
from sim.ports import MemoryPort
from tests.world_scene import Scene, living, node, person, scenario

LINKS = ("cellular", "vsat", "tiantong", "beidou", "pdt")

FIELD = scenario(
    (node("HQ", *LINKS, headquarters=True), node("A", *LINKS), node("B", *LINKS)),
    (
        *(person(f"T-{n}", "handheld", "A") for n in (1, 2, 3)),
        *(person(f"S-{n}", "phone", "HQ") for n in (1, 2, 3)),
        *(person(f"B-{n}", "handset", "HQ") for n in (1, 2, 3)),
    ),
)


async def ip(scene: Scene, one: str, other: str) -> int:
    return len(await scene.datagrams("cellular", one, other))


async def pdt(scene: Scene, one: str, other: str) -> int:
    return await scene.radio(one, other)


async def beidou(scene: Scene, one: str, other: str) -> int:
    return await scene.beidou(one, other)


async def tiantong(scene: Scene, one: str, other: str) -> int:
    """Twenty for a text that comes soon; the centre keeps what does not, for later than a test waits."""
    return 20 * len(await scene.phones(one, other))


Way = Callable[[Scene, str, str], Awaitable[int]]

WAYS = [
    pytest.param("cellular", ip, ("A", "B", "HQ"), id="ip"),
    pytest.param("pdt", pdt, ("T-1", "T-2", "T-3"), id="pdt"),
    pytest.param("beidou", beidou, ("B-1", "B-2", "B-3"), id="beidou"),
    pytest.param("tiantong", tiantong, ("S-1", "S-2", "S-3"), id="tiantong"),
]

Names = tuple[str, str, str]


@pytest.mark.parametrize(("bearer", "way", "names"), WAYS)
async def test_a_cut_bearer_carries_nothing(bearer: str, way: Way, names: Names) -> None:
    """Nothing passes while it is cut, in no direction; everything does after its time."""
    a, b, _ = names
    async with living(FIELD) as scene:
        assert await way(scene, a, b) == 20
        scene.fault(Kind.CUT, bearer, for_s=600.0)
        assert await way(scene, a, b) == 0
        assert await way(scene, b, a) == 0
        await asyncio.sleep(900.0)
        assert await way(scene, a, b) >= 20


@pytest.mark.parametrize(("bearer", "way", "names"), WAYS)
async def test_a_cut_station_is_alone(bearer: str, way: Way, names: Names) -> None:
    """With one station cut off, it reaches nobody and nobody it; the others go on."""
    a, b, c = names
    async with living(FIELD) as scene:
        scene.fault(Kind.CUT, f"{bearer}:{a}")
        assert await way(scene, a, b) == 0
        assert await way(scene, b, a) == 0
        assert await way(scene, b, c) == 20
        scene.breaker.heal()
        await asyncio.sleep(600.0)
        assert await way(scene, a, b) >= 20


@pytest.mark.parametrize(("bearer", "way", "names"), WAYS)
async def test_a_direction_is_cut_alone(bearer: str, way: Way, names: Names) -> None:
    """With one direction cut the other, and everybody else, hear all: an asymmetric partition."""
    a, b, c = names
    async with living(FIELD) as scene:
        scene.fault(Kind.CUT, f"{bearer}:{a}>{b}")
        assert await way(scene, a, b) == 0
        assert await way(scene, b, a) == 20
        assert await way(scene, a, c) == 20
        scene.breaker.heal()
        await asyncio.sleep(600.0)
        assert await way(scene, a, b) >= 20


@pytest.mark.parametrize(("bearer", "way", "names"), WAYS[:3])
async def test_loss_takes_its_share(bearer: str, way: Way, names: Names) -> None:
    """Of many things the share that is lost is the fault's value, within 3 sigma; none after it."""
    a, b, _ = names
    async with living(FIELD) as scene:
        scene.fault(Kind.LOSS, bearer, value=0.4)
        came = sum([await way(scene, a, b) for _ in range(10)])
        assert came == pytest.approx(200 * 0.6, abs=3 * (200 * 0.24) ** 0.5)
        scene.breaker.heal()
        assert await way(scene, a, b) == 20


async def test_a_lost_confirmation_shows_no_text_twice() -> None:
    """The centre sends again what it saw no confirmation of; the phone knows the text and shows it once."""
    async with living(FIELD) as scene:
        scene.fault(Kind.LOSS, "tiantong", value=0.4)
        shown: list[str] = []
        for _ in range(12):
            shown += await scene.phones("S-1", "S-2", wait_s=400.0)
        assert len(shown) >= 6
        assert len(shown) == len(set(shown))


async def test_what_loss_takes_from_the_centre_comes_later() -> None:
    """A text lost on the way down is tried again by the centre: nothing that it took is lost."""
    async with living(FIELD) as scene:
        scene.fault(Kind.LOSS, "tiantong:S-2", value=0.7)
        assert len(await scene.phones("S-1", "S-2", wait_s=3600.0)) >= 1


@pytest.mark.parametrize(("bearer", "way", "names"), [WAYS[0], WAYS[2]])
async def test_duplicates_come_twice(bearer: str, way: Way, names: Names) -> None:
    """With value 1 everything comes twice."""
    a, b, _ = names
    async with living(FIELD) as scene:
        scene.fault(Kind.DUPLICATE, bearer, value=1.0)
        assert await way(scene, a, b) == 40
        scene.breaker.heal()
        assert await way(scene, a, b) == 20


async def test_reordered_datagrams_all_come() -> None:
    """Datagrams overtake each other within the time given, and none is lost."""
    async with living(FIELD) as scene:
        straight = await scene.datagrams("vsat", "A", "B")
        scene.fault(Kind.REORDER, "vsat", value=3.0)
        mixed = await scene.datagrams("vsat", "A", "B")

        assert sorted(mixed) == sorted(straight)
        assert mixed != sorted(mixed)
        scene.breaker.heal()
        assert scene.world.fleet.network.channel("10.2.0.2", "10.2.0.3").reorder_s == 0.0


async def test_corrupt_datagrams_differ_in_one_octet() -> None:
    """With value 1 each datagram arrives with exactly one octet changed."""
    async with living(FIELD) as scene:
        scene.fault(Kind.CORRUPT, "cellular", value=1.0)
        got = await scene.datagrams("cellular", "A", "B")

        assert len(got) == 20
        for data in got:
            common = max(set(data), key=data.count)
            assert sum(octet != common for octet in data) == 1
        scene.breaker.heal()
        assert all(len(set(data)) == 1 for data in await scene.datagrams("cellular", "A", "B"))


@pytest.mark.parametrize("bearer", ["pdt", "tiantong", "beidou"])
async def test_corrupt_serial_lines_change_octets_both_ways(bearer: str) -> None:
    """The line between a gateway and its device changes one octet of each run, either way, until healed."""
    async with living(FIELD) as scene:
        device, port = scene.world.units["A"].plugged[bearer]
        assert isinstance(port, MemoryPort)
        stream = port.open(0)
        scene.fault(Kind.CORRUPT, f"{bearer}:A", value=1.0)

        assert port.spoilt(b"0123456789") != b"0123456789"
        assert sum(a != b for a, b in zip(port.spoilt(bytes(64)), bytes(64), strict=True)) == 1
        device.write(b"#" * 10)
        await asyncio.sleep(0.5)
        assert (await stream.read(1000)).count(b"#") == 9
        scene.breaker.heal()
        assert port.spoilt(b"0123456789") == b"0123456789"
        other = scene.world.units["B"].plugged[bearer][1]
        assert isinstance(other, MemoryPort)
        assert other.corrupt == 0.0


async def test_a_clogged_bearer_lets_all_go_at_the_end() -> None:
    """Nothing arrives while it is clogged; when it ends everything does, in order."""
    async with living(FIELD) as scene:
        scene.fault(Kind.CLOG, "cellular:A", for_s=60.0)
        assert await scene.datagrams("cellular", "A", "B") == []
        assert len(await scene.datagrams("cellular", "B", "HQ")) == 20
        await asyncio.sleep(60.0)
        got = await scene.datagrams("cellular", "A", "B", count=1)
        assert len(got) == 21


@pytest.mark.parametrize(("bearer", "way", "names"), WAYS[1:3])
async def test_a_clogged_station_hears_all_later(bearer: str, way: Way, names: Names) -> None:
    """On radio and Beidou too one station's clog holds back what it hears, and nothing else."""
    a, b, c = names
    async with living(FIELD) as scene:
        scene.fault(Kind.CLOG, f"{bearer}:{a}")
        assert await way(scene, b, a) == 0
        assert await way(scene, b, c) == 20
        scene.breaker.heal()
        assert len(scene.world.people[a].device.screen) == 20
        assert await way(scene, b, a) == 20


async def test_swizzle_clogs_one_after_the_other_and_frees_all() -> None:
    """Stations are clogged at different times, all are free before the fault ends, and nothing is lost."""
    async with living(FIELD) as scene:
        network, units = scene.world.fleet.network, scene.world.units
        hosts = [f"10.1.0.{unit.node.station}" for unit in units.values()]
        pairs = [network.channel(a, b) for a in hosts for b in hosts if a < b]
        scene.fault(Kind.SWIZZLE, "cellular", for_s=70.0)
        seen = set()
        for _ in range(70):
            await asyncio.sleep(1.0)
            seen.add(tuple(channel.clogged for channel in pairs))

        assert len(seen) >= 3
        assert not any(channel.clogged for channel in pairs)


async def test_healing_in_the_midst_of_a_swizzle_frees_all() -> None:
    """What a swizzle has clogged is free at once, and nothing is clogged afterwards."""
    async with living(FIELD) as scene:
        scene.fault(Kind.SWIZZLE, "cellular", for_s=70.0)
        await asyncio.sleep(25.0)
        scene.breaker.heal()
        for _ in range(5):
            assert len(await scene.datagrams("cellular", "A", "B")) == 20


async def test_an_obstacle_hides_one_terminal() -> None:
    """Behind an obstacle a terminal has no satellite, as its modem tells; others have; then it has again."""
    async with living(FIELD) as scene:
        scene.fault(Kind.BLOCKED, "tiantong:S-1", for_s=100.0)
        scene.fault(Kind.BLOCKED, "beidou:B-1", for_s=100.0)
        assert await tiantong(scene, "S-1", "S-2") == 0
        assert await tiantong(scene, "S-3", "S-2") == 20
        assert await beidou(scene, "B-2", "B-1") == 0
        assert await beidou(scene, "B-2", "B-3") == 20
        await asyncio.sleep(100.0)
        assert await tiantong(scene, "S-1", "S-2") >= 20
        assert await beidou(scene, "B-2", "B-1") == 20


async def test_an_obstacle_hides_a_dish() -> None:
    """The VSAT of one node is dead behind an obstacle, and its public network is not."""
    async with living(FIELD) as scene:
        scene.fault(Kind.BLOCKED, "vsat:A")
        assert await scene.datagrams("vsat", "A", "B") == []
        assert len(await scene.datagrams("vsat", "HQ", "B")) == 20
        assert len(await scene.datagrams("cellular", "A", "B")) == 20
        scene.breaker.heal()
        assert len(await scene.datagrams("vsat", "A", "B")) == 20


async def test_faults_may_overlap() -> None:
    """A bearer cut twice is whole when the second cut ends, and of two losses the greater counts."""
    async with living(FIELD) as scene:
        scene.fault(Kind.CUT, "cellular", for_s=100.0)
        scene.fault(Kind.CUT, "cellular:A", for_s=30.0)
        scene.fault(Kind.LOSS, "cellular", value=0.2)
        scene.fault(Kind.LOSS, "cellular", value=1.0, for_s=200.0)
        await asyncio.sleep(40.0)
        assert await ip(scene, "A", "B") == 0
        await asyncio.sleep(100.0)
        assert await ip(scene, "A", "B") == 0
        await asyncio.sleep(100.0)
        assert 5 <= await ip(scene, "A", "B") < 20
        scene.breaker.heal()
        assert await ip(scene, "A", "B") == 20


def test_holds_go_back_to_what_was() -> None:
    """The greatest of the held values counts; when all let go, the first value is back."""
    holds = Holds()
    pair = Holder()
    first, second = holds.hold(pair, "rate", 5.0), holds.hold(pair, "rate", 3.0)
    first()
    assert pair.rate == 3.0
    second()
    assert pair.rate == 9.0


class Holder:
    rate = 9.0
