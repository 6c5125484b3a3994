"""One decision for each burst and receiver: noise, capture, deafness, cuts, and who is near."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from sim.physics.burst import p_burst, p_faded
from sim.radio.medium import Medium, Timing
from sim.radio.physics import FourFsk, Walking
from sim.radio.reception import Flat, Spot
from sim.radio.station import Fate, Radio
from sim.record import Event, Record, What
from sim.rng import Streams
from tests.radio_world import Ear, Table, plain

AIRTIME_NS = 27_500_000
LEVELS = {("a", "c"): -80.0, ("b", "c"): -90.0, ("c", "a"): -80.0, ("a", "b"): -80.0}


def send(medium: Medium, ear: Ear, frame: str, to: Ear | None = None, *, after_ns: int = 0) -> None:
    """Transmit a burst after a while."""
    timeline = medium.timeline
    timeline.post(
        timeline.now_ns + after_ns,
        lambda radio: medium.transmit(
            radio, frame, octets=10, airtime_ns=AIRTIME_NS, to=None if to is None else to.radio
        ),
        ear.radio,
    )


async def test_the_stronger_burst_is_captured() -> None:
    """Of two overlapping bursts 10 dB apart the receiver takes the stronger; the weaker collided."""
    medium = plain(Table(LEVELS))
    a, b, c = (Ear(medium, name) for name in "abc")

    send(medium, a, "strong", c)
    send(medium, b, "weak", c, after_ns=20_000_000)
    await asyncio.sleep(1.0)

    assert c.heard == ["strong"]
    assert medium.counts[Fate.COLLIDED] == 1


async def test_two_weak_ones_drown_what_each_alone_would_not() -> None:
    """Interference adds up: 9 dB over each of two interferers is 6 dB over both, and 8 dB are needed."""
    medium = plain(Table({("a", "c"): -80.0, ("b", "c"): -89.0, ("d", "c"): -89.0}))
    a, b, c, d = (Ear(medium, name) for name in "abcd")

    send(medium, a, "one", c)
    send(medium, b, "noise", after_ns=1_000_000)
    await asyncio.sleep(1.0)
    send(medium, a, "two", c)
    send(medium, b, "noise", after_ns=1_000_000)
    send(medium, d, "noise", after_ns=2_000_000)
    await asyncio.sleep(1.0)

    assert c.heard == ["one"]


async def test_who_does_not_overlap_at_one_instant_does_not_add_up() -> None:
    """Interferers one after the other count with the worse of them, not with their sum."""
    medium = plain(Table({("a", "c"): -80.0, ("b", "c"): -89.0, ("d", "c"): -89.0}))
    a, b, c, d = (Ear(medium, name) for name in "abcd")

    send(medium, b, "noise")
    send(medium, a, "one", c, after_ns=20_000_000)
    send(medium, d, "noise", after_ns=30_000_000)
    await asyncio.sleep(1.0)

    assert "one" in c.heard


async def test_a_station_that_sends_is_deaf() -> None:
    """Half duplex: what arrives while a station sends, or in its turnaround behind it, is lost on it."""
    medium = Medium(
        "air", Streams(1), Flat(), reception=FourFsk(faded=False), timing=Timing(turnaround_s=0.01)
    )
    a, c = Ear(medium, "a"), Ear(medium, "c")

    send(medium, c, "own")
    send(medium, a, "while it sends", c, after_ns=AIRTIME_NS - 1)
    await asyncio.sleep(1.0)
    send(medium, c, "own")
    send(medium, a, "in its turnaround", c, after_ns=AIRTIME_NS + 5_000_000)
    await asyncio.sleep(1.0)
    send(medium, c, "own")
    send(medium, a, "later", c, after_ns=AIRTIME_NS + 10_000_000)
    await asyncio.sleep(1.0)

    assert c.heard == ["later"]
    assert medium.counts[Fate.DEAF] == 3  # c's first burst ended while a sent, too


async def test_a_carrier_shows_only_after_detection() -> None:
    """For the detection delay a new carrier is not sensed; then it is, until it ends."""
    medium = plain(Table(LEVELS))
    a, c = Ear(medium, "a"), Ear(medium, "c")
    start_ns = medium.timeline.now_ns

    medium.transmit(a.radio, "x", octets=10, airtime_ns=AIRTIME_NS)

    assert not medium.busy(c.radio, start_ns + 999_999)
    assert medium.busy(c.radio, start_ns + 1_000_000)
    assert medium.busy(a.radio, start_ns + 1)
    assert medium.clear_ns(c.radio) == start_ns + AIRTIME_NS
    await asyncio.sleep(0.0275)
    assert not medium.busy(c.radio, medium.timeline.now_ns)


async def test_out_of_reach_is_out_of_mind() -> None:
    """Only neighbours above the floor are on the list, in the order they joined; a move makes it new."""
    table = Table(LEVELS | {("a", "far"): -150.0})
    medium = plain(table)
    ears = {name: Ear(medium, name) for name in ("a", "b", "c", "far")}
    radio = ears["a"].radio

    assert [link.rx.name for link in medium.neighbours(radio)] == ["b", "c"]
    table.levels_dbm["a", "far"] = -100.0
    del table.levels_dbm["a", "b"]
    medium.moved(radio)
    assert [link.rx.name for link in medium.neighbours(radio)] == ["c", "far"]
    table.levels_dbm["a", "far"] = -200.0
    medium.moved(ears["far"].radio)
    assert [link.rx.name for link in medium.neighbours(radio)] == ["c"]


async def test_reach_spares_the_far_ones() -> None:
    """Beyond `reach_km` no path is computed, however strong it would be."""
    medium = Medium("air", Streams(1), Flat(), reach_km=lambda _tx, _rx: 10.0)
    for name, x_km in (("a", 0.0), ("b", 9.0), ("c", 11.0)):
        medium.join(Radio(Spot(name, x_km), lambda _burst, _link: None))

    assert [link.rx.name for link in medium.neighbours(medium.radios[0])] == ["b"]


@pytest.mark.parametrize("over_db", [-2.0, 0.0, 1.0, 3.0])
async def test_bursts_survive_as_often_as_the_table_says(over_db: float) -> None:
    """Without fading the share received at a level is the burst table's, within 3 sigma."""
    assert await _share(FourFsk(faded=False), over_db) == pytest.approx(p_burst(5.7 + over_db), abs=0.035)


@pytest.mark.parametrize("over_db", [0.0, 5.0, 10.0])
async def test_faded_bursts_survive_as_often_as_the_average_says(over_db: float) -> None:
    """With Rayleigh fading the share received is the block-fading average, within 3 sigma."""
    assert await _share(FourFsk(), over_db) == pytest.approx(p_faded(5.7 + over_db), abs=0.035)


async def _share(reception: FourFsk, over_db: float) -> float:
    medium = Medium("air", Streams(3), Flat(-119.0 + over_db), reception=reception)
    a, c = Ear(medium, "a"), Ear(medium, "c")
    for number in range(2000):
        send(medium, a, "x", c, after_ns=number * AIRTIME_NS)
    await asyncio.sleep(60.0)
    return len(c.heard) / 2000


async def test_a_walker_stays_in_a_fade() -> None:
    """At walking pace the bursts of one second fare alike more often than independent ones do."""

    async def changes(*, walking: bool) -> int:
        medium = Medium("air", Streams(5), Flat(-116.0))
        if walking:
            medium.draws = Walking(medium.timeline, speed_kmh=1.0)
        a, c = Ear(medium, "a"), Ear(medium, "c")
        for number in range(1000):
            send(medium, a, str(number), c, after_ns=number * 60_000_000)
        await asyncio.sleep(61.0)
        got = [str(number) in c.heard for number in range(1000)]
        return sum(one != two for one, two in pairwise(got))

    assert await changes(walking=True) < 0.7 * await changes(walking=False)


async def test_nobody_shifts_the_draws_of_others() -> None:
    """One more station on the air changes nothing for the others' bursts that it does not disturb."""

    async def outcome(*names: str) -> list[object]:
        medium = Medium("air", Streams(9), Flat(-118.0))
        ears = {name: Ear(medium, name) for name in names}
        for number in range(200):
            send(medium, ears["a"], str(number), ears["c"], after_ns=number * 100_000_000)
            for extra in names[2:]:
                send(medium, ears[extra], "x", after_ns=number * 100_000_000 + 50_000_000)
        await asyncio.sleep(30.0)
        return [frame for frame in ears["c"].heard if frame != "x"]

    assert await outcome("a", "c") == await outcome("a", "c", "b", "d")


async def test_a_cut_is_in_the_channel() -> None:
    """While the medium is cut nothing arrives; a blocked direction loses that direction alone."""
    events: list[Event] = []
    record = Record()
    record.watch(events.append, What.AIR)
    medium = plain(Table(LEVELS), record=record)
    a, c = Ear(medium, "a"), Ear(medium, "c")

    medium.cut = True
    send(medium, a, "cut", c)
    await asyncio.sleep(1.0)
    medium.cut = False
    medium.block(a.radio, c.radio)
    send(medium, a, "blocked", c)
    send(medium, c, "other way", a, after_ns=100_000_000)
    await asyncio.sleep(1.0)
    medium.block(a.radio, c.radio, blocked=False)
    send(medium, a, "again", c)
    await asyncio.sleep(1.0)

    assert (c.heard, a.heard) == (["again"], ["other way"])
    assert [event.facts["fate"] for event in events] == ["cut", "cut", "carried", "carried"]
    assert events[-1].facts["rssi_dbm"] == -80.0


async def test_who_is_off_neither_hears_nor_sends() -> None:
    """A station without power hears nothing, not even a burst whose end it is awake for."""
    medium = plain(Table(LEVELS))
    a, c = Ear(medium, "a"), Ear(medium, "c")

    c.radio.switch(on=False, now_ns=0)
    assert not medium.transmit(c.radio, "x", octets=1, airtime_ns=AIRTIME_NS)
    send(medium, a, "off", c)
    await asyncio.sleep(0.02)
    c.radio.switch(on=True, now_ns=medium.timeline.now_ns)
    await asyncio.sleep(1.0)
    send(medium, a, "on", c)
    await asyncio.sleep(1.0)

    assert c.heard == ["on"]


async def test_airtime_and_energy_are_counted() -> None:
    """Ten bursts of 27.5 ms at 8 W and 100 s of listening at 0.5 W are 52.2 J."""
    medium = plain(Table(LEVELS))
    a = Ear(medium, "a")
    for number in range(10):
        send(medium, a, "x", after_ns=number * 50_000_000)
    await asyncio.sleep(100.0)

    assert a.radio.airtime_s == pytest.approx(0.275)
    assert a.radio.drawn_j(medium.timeline.now_ns) == pytest.approx(52.2)


async def test_two_of_one_name_are_refused() -> None:
    """Names are the streams' names: two stations of one name would share their luck."""
    medium = plain(Table({}))
    Ear(medium, "a")
    with pytest.raises(ValueError, match="a is there already"):
        Ear(medium, "a")
