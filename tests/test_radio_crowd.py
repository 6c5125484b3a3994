"""A crowd is heard, answered and repeated; callbacks and coroutines make the same world of it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace

import pytest

from sim.loop import run
from sim.radio.crowd import Crowd, Habit, Member
from sim.radio.medium import Medium
from sim.radio.physics import FourFsk
from sim.radio.reception import Antenna, Spot
from sim.record import Event, Record, What
from sim.rng import Streams
from tests.crowd_twin import Twin
from tests.radio_world import Star, plain

BUSY = Habit(period_s=5.0)
NODES, AROUND = 120, 10
DURATION_S = 300.0


class Ring:
    """Everybody is heard by ten on either side, the farther the weaker."""

    def rssi_dbm(self, tx: Antenna, rx: Antenna, at_s: float) -> float:
        """Return -104 dBm next door, 1.5 dB less with every further place."""
        del at_s
        apart = abs(tx.x_km - rx.x_km)
        apart = min(apart, NODES - apart)
        return -104.0 - 1.5 * apart if apart <= AROUND else -200.0


def medium(seed: int, record: Record) -> Medium:
    """Return the channel of both worlds."""
    return Medium("crowd", Streams(seed), Ring(), reception=FourFsk(), floor_dbm=-150.0, record=record)


async def world(seed: int, *, coroutines: bool) -> tuple[dict[str, int], list[str], dict[str, int]]:
    """Let a crowd live for a while; return its tally, every burst's fate in order, and the fates' counts."""
    record, fates = Record(), list[str]()

    def note(event: Event) -> None:
        facts = event.facts
        fates.append(f"{event.at_ns} {event.node}>{facts['to']} {facts['fate']} {facts['rssi_dbm']}")

    record.watch(note, What.AIR)
    crowd = Crowd(medium(seed, record), BUSY)
    spots = [Spot(f"hh-{number}", float(number)) for number in range(NODES)]
    async with asyncio.TaskGroup() as tasks:
        everyone: list[Member | Twin] = [*(Twin(crowd, spot) for spot in spots if coroutines)]
        everyone += [crowd.add(spot) for spot in spots if not coroutines]
        for number, one in enumerate(everyone):
            one.to = everyone[(number + 1 + number % 3) % NODES].radio
        lives = [tasks.create_task(one.run(tasks)) for one in everyone if isinstance(one, Twin)]
        await asyncio.sleep(DURATION_S)
        tally = asdict(replace(crowd.tally))
        for task in asyncio.all_tasks() - {asyncio.current_task()} if lives else set():
            task.cancel()
    return tally, fates, {fate.value: count for fate, count in crowd.medium.counts.items()}


@pytest.mark.parametrize("seed", [1, 2])
def test_coroutines_and_callbacks_agree_to_the_last_collision(seed: int) -> None:
    """The same crowd as coroutines has the same bursts at the same nanoseconds, with the same fates."""
    callbacks, coroutines = run(world(seed, coroutines=False)), run(world(seed, coroutines=True))

    assert callbacks[2]["collided"] > 100
    assert callbacks[2]["faded"] > 100
    assert callbacks[2]["deaf"] > 10
    assert callbacks == coroutines


def test_two_seeds_differ() -> None:
    """Another seed is another world."""
    assert run(world(1, coroutines=False)) != run(world(2, coroutines=False))


async def test_a_crowd_registers_and_reports() -> None:
    """On a clear channel each report of each handheld is delivered at its first try, registration first."""
    air = plain(Star(near=True))
    base = Crowd(air, replace(BUSY, period_s=0.0)).add(Spot("base"))
    crowd = Crowd(air, replace(BUSY, period_s=60.0))
    members = [crowd.add(Spot(f"hh-{number}"), base.radio) for number in range(5)]

    await asyncio.sleep(599.0)

    assert all(member.registered for member in members)
    assert crowd.tally.offered == crowd.tally.delivered >= 45
    assert len(base.last_heard) == 5


async def test_a_handheld_gives_up_and_comes_back() -> None:
    """Without an answer a report has its tries and no more; switched off and on again it registers anew."""
    air = plain(Star(near=True))
    base = Crowd(air, replace(BUSY, period_s=0.0)).add(Spot("base"))
    crowd = Crowd(air, replace(BUSY, period_s=60.0))
    one = crowd.add(Spot("one"), base.radio)
    base.switch(on=False)
    await asyncio.sleep(599.0)
    assert crowd.tally.given_up == crowd.tally.offered
    assert crowd.tally.tries == crowd.tally.offered * BUSY.tries

    base.switch(on=True)
    await asyncio.sleep(60.0)
    registered = [one.registered]
    one.switch(on=False)
    assert [*registered, one.registered] == [True, False]
    tries = crowd.tally.tries
    await asyncio.sleep(600.0)
    assert crowd.tally.tries == tries
