"""Bad disks and damaged files: nothing is acknowledged that is not kept, and the gateway still starts."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain import Evidence, MessageId, Precedence, RecipientState
from gateway.ledger import LedgerFaultError, LedgerFullError, LedgerNewerError, Tx, ballast, messages, store
from gateway.ledger.storage import DISK
from tests.ledger_world import HQ, HandClock, accept, open_ledger

ROOT = Path(__file__).resolve().parent.parent
PAGE_OCTETS = 4096


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no ledger\n" * 1000)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 3 * PAGE_OCTETS + 100])


def _zero_a_page(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[4 * PAGE_OCTETS : 5 * PAGE_OCTETS] = bytes(PAGE_OCTETS)
    path.write_bytes(octets)


def _zero_the_header(path: Path) -> None:
    path.write_bytes(bytes(PAGE_OCTETS) + path.read_bytes()[PAGE_OCTETS:])


def _another_program(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE messages (other TEXT)")
    connection.close()


@pytest.mark.parametrize("damage", [_garbage, _truncate, _zero_a_page, _zero_the_header, _another_program])
async def test_a_damaged_file_is_set_aside_and_the_gateway_starts(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """The damaged file stays beside under another name; the new ledger has a new incarnation and works."""
    path = tmp_path / "ledger.db"
    ledger = await open_ledger(path, seed=1)
    for _ in range(100):
        await ledger.write(accept)
    await ledger.close()
    damage(path)
    found = path.read_bytes()

    again = await open_ledger(path, seed=2)
    assert again.set_aside == tmp_path / "ledger.db.damaged-1"
    assert again.set_aside.read_bytes() == found
    assert again.incarnation != ledger.incarnation
    identity = await again.write(accept)
    assert identity.sequence == 1
    await again.close()

    third = await open_ledger(path)
    assert third.set_aside is None
    assert await third.read(lambda tx: messages.get(tx, identity)) is not None
    await third.close()


async def test_a_second_damage_keeps_the_first_file(tmp_path: Path) -> None:
    """Files set aside are numbered; none is overwritten."""
    path = tmp_path / "ledger.db"
    for number in (1, 2):
        path.write_bytes(b"garbage %d" % number * 100)
        ledger = await open_ledger(path)
        assert ledger.set_aside == tmp_path / f"ledger.db.damaged-{number}"
        await ledger.close()
    assert (tmp_path / "ledger.db.damaged-1").read_bytes().startswith(b"garbage 1")


async def test_a_lost_wal_index_and_a_torn_wal_cost_nothing_committed(tmp_path: Path) -> None:
    """Garbage behind the last commit of the WAL, as a power cut leaves it, is ignored."""
    path, copy = tmp_path / "ledger.db", tmp_path / "after" / "ledger.db"
    ledger = await open_ledger(path)
    made = [await ledger.write(accept) for _ in range(20)]
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    wal = path.with_name("ledger.db-wal").read_bytes()
    copy.with_name("ledger.db-wal").write_bytes(wal + wal[100:3000])
    again = await open_ledger(copy)
    assert again.set_aside is None
    kept = await again.read(lambda tx: messages.list_messages(tx, limit=500))
    assert [m.id for _, m in kept] == made[::-1]
    await again.close()
    await ledger.close()


async def test_a_power_cut_at_any_octet_keeps_what_was_answered(tmp_path: Path) -> None:
    """However much of the WAL reached the disk, with garbage behind: every answer given by then is there.

    The cuts go through the making of the file too, where a new ledger begins again.
    """
    path, copy = tmp_path / "ledger.db", tmp_path / "after" / "ledger.db"
    ledger = await open_ledger(path)
    answered: list[tuple[int, MessageId]] = []
    for _ in range(12):
        identity = await ledger.write(accept)
        answered.append((path.with_name("ledger.db-wal").stat().st_size, identity))
    disk, wal = path.read_bytes(), path.with_name("ledger.db-wal").read_bytes()
    await ledger.close()
    copy.parent.mkdir()
    found_counts = set()
    for cut in (*range(0, len(wal), 3001), len(wal)):
        copy.write_bytes(disk)
        copy.with_name("ledger.db-wal").write_bytes(wal[:cut] + b"\xa5" * 5000)
        connection, aside = store.open_file(copy, random.Random(cut), DISK)  # noqa: S311 - a test
        rows = connection.execute("SELECT origin, incarnation, sequence FROM messages").fetchall()
        connection.close()
        copy.unlink()
        assert aside is None
        assert {MessageId(*row) for row in rows} >= {one for size, one in answered if size <= cut}
        found_counts.add(len(rows))
    assert found_counts == set(range(13))


async def test_damage_met_while_running_is_told_and_set_aside_at_the_next_start(tmp_path: Path) -> None:
    """Pages that rot under a running ledger: the reader is told it is a fault; a restart goes on afresh."""
    path = tmp_path / "ledger.db"
    ledger = await open_ledger(path)
    for _ in range(300):
        await ledger.write(accept)
    await ledger.close()
    ledger = await open_ledger(path)
    octets = bytearray(path.read_bytes())
    octets[4 * PAGE_OCTETS :] = b"\xa5" * (len(octets) - 4 * PAGE_OCTETS)
    path.write_bytes(octets)
    with pytest.raises(LedgerFaultError):
        await ledger.read(lambda tx: tx.all("SELECT * FROM messages ORDER BY text"))
    await ledger.close()
    again = await open_ledger(path)
    assert again.set_aside is not None
    await again.write(accept)
    await again.close()


async def test_a_failing_upgrade_never_sets_a_sound_ledger_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schema step that fails leaves the file as it was and says so; the older program still opens it."""
    path = tmp_path / "ledger.db"
    ledger = await open_ledger(path)
    identity = await ledger.write(accept)
    await ledger.close()
    good = store._steps()
    with monkeypatch.context() as patch:
        patch.setattr(store, "_steps", lambda: [*good, "CREATE TABLE fresh (a); CREATE TABLE fresh (a);"])
        with pytest.raises(LedgerFaultError, match="fresh"):
            await open_ledger(path)
    again = await open_ledger(path)
    assert await again.read(lambda tx: messages.get(tx, identity)) is not None
    await again.close()


async def test_an_upgrade_runs_once_and_locks_out_the_older_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new schema step is applied at the next start and not again; a program without it refuses the file."""
    path = tmp_path / "ledger.db"
    await (await open_ledger(path)).close()
    good = store._steps()
    with monkeypatch.context() as patch:
        patch.setattr(store, "_steps", lambda: [*good, "CREATE TABLE fresh (a);"])
        for _ in range(2):
            ledger = await open_ledger(path)
            assert await ledger.read(lambda tx: tx.one("SELECT count(*) FROM fresh")) == (0,)
            await ledger.close()
    with pytest.raises(LedgerNewerError):
        await open_ledger(path)


async def test_a_full_disk_still_takes_sos_and_state_changes(tmp_path: Path) -> None:
    """Full: ordinary entries are refused and not acknowledged, urgent ones enter; later all is well again."""
    clock = HandClock()
    path = tmp_path / "ledger.db"
    ledger = await open_ledger(path, clock)
    identity = await ledger.write(accept)
    kept_back = tmp_path / "ledger.db.ballast"
    assert kept_back.stat().st_size == ballast.BALLAST_OCTETS
    await ledger.write(_limit_pages(4))

    with pytest.raises(LedgerFullError) as caught:
        await ledger.write(lambda tx: accept(tx, text="字" * 4000 * 5))
    assert "磁盘已满" in caught.value.zh
    assert ledger.disk_full is True
    assert not kept_back.exists()

    def delivered(tx: Tx) -> bool:
        return messages.set_state(tx, identity, HQ, RecipientState.DELIVERED, Evidence.PROTOCOL)

    assert await ledger.write(delivered, urgent=True)
    with pytest.raises(LedgerFullError):
        await ledger.write(accept)
    await ledger.write(_limit_pages(0), urgent=True)
    sos = await ledger.write(lambda tx: accept(tx, precedence=Precedence.SOS), urgent=True)
    clock.pass_s(ballast.RETRY_S)
    later = await ledger.write(accept)
    assert (ledger.disk_full, kept_back.exists()) == (False, True)
    await ledger.close()

    again = await open_ledger(path)
    kept = {m.id for _, m in await again.read(lambda tx: messages.list_messages(tx, limit=500))}
    assert {identity, sos, later} <= kept
    await again.close()


@pytest.mark.real
def test_a_write_error_is_told_and_the_engine_lives_on() -> None:
    """Writes that the system refuses (file size limit) are not acknowledged; when it allows them all is well.

    In a process of its own, because the limit holds for a whole process.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.ledger_disk", "limit"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["refused", "LedgerFaultError", "kept", "recovered"]


@pytest.mark.peers
@pytest.mark.real
def test_a_really_full_disk_takes_sos_from_the_ballast() -> None:
    """On a file system of 12 MiB filled to the last octet SOS enters, the rest is refused, none is lost."""
    script = (
        "mount -t tmpfs -o size=12m none /mnt && exec " + sys.executable + " -P -m tests.ledger_disk full"
    )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["refused", "LedgerFullError", "sos", "kept", "recovered"]


def _limit_pages(more: int) -> Callable[[Tx], None]:
    """Return an operation that lets the file grow by so many pages only; 0: as it likes."""

    def op(tx: Tx) -> None:
        row = tx.one("PRAGMA page_count")
        assert row is not None
        tx.execute(f"PRAGMA max_page_count = {row[0] + more if more else 1 << 30}")

    return op
