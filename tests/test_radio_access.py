"""Taking turns on a shared channel is as good and as bad as theory says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from statistics import mean

import pytest

from sim.loop import run
from sim.physics.aloha import pure_aloha, slotted_aloha
from sim.radio.csma import Access, Aloha, Csma, SlottedAloha
from sim.radio.tdma import BURST_NS, SLOT_NS, SlotPlan, Tdma
from sim.radio.timing import NS
from tests.radio_world import Ear, Poisson, Star, plain

AIRTIME_S = 0.1
BURSTS = 4_000
NO_CAPTURE_DB = 300.0


def throughput(access: Callable[[], Access], load: float, seed: int) -> float:
    """Return the share of time in which the base hears a burst that survives."""

    async def world() -> float:
        medium = plain(Star(near=True), seed=seed, ci_db=NO_CAPTURE_DB)
        traffic = Poisson(medium, access, load=load, airtime_s=AIRTIME_S)
        over_s = BURSTS * AIRTIME_S / load
        await asyncio.sleep(over_s)
        return len(traffic.base.heard) * AIRTIME_S / over_s

    return run(world())


@pytest.mark.parametrize("load", [0.1, 0.5, 1.0])
def test_pure_aloha_follows_its_curve(load: float) -> None:
    """Mean throughput over three seeds is G e^-2G within 5 %."""
    found = mean(throughput(Aloha, load, seed) for seed in (1, 2, 3))
    assert found == pytest.approx(pure_aloha(load), rel=0.05)


@pytest.mark.parametrize("load", [0.1, 0.5, 1.0])
def test_slotted_aloha_follows_its_curve(load: float) -> None:
    """Mean throughput over three seeds is G e^-G within 5 %."""
    found = mean(throughput(lambda: SlottedAloha(AIRTIME_S), load, seed) for seed in (1, 2, 3))
    assert found == pytest.approx(slotted_aloha(load), rel=0.05)


@pytest.mark.parametrize("load", [0.5, 1.0])
def test_listening_first_beats_slots(load: float) -> None:
    """CSMA carries more than slotted ALOHA ever could, at every seed."""
    found = [throughput(lambda: Csma(p=0.1), load, seed) for seed in (1, 2, 3)]
    assert min(found) > max(slotted_aloha(load), slotted_aloha(1.0))


async def test_two_slots_do_not_disturb_each_other() -> None:
    """Stations in different slots of one frame are all heard, though both send in every frame."""
    medium = plain(Star(), ci_db=NO_CAPTURE_DB)
    base, one, two = (Ear(medium, name) for name in ("base", "one", "two"))
    plan = SlotPlan()
    for ear, place in ((one, 0), (two, 1)):
        access = Tdma(plan, [place])
        for frame in range(10):
            now_ns = medium.timeline.now_ns + frame * 2 * SLOT_NS + 1
            wait_ns = access.wait_ns(medium, ear.radio, medium.streams.stream("x"), now_ns)
            begins_ns = now_ns + wait_ns
            assert begins_ns // SLOT_NS % 2 == place
            medium.timeline.post(
                begins_ns,
                lambda radio: medium.transmit(radio, radio.name, octets=10, airtime_ns=BURST_NS),
                ear.radio,
            )
    await asyncio.sleep(2.0)

    assert [base.heard.count(name) for name in ("one", "two")] == [10, 10]
    assert medium.sent_ns / NS == pytest.approx(20 * 0.0275)


async def test_a_wrong_slot_clock_collides() -> None:
    """A station whose slot clock is 5 ms late runs into the next slot, and neither burst survives there."""
    medium = plain(Star(), ci_db=NO_CAPTURE_DB)
    base, one, two = (Ear(medium, name) for name in ("base", "one", "two"))
    plan = SlotPlan()
    for ear, place, offset_ns in ((one, 0, 5_000_000), (two, 1, 0)):
        access = Tdma(plan, [place], offset_ns=offset_ns)
        wait_ns = access.wait_ns(medium, ear.radio, medium.streams.stream("x"), 100_000_000)
        medium.timeline.post(
            100_000_000 + wait_ns,
            lambda radio: medium.transmit(radio, radio.name, octets=10, airtime_ns=BURST_NS),
            ear.radio,
        )
    await asyncio.sleep(1.0)

    assert base.heard == []


def test_a_place_outside_the_frame_is_refused() -> None:
    """A slot plan of two slots has no place 2."""
    with pytest.raises(ValueError, match="frame of 2"):
        Tdma(SlotPlan(), [2])
