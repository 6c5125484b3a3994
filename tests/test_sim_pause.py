"""A paused box, and a channel that does its worst."""

from __future__ import annotations

import asyncio
from contextvars import copy_context

from sim.channel import Channel
from sim.loop import BOX, VirtualLoop
from sim.rng import Streams


async def test_a_paused_box_runs_nothing_and_goes_on_late_in_order() -> None:
    """Timers of a paused box run when it is resumed; another box's run on time."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    ran: list[tuple[str, float]] = []

    async def tick(name: str) -> None:
        for _ in range(3):
            await asyncio.sleep(1.0)
            ran.append((name, loop.time()))

    def start(name: str) -> asyncio.Task[None]:
        context = copy_context()
        context.run(BOX.set, name)
        return loop.create_task(tick(name), context=context)

    tasks = [start("a"), start("b")]
    loop.call_later(1.5, loop.pause, "a")
    loop.call_later(5.5, loop.resume, "a")
    await asyncio.gather(*tasks)
    assert ran == [("a", 1.0), ("b", 1.0), ("b", 2.0), ("b", 3.0), ("a", 5.5), ("a", 6.5)]


async def test_a_clogged_channel_delivers_everything_in_order_when_freed() -> None:
    """Nothing is lost by a clog, and nothing overtakes."""
    channel = Channel("c", rng=Streams(1).stream("c"), delay_s=0.1)
    got: list[int] = []
    channel.clogged = True
    for number in range(5):
        channel.carry(1, lambda number=number: got.append(number))  # type: ignore[misc]
    await asyncio.sleep(1)
    assert got == []
    channel.clogged = False
    assert got == [0, 1, 2, 3, 4]


async def test_one_direction_may_be_cut_alone() -> None:
    """An asymmetric partition: there nothing passes, back everything does."""
    channel = Channel("c", rng=Streams(1).stream("c"))
    got: list[str] = []
    channel.cut_there = True
    channel.carry(1, lambda: got.append("there"))
    channel.carry(1, lambda: got.append("back"), back=True)
    await asyncio.sleep(1)
    assert (got, channel.lost) == (["back"], 1)


async def test_shares_of_doubled_and_spoilt_things_are_as_asked() -> None:
    """`duplicate` and `corrupt` are shares of what is carried, within four standard deviations."""
    channel = Channel("c", rng=Streams(1).stream("c"), delay_s=0.1)
    channel.duplicate, channel.corrupt = 0.3, 0.2
    got: list[bool] = []
    for _ in range(2_000):
        channel.carry(1, lambda: got.append(False), spoilt=lambda: got.append(True))
    await asyncio.sleep(1)
    assert abs(len(got) - 2_600) < 4 * 20.5
    assert abs(sum(got) / len(got) - 0.2) < 4 * 0.009
