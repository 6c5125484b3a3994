"""Group commit: what shares a commit, in which order, and whom a failure reaches."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typing_extensions import override

from drivers.base import Stage
from gateway.domain import MessageId
from gateway.ledger import (
    LedgerClosedError,
    LedgerLockedError,
    LedgerNewerError,
    LinkMemory,
    Tx,
    attempts,
    engine,
    events,
    messages,
    notes,
)
from gateway.ledger.storage import Disk
from tests.ledger_world import HQ, accept, open_ledger

ROOT = Path(__file__).resolve().parent.parent


async def test_writers_of_one_moment_share_commits_urgent_first() -> None:
    """Of 600 waiting operations at most 256 share a commit, the urgent ones in the first."""
    ledger = await open_ledger(":memory:")
    order: list[tuple[float, str]] = []
    commits: list[Tx] = []

    def note(name: str) -> Callable[[Tx], None]:
        def op(tx: Tx) -> None:
            if tx not in commits:
                commits.append(tx)
            order.append((commits.index(tx), name))

        return op

    async with asyncio.TaskGroup() as tasks:
        for n in range(590):
            tasks.create_task(ledger.write(note(f"normal {n}")))
        for n in range(10):
            tasks.create_task(ledger.write(note(f"urgent {n}"), urgent=True))

    assert [name for _, name in order[:10]] == [f"urgent {n}" for n in range(10)]
    assert [name for _, name in order[10:]] == [f"normal {n}" for n in range(590)]
    assert [sum(1 for c, _ in order if c == k) for k in range(len(commits))] == [256, 256, 88]
    await ledger.close()


async def test_a_flood_of_urgent_operations_does_not_starve_the_others() -> None:
    """While urgent operations fill every commit, ordinary ones still get their share of places."""
    ledger = await open_ledger(":memory:")
    order: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ledger.write(lambda _tx: order.append("normal")))
        for _ in range(600):
            tasks.create_task(ledger.write(lambda _tx: order.append("urgent"), urgent=True))
    assert order.index("normal") < engine.MAX_OPS_PER_COMMIT
    await ledger.close()


async def test_one_failing_operation_reaches_only_its_caller() -> None:
    """Its own writes are undone, its exception is raised to it, its neighbours in the commit stand."""
    ledger = await open_ledger(":memory:")

    def bad(tx: Tx) -> None:
        accept(tx, text="bad")
        events.append(tx, "bad", {})
        raise ZeroDivisionError

    results = await asyncio.gather(
        ledger.write(accept), ledger.write(bad), ledger.write(accept), return_exceptions=True
    )

    assert isinstance(results[1], ZeroDivisionError)
    assert isinstance(results[0], MessageId)
    kept = await ledger.read(messages.list_messages)
    assert {m.id for _, m in kept} == {results[0], results[2]}
    assert ledger.newest_cursor == 0
    await ledger.close()


async def test_cancelled_before_its_commit_an_operation_never_runs() -> None:
    """A caller who gives up in the queue leaves nothing behind, and the others go on."""
    ledger = await open_ledger(":memory:")
    ran: list[str] = []
    doomed = asyncio.get_running_loop().create_task(ledger.write(lambda _tx: ran.append("doomed")))
    kept = asyncio.get_running_loop().create_task(ledger.write(lambda _tx: ran.append("kept")))
    await asyncio.sleep(0)
    doomed.cancel()
    await kept
    assert ran == ["kept"]
    await ledger.close()


class OneThread(Disk):
    """A disk whose work runs in a given thread."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread

    @property
    @override
    def executor(self) -> ThreadPoolExecutor:
        return self._thread


@pytest.mark.real
async def test_cancelled_during_its_commit_an_operation_is_whole_and_the_ledger_lives(tmp_path: Path) -> None:
    """Giving up in mid-commit costs the answer, not the entry, and nobody behind waits for ever."""
    with ThreadPoolExecutor(1) as executor:
        ledger = await open_ledger(tmp_path / "ledger.db", storage=OneThread(executor))
        entered, leave = threading.Event(), threading.Event()

        def slow(tx: Tx) -> None:
            entered.set()
            leave.wait(10)
            notes.meta_set(tx, "slow", "done")

        task = asyncio.get_running_loop().create_task(ledger.write(slow))
        await asyncio.to_thread(entered.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        leave.set()
        await ledger.write(accept)
        assert await ledger.read(lambda tx: notes.meta_get(tx, "slow")) == "done"
        await ledger.close()


async def test_writers_wait_outside_a_full_queue_and_all_get_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-pressure: no more operations queue than allowed, an urgent one passes them, none is lost."""
    monkeypatch.setattr(engine, "MAX_QUEUED_OPS", 8)
    ledger = await open_ledger(":memory:")
    longest = 0

    def op(_tx: Tx) -> None:
        nonlocal longest
        longest = max(longest, len(ledger._normal))

    await asyncio.gather(*(ledger.write(op) for _ in range(100)), ledger.write(op, urgent=True))
    assert longest <= 8
    await ledger.close()


async def test_close_finishes_what_was_queued_and_refuses_what_comes_later(tmp_path: Path) -> None:
    """Everything handed in before `close` is answered and on disk; later ones are refused."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    writes = [asyncio.get_running_loop().create_task(ledger.write(accept)) for _ in range(300)]
    await asyncio.sleep(0)
    await ledger.close()
    done = {await write for write in writes}
    with pytest.raises(LedgerClosedError):
        await ledger.write(accept)
    with pytest.raises(LedgerClosedError):
        await ledger.read(messages.waiting_counts)
    again = await open_ledger(tmp_path / "ledger.db")
    kept = await again.read(lambda tx: messages.list_messages(tx, limit=500))
    assert {m.id for _, m in kept} == done
    await again.close()


async def test_every_opening_numbers_under_a_tag_of_its_own(tmp_path: Path) -> None:
    """A file cannot know that it is an old copy: even openings with the same dice never share a tag."""
    made: list[MessageId] = []
    for session in (1, 2, 3):
        ledger = await open_ledger(tmp_path / "ledger.db", seed=1)
        made.append(await ledger.write(accept))
        assert (ledger.session, ledger.incarnation) == (session, made[-1].incarnation)
        await ledger.close()
    assert len({identity.incarnation for identity in made}) == len(made)
    assert [identity.sequence for identity in made] == [1, 1, 1]


async def test_when_the_tags_run_out_the_life_before_goes_on(tmp_path: Path) -> None:
    """With every tag used up the last one stays, and its sequences go on: no identity is given twice."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    first = await ledger.write(accept)
    await ledger.write(_use_up_every_tag)
    await ledger.close()
    again = await open_ledger(tmp_path / "ledger.db", seed=2)
    assert await again.write(accept) == MessageId(first.origin, first.incarnation, first.sequence + 1)
    await again.close()


def _use_up_every_tag(tx: Tx) -> None:
    tx.execute(
        "WITH RECURSIVE tag (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM tag WHERE number < 65535) "
        "INSERT INTO origins SELECT ?, number, 1 FROM tag WHERE true ON CONFLICT DO NOTHING",
        (tx.station,),
    )


async def test_the_epoch_outlives_restarts_and_ends_with_a_restoration(tmp_path: Path) -> None:
    """Cursors go on after a restart; once the file is known to be restored they count in another epoch."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    first = await ledger.read(lambda tx: tx.epoch)
    await ledger.close()
    again = await open_ledger(tmp_path / "ledger.db", seed=2)
    kept = await again.read(lambda tx: tx.epoch)
    drawn = [await again.new_epoch(), await again.new_epoch()]
    changed = await again.read(lambda tx: tx.epoch)
    await again.close()
    assert (kept, drawn) == (first, [True, False])
    assert changed != first


async def test_a_new_incarnation_is_drawn_when_one_turns_out_to_be_used(tmp_path: Path) -> None:
    """After `new_incarnation` identities are made under the new tag."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    before = ledger.incarnation
    drawn = await ledger.new_incarnation(lambda tx: tx.incarnation)
    assert drawn == ledger.incarnation != before
    assert (await ledger.write(accept)).incarnation == drawn
    await ledger.close()


async def test_events_wake_waiters_after_the_commit() -> None:
    """A waiter gets the newest cursor once it is durable, and reads what it missed in order."""
    ledger = await open_ledger(":memory:")
    waiter = asyncio.get_running_loop().create_task(ledger.wait_events(0))
    await asyncio.sleep(0)
    await ledger.write(accept)
    await asyncio.sleep(0)
    assert not waiter.done()
    await ledger.write(lambda tx: [events.append(tx, "note", {"n": n}) for n in range(3)])
    assert await waiter == ledger.newest_cursor == 3
    found = await ledger.read(lambda tx: events.after(tx, 1))
    assert [(cursor, body["n"]) for cursor, _, body, _ in found] == [(2, 1), (3, 2)]
    await ledger.close()


async def test_a_waiter_for_events_is_told_when_the_ledger_closes() -> None:
    """Nobody waits for ever on a closed ledger."""
    ledger = await open_ledger(":memory:")
    waiter = asyncio.get_running_loop().create_task(ledger.wait_events(0))
    await asyncio.sleep(0)
    await ledger.close()
    with pytest.raises(LedgerClosedError):
        await waiter


async def test_a_second_daemon_is_refused_by_pid(tmp_path: Path) -> None:
    """The directory belongs to one; the error names whose it is, and it is free again after the close."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    with pytest.raises(LedgerLockedError) as caught:
        await open_ledger(tmp_path / "ledger.db")
    assert caught.value.pid == str(os.getpid())
    assert caught.value.pid in caught.value.zh
    await ledger.close()
    await (await open_ledger(tmp_path / "ledger.db")).close()


async def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A ledger of a newer program is neither read nor set aside, and the directory is free again."""
    path = tmp_path / "ledger.db"
    ledger = await open_ledger(path)
    await ledger.write(lambda tx: tx.execute("PRAGMA user_version = 999"))
    await ledger.close()
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(LedgerNewerError) as caught:
            await open_ledger(path)
        assert caught.value.found == 999
    assert path.read_bytes() == before


async def test_link_notes_survive_a_restart(tmp_path: Path) -> None:
    """A driver's notes are merged, an empty value removes, and all are there after the restart."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    memory = LinkMemory(ledger, "beidou")
    await memory.save({"next_unix_ms": "5", "sequence": "9"})
    await memory.save({"next_unix_ms": "", "sequence": "10"})
    await LinkMemory(ledger, "pdt").save({"sequence": "1"})
    await ledger.close()
    again = await open_ledger(tmp_path / "ledger.db")
    assert await LinkMemory(again, "beidou").load() == {"sequence": "10"}
    await again.close()


async def test_housekeeping_saves_ledger_time_every_minute(tmp_path: Path) -> None:
    """An idle gateway that loses power after an hour has lost at most a minute of its messages' age."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    house = asyncio.get_running_loop().create_task(ledger.run())
    await asyncio.sleep(3600.5)
    saved = await ledger.read(lambda tx: tx.one("SELECT ledger_s FROM clock"))
    assert saved is not None
    assert saved[0] >= 3540
    house.cancel()
    await ledger.close()


async def test_a_power_cut_keeps_the_commits_and_makes_attempts_unknown(tmp_path: Path) -> None:
    """Without a clean end: what was answered is there, what still waited is not, attempts are unknown."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    identity = await ledger.write(accept)
    await ledger.write(
        lambda tx: attempts.create(tx, identity, HQ, link="pdt", next_hop=HQ, octets=40, native=True)
    )
    waiting = asyncio.get_running_loop().create_task(ledger.write(accept))
    await asyncio.sleep(0)
    ledger.abandon()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    again = await open_ledger(tmp_path / "ledger.db")
    assert [m.id for _, m in await again.read(messages.list_messages)] == [identity]
    settled = await again.write(attempts.settle_after_restart)
    assert [a.stage for a in settled] == [Stage.UNKNOWN]
    assert await again.read(lambda tx: attempts.unknown_count(tx, identity, HQ)) == 1
    await again.close()


@pytest.mark.real
async def test_no_kill_loses_what_was_acknowledged(tmp_path: Path) -> None:
    """Twenty SIGKILLs of a process in full run: every identity it had printed is in the ledger, once."""
    acked: list[str] = []
    for number in range(20):
        acked += await asyncio.to_thread(_run_and_kill, tmp_path, 37 * (number + 1))
    ledger = await open_ledger(tmp_path / "ledger.db")
    assert ledger.set_aside is None
    kept = await ledger.read(
        lambda tx: {
            str(MessageId(*row)) for row in tx.all("SELECT origin, incarnation, sequence FROM messages")
        }
    )
    assert len(acked) == len(set(acked)) >= 37 * 210
    assert set(acked) <= kept
    await ledger.close()


def _run_and_kill(folder: Path, after: int) -> list[str]:
    """Start a process that accepts messages, kill it after so many answers, return all it answered."""
    command = [sys.executable, "-P", "-m", "tests.ledger_victim", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        answers = [victim.stdout.readline() for _ in range(after)]
        victim.send_signal(signal.SIGKILL)
        answers += [line for line in victim.stdout if line.endswith(b"\n")]
    return [line.decode().strip() for line in answers]


async def test_a_note_about_the_world_outside_is_no_change() -> None:
    """Who looks for work is told of every commit but of those that only note what lies outside."""
    ledger = await open_ledger(":memory:")
    told: list[int] = []
    ledger.on_change = lambda: told.append(ledger.changes)

    await LinkMemory(ledger, "pdt").save({"clock": "1"})
    assert told == []
    await ledger.write(lambda _tx: None)
    assert told == [1]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ledger.write(lambda _tx: None, note=True))
        tasks.create_task(ledger.write(lambda _tx: None))
    assert told == [1, 2]
