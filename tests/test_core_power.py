"""The power goes at any moment: nothing accepted is lost, nothing shown twice, what is owed stays owed."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from typing_extensions import override

from gateway.ledger import LedgerClosedError, LedgerFaultError
from gateway.native import REPEATED
from sim.fleet import SEAT, Box, until
from sim.kit import Sim
from sim.loop import VirtualLoop
from sim.pytest_plugin import sim_test
from tests.core_scene import passes, scene, texts

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

COMMIT_S = 0.02
"""An SD card's commit: half before the octets are there, half until the gateway hears of it."""


class SlowDiskLoop(VirtualLoop):
    """Commits take time, so that the power can go before one is on disk, or after, before anyone knows."""

    @override
    def run_in_executor(self, executor: object, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        async def slow() -> T:
            await asyncio.sleep(COMMIT_S / 2)
            value = func(*args)
            await asyncio.sleep(COMMIT_S / 2)
            return value

        return self.create_task(slow(), name="disk")


def slow_disks(limit_s: float) -> SlowDiskLoop:
    """A virtual loop of boxes with slow disks."""
    return SlowDiskLoop(limit_s=limit_s)


class Desk:
    """Somebody who sends until told to stop; knows what was accepted."""

    def __init__(self, box: Box, to: str, word: str) -> None:
        self.box, self.to, self.word = box, to, word
        self.accepted: list[str] = []
        self._number = 0

    async def work(self, rng: random.Random) -> None:
        """Send a message every now and then, while there is power."""
        while True:
            await asyncio.sleep(rng.uniform(0.05, 0.6))
            if self.box.on:
                self._number += 1
                text = f"{self.word} {self._number}"
                try:
                    await self.box.send(self.to, text)
                except (LedgerFaultError, LedgerClosedError):
                    continue  # the power went: not accepted
                except asyncio.CancelledError:
                    if self._told_to_stop():
                        raise
                    continue  # the power went before an answer came: not accepted
                self.accepted.append(text)

    @staticmethod
    def _told_to_stop() -> bool:
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0


async def cuts_over_ip(folder: Path, seed: int) -> None:
    """Both boxes lose power again and again while both desks send over a lossy path."""
    async with scene(folder, seed=seed) as field:
        rng = field.fleet.streams.stream("cuts")
        path = field.fleet.network.channel("10.0.0.1", "10.0.0.3")
        path.loss, path.jitter_s = 0.1, 0.1
        desks = [Desk(field.veh, "HQ", "上"), Desk(field.hq, "VEH-3", "下")]
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(desk.work(rng)) for desk in desks]
            for _ in range(10):
                await asyncio.sleep(rng.uniform(0.5, 6.0))
                await rng.choice(field.boxes).restart(off_s=rng.uniform(0.2, 3.0))
            await asyncio.sleep(2)
            for task in working:
                task.cancel()
        path.loss = 0.0

        async def all_there() -> bool:
            up, down = await texts(field.hq), await texts(field.veh)
            return set(desks[0].accepted) <= set(up) and set(desks[1].accepted) <= set(down)

        await until(all_there, limit_s=900)
        await passes(60)
        for box, other in ((field.hq, desks[0]), (field.veh, desks[1])):
            shown = await texts(box)
            assert len(shown) == len(set(shown)), "nothing is shown twice"
            assert set(other.accepted) <= set(shown)
        assert len(desks[0].accepted) + len(desks[1].accepted) > 50


@sim_test(seeds=8, limit_s=100_000, loop=slow_disks)
async def test_random_power_cuts_lose_and_double_nothing(sim: Sim) -> None:
    """Ten power cuts at random moments, on disks whose commits take 20 ms: 0 lost, 0 doubled."""
    await cuts_over_ip(sim.folder, sim.seed)


async def cuts_with_handhelds(folder: Path, seed: int) -> None:
    """The vehicle loses power while people type and headquarters writes to them."""
    async with scene(folder, "pdt", "tiantong", seed=seed) as field:
        rng = field.fleet.streams.stream("cuts")
        sent = []
        for number in range(5):
            field.one.type_text(f"手台 {number}")
            field.phone.type_text(f"卫星 {number}", field.veh_modem.number)
            sent.append(await field.hq.send("ZHANG", f"给手台 {number}"))
            sent.append(await field.hq.send("WANG", f"给电话 {number}"))
            await asyncio.sleep(rng.uniform(0.0, 12.0))
            await field.veh.restart(off_s=rng.uniform(0.2, 2.0))
            await asyncio.sleep(rng.uniform(10, 60))
        await passes(900)

        shown = await texts(field.hq)
        assert len(shown) == len(set(shown)), shown
        heard = {t.text for t in field.one.typed if t.outcome == "delivered"}
        heard |= {t.text for t in field.phone.typed if t.outcome == "delivered"}
        assert heard <= set(shown)
        for screen in (field.one.texts(), [s.text for s in field.phone.screen]):
            first = [text for text in screen if not text.startswith(REPEATED)]
            assert len(first) == len(set(first)), screen
            repeats = [text for text in screen if text.startswith(REPEATED)]
            assert all(repeats.count(text) <= 2 for text in repeats)
        on_screens = " ".join([*field.one.texts(), *(s.text for s in field.phone.screen)])
        assert all(message.text in on_screens for message in sent)


@sim_test(seeds=4, limit_s=100_000, loop=slow_disks)
async def test_power_cuts_among_handhelds(sim: Sim) -> None:
    """What devices saw delivered is shown once; texts to them are shown, repeats marked."""
    await cuts_with_handhelds(sim.folder, sim.seed)


async def test_receipts_owed_survive_a_power_cut(tmp_path: Path) -> None:
    """A read mark made while no link lives reaches the origin after a restart."""
    async with scene(tmp_path) as field:
        message = await field.veh.send("HQ", "请阅")
        await field.veh.reaches(message, "delivered")
        field.cut_ip()
        await field.hq.backend.acknowledge(str(message.id), SEAT)
        await field.hq.restart()
        await passes(30)
        field.heal_ip()

        await field.veh.reaches(message, "acknowledged", limit_s=60)


async def test_origin_restarted_still_hears_the_receipt(tmp_path: Path) -> None:
    """The origin loses power between delivery and reading: the receipt finds its message."""
    async with scene(tmp_path, "pdt") as field:
        message = await field.hq.send("ZHANG", "收到请回", ack_wanted=True)
        await field.hq.reaches(message, "relayed", limit_s=10)
        await field.hq.restart(off_s=60)
        field.one.type_text("收到")

        await field.hq.reaches(message, "acknowledged", limit_s=300)


async def test_quiet_and_queue_survive_together(tmp_path: Path) -> None:
    """What waited while the box was quiet leaves, in order, after a restart and the end of quiet."""
    async with scene(tmp_path) as field:
        await field.veh.quiet("all", on=True)
        for number in range(5):
            await field.veh.send("HQ", f"等待 {number}")
        await field.veh.restart()
        await field.veh.quiet("all", on=False)

        async def there() -> bool:
            return len(await texts(field.hq)) == 5

        await until(there, limit_s=60)
        assert await texts(field.hq) == [f"等待 {n}" for n in range(5)]


async def test_relay_that_lost_its_ledger_is_offered_the_message_again(tmp_path: Path) -> None:
    """A relay took custody and lost its disk: half an hour later the origin offers the copy again."""
    async with scene(tmp_path, "pdt") as field:
        field.one.in_coverage = False
        message = await field.hq.send("ZHANG", "原地待命")
        await field.hq.reaches(message, "relayed", limit_s=10)
        await passes(25)
        await field.veh.stop()
        shutil.rmtree(field.veh.ledger_path.parent)
        field.one.in_coverage = True
        await field.veh.power_on()

        took_s = await field.hq.reaches(message, "delivered", limit_s=3600)

        assert took_s < 1900
        assert field.one.texts() == ["HQ：原地待命"]


async def test_at_most_two_repeats_over_many_restarts(tmp_path: Path) -> None:
    """Restarts in the middle of a text of unknown outcome never make more than two repeats of it."""
    async with scene(tmp_path, "pdt") as field:
        field.veh_radio.faults.silent_results = True
        await field.hq.send("ZHANG", "原地待命")
        for _ in range(8):
            await passes(45)
            await field.veh.restart()
        await passes(1800)

        shown = field.one.texts()
        assert shown[0] == "HQ：原地待命"
        assert shown[1:] == [f"{REPEATED}HQ：原地待命"] * (len(shown) - 1)
        assert len(shown) <= 3
