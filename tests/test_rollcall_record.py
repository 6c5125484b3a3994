"""What a roll call does when its disk refuses, when its box loses power, and when two begin at once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.api.backend import RefusedError
from gateway.ledger import notes, roll_calls
from gateway.ledger.errors import LedgerError
from gateway.rollcall.call import LATE_WINDOW_S
from sim.fleet import Box, until
from sim.kit import Sim
from sim.people import NEVER, Habit
from sim.pytest_plugin import sim_test
from tests.core_scene import BASE, ONE, PHONE, TWO, VEH, passes, scene
from tests.rollcall_board import FAST, Board, call

SLOW = Habit(delay_s=(60.0, 200.0))
"""Answers a question minutes after it came."""


@asynccontextmanager
async def bad_disk(box: Box) -> AsyncGenerator[None]:
    """The file system of a box goes read-only, as a worn card does, and comes back."""
    connection = await _connection(box)
    connection.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        connection.execute("PRAGMA query_only = OFF")


async def _connection(box: Box) -> sqlite3.Connection:
    return await box.gateway.core.ledger.write(lambda tx: tx.connection)


async def test_full_disk_while_asking_does_not_end_the_gateway(tmp_path: Path) -> None:
    """A disk full in mid-call: nobody is asked without a note on disk; with room again the call goes on."""
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        field.base.powered = False
        board = await call(field.hq, "BASE-1", deadline_s=240)
        field.hq.disk.full = True
        with pytest.raises(LedgerError):
            await field.hq.gateway.core.ledger.write(lambda tx: notes.meta_set(tx, "filler", "x"))
        tries = (await board.entry(BASE))["tries"]
        await passes(60)
        field.base.powered = True
        assert field.hq.gateway.core.counts["roll_call_asks_refused"] > 0
        assert (await board.entry(BASE))["tries"] == tries
        field.hq.disk.full = False

        shown = await board.ended()

        assert await board.state(BASE) == "answered"
        assert shown["state"] == "ended"


async def test_the_end_is_stored_as_soon_as_the_disk_takes_it(tmp_path: Path) -> None:
    """A disk that refuses everything at the deadline: the call stays open and ends when it can be kept."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(NEVER, "wang")
        board = await call(field.hq, "WANG", deadline_s=30)
        await passes(20)
        async with bad_disk(field.hq):
            await passes(60)
            assert (await board.shown())["state"] == "running"
            running = field.hq.gateway.roll_calls.running()
            assert running is not None
            assert not running.ended
        await passes(5)

        assert (await board.shown())["state"] == "ended"
        assert await board.state(PHONE) == "absent"


async def test_the_seal_is_stored_as_soon_as_the_disk_takes_it(tmp_path: Path) -> None:
    """A disk that refuses the seal is asked until the record is sealed."""
    async with scene(tmp_path, extra=FAST) as field:
        board = await call(field.hq, "VEH-3")
        await board.ended()
        await passes(LATE_WINDOW_S - 60)
        async with bad_disk(field.hq):
            await passes(120)
            assert (await board.shown())["hash"] == ""
        await passes(5)

        assert (await board.shown())["hash"]


async def test_answer_the_disk_refused_is_no_answer(tmp_path: Path) -> None:
    """An online check answered while the disk refuses counts nowhere; asked again, the station is there."""
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        field.base.powered = False
        board = await call(field.hq, "BASE-1", deadline_s=240)
        await passes(2)
        field.base.powered = True
        async with bad_disk(field.hq):
            field.base.type_text("到")
            await passes(40)
            running = field.hq.gateway.roll_calls.running()
            assert running is not None
            assert running.entries[BASE].state == await board.state(BASE) == "pending"
        await board.ended()

        assert await board.state(BASE) == "answered"


async def test_two_starts_at_once_make_one_call(tmp_path: Path) -> None:
    """Of two roll calls begun at the same moment one runs; the other is refused and names it."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(NEVER, "wang")

        begun = await asyncio.gather(
            *(call(field.hq, "WANG", deadline_s=30) for _ in range(3)), return_exceptions=True
        )

        boards = [one for one in begun if isinstance(one, Board)]
        refused = [one.found for one in begun if isinstance(one, RefusedError)]
        assert refused == [boards[0].call_id] * 2
        assert len(await field.hq.backend.roll_calls(10)) == 1


async def test_a_start_the_disk_refused_leaves_the_way_free(tmp_path: Path) -> None:
    """A roll call that could not be stored does not stand in the way of the next."""
    async with scene(tmp_path, extra=FAST) as field:
        async with bad_disk(field.hq):
            with pytest.raises(LedgerError):
                await call(field.hq, "VEH-3")

        board = await call(field.hq, "VEH-3")

        assert (await board.ended())["counts"]["answered"] == 1


async def test_no_call_is_left_unsealed_when_many_follow_each_other(tmp_path: Path) -> None:
    """Of a dozen calls within one late window each is run, and all are sealed half an hour later."""
    async with scene(tmp_path, extra=FAST) as field:
        boards = []
        for _ in range(12):
            boards.append(await call(field.hq, "VEH-3"))
            assert (await boards[-1].ended())["counts"]["answered"] == 1
        await passes(10)
        assert (await boards[0].shown())["hash"], "the oldest made room"
        assert not (await boards[-1].shown())["hash"]
        await passes(LATE_WINDOW_S + 60)

        assert all([(await board.shown())["hash"] for board in boards])
        assert await field.hq.gateway.core.ledger.read(roll_calls.broken_seal) is None


async def test_record_is_sealed_though_the_box_restarts_again_and_again(tmp_path: Path) -> None:
    """Power lost every ten minutes: the record is sealed half an hour of running time after its end."""
    async with scene(tmp_path, extra=FAST) as field:
        board = await call(field.hq, "VEH-3")
        await board.ended()
        for _ in range(2):
            await passes(600)
            await field.hq.restart()
            assert (await board.shown())["hash"] == ""
        await passes(605)
        await field.hq.restart()
        await passes(60)

        assert (await board.shown())["hash"]


async def test_after_a_restart_an_answer_counts_for_the_newest_call(tmp_path: Path) -> None:
    """Asked in two calls, power lost: what is typed then answers the second."""
    async with scene(tmp_path, "tiantong", extra=FAST, ip=False) as field:
        field.phone.person = field.person(NEVER, "wang")
        first = await call(field.veh, "WANG", deadline_s=30)
        await first.ended()
        second = await call(field.veh, "WANG", deadline_s=300)
        await passes(30)
        await field.veh.restart()
        await field.up("tiantong")
        field.phone.type_text("到", field.veh_modem.number)

        await second.ended()

        assert await second.state(PHONE) == "answered"
        assert await first.state(PHONE) == "absent"


async def test_relay_that_restarts_while_somebody_thinks_counts_the_answer(tmp_path: Path) -> None:
    """The vehicle loses power between question and answer: the answer, typed once, is counted."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(NEVER, "wang")
        board = await call(field.hq, "WANG", deadline_s=600)
        await until(lambda: bool(field.phone.screen), limit_s=60)
        await field.veh.restart()
        await field.up("ip", "tiantong")
        field.phone.type_text("到 7人", field.veh_modem.number)
        await passes(30)

        entry = await board.entry(PHONE)
        assert (entry["state"], entry["head_count"]) == ("relayed", 7)


async def test_relay_that_restarts_with_an_answer_untold_tells_it(tmp_path: Path) -> None:
    """The vehicle had the answer on disk and no way to headquarters when its power went: it is told later."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(NEVER, "wang")
        board = await call(field.hq, "WANG", deadline_s=600)
        await until(lambda: bool(field.phone.screen), limit_s=60)
        field.cut_ip()
        field.hq_modem.powered = False
        field.phone.type_text("到 7人", field.veh_modem.number)
        await passes(30)
        assert await board.state(PHONE) == "pending"
        await field.veh.restart()
        await passes(30)
        field.heal_ip()
        await passes(60)

        entry = await board.entry(PHONE)
        assert (entry["state"], entry["head_count"]) == ("relayed", 7)


async def test_caller_that_restarts_with_a_poll_unsent_asks_again(tmp_path: Path) -> None:
    """Headquarters had used up its tries on a dead path when its power went: it asks when the path lives."""
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        field.cut_ip()
        field.veh_radio.in_coverage = False
        await passes(30)
        board = await call(field.hq, "ZHANG", deadline_s=900)
        await passes(500)
        await field.hq.restart()
        field.heal_ip()
        field.veh_radio.in_coverage = True

        await board.ended()

        assert await board.state(ONE) == "relayed"


async def test_what_was_found_out_for_a_neighbour_is_the_neighbours_record(tmp_path: Path) -> None:
    """The vehicle lists no roll call of headquarters, and keeps none after the late window."""
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        board = await call(field.hq, "ZHANG", "LI")
        await board.ended()
        assert await field.veh.backend.roll_calls(10) == []
        ledger = field.veh.gateway.core.ledger
        kept = await ledger.read(lambda tx: roll_calls.list_calls(tx, open_only=True))
        assert [sorted(one.entries) for one in kept] == [[ONE, TWO]]
        assert await field.veh.backend.roll_call(kept[0].call_id) is None
        await passes(LATE_WINDOW_S + 300)

        assert await ledger.read(lambda tx: roll_calls.list_calls(tx, open_only=True)) == []


@sim_test(seeds=3)
async def test_roll_call_through_power_cuts_bad_disks_and_a_dead_path(sim: Sim) -> None:
    """Whatever fails for ten minutes: nobody who answered is missing at the end, and the record is sealed."""
    async with scene(sim.folder, "pdt", "tiantong", extra=FAST, seed=sim.seed) as field:
        fate = field.fleet.streams.stream("fate")
        field.phone.person = field.person(SLOW, "wang")
        board = await call(field.hq, "ZHANG", "LI", "WANG", "BASE-1", "VEH-3", deadline_s=1800)
        for _ in range(10):
            box = fate.choice(field.boxes)
            match fate.choice(("power", "disk", "path")):
                case "power":
                    await box.restart(off_s=fate.uniform(1, 30))
                case "disk":
                    async with bad_disk(box):
                        await passes(fate.uniform(5, 40))
                case _:
                    field.cut_ip()
            await passes(fate.uniform(1, 60))
            field.heal_ip()

        shown = await board.ended(limit_s=2400)

        states = {entry["station"]: entry["state"] for entry in shown["entries"]}
        assert states == {VEH: "answered", ONE: "relayed", TWO: "relayed", PHONE: "relayed", BASE: "answered"}
        await passes(LATE_WINDOW_S + 60)
        assert (await board.shown())["hash"]
