"""The simulated surroundings of a driver: randomness, clock, memory."""

from __future__ import annotations

import asyncio

from sim.clock import EPOCH_UNIX_MS, SimClock
from sim.env import SimParts, sim_env
from sim.ports import SimConnector
from sim.rng import Streams


def test_a_new_stream_shifts_nobody() -> None:
    """Draws of one name do not depend on which other names exist or how much they drew."""
    alone, crowded = Streams(42), Streams(42)
    crowded.stream("veh-2/loss").random()
    crowded.stream("veh-1/loss.extra").random()

    assert alone.stream("veh-1/loss").random() == crowded.stream("veh-1/loss").random()


def test_seed_and_name_give_the_same_draws_in_every_process() -> None:
    """A pinned value: a changed derivation would silently change every seeded run."""
    assert Streams(42).stream("veh-1/loss").getrandbits(32) == 3718815074


def test_names_and_seeds_differ() -> None:
    """Two names, or two seeds, draw differently."""
    draws = {Streams(s).stream(n).getrandbits(64) for s in (1, 2) for n in ("a", "b")}

    assert len(draws) == 4


async def test_a_stepped_date_does_not_touch_monotonic_time() -> None:
    """Thirty years back and forth move the date and nothing else."""
    clock = SimClock()
    await clock.sleep(10)

    clock.step(years=-30)

    assert clock.monotonic_s() == 10
    assert clock.unix_ms() < EPOCH_UNIX_MS - 29 * 365 * 86_400_000


async def test_the_date_drifts_as_asked() -> None:
    """At 100 ppm a day gains 8.64 s."""
    clock = SimClock(drift_ppm=100)
    start_ms = clock.unix_ms()

    await asyncio.sleep(86_400)

    assert clock.unix_ms() - start_ms == 86_400_000 + 8_640


async def test_memory_survives_a_second_opening() -> None:
    """Notes saved by one opening of a driver are there for the next; empty values are removed."""
    parts, connector, streams = SimParts(), SimConnector(), Streams(1)
    first = sim_env("pdt", connector=connector, streams=streams, parts=parts)
    await first.memory.save({"sequence": "7", "gone": "1"})
    await first.memory.save({"gone": ""})

    second = sim_env("pdt", connector=connector, streams=streams, parts=parts)

    assert await second.memory.load() == {"sequence": "7"}


async def test_log_trace_and_probes_can_be_looked_into() -> None:
    """What the driver told its world is kept in order."""
    parts = SimParts()
    env = sim_env("pdt", connector=SimConnector(), streams=Streams(1), parts=parts)

    env.log.info("port_opened", link="pdt")
    env.trace.record("pdt", "tx", b"AT\r")
    env.hooks.probe("pdt.reopened")

    assert parts.log.events() == ["port_opened"]
    assert parts.trace.records[0].data == b"AT\r"
    assert parts.hooks.probes == ["pdt.reopened"]
    assert not env.hooks.buggify("anything")
