"""A ledger damaged under a running gateway takes nothing more, and the gateway ends, to start anew."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gateway.domain import Precedence
from gateway.ledger import LedgerBrokenError, LedgerFullError, Tx, notes, store
from tests.daemon import running, write_box
from tests.ledger_world import accept, open_ledger

PAGE_OCTETS = 4096
ABSENT = '[[link]]\nname = "pdt"\ndriver = "hytera"\ndevice = "absent-port"\n'


def rot(path: Path, *, after_pages: int = 4) -> None:
    """Overwrite all pages behind the first ones in place, as a dying card does."""
    size = path.stat().st_size
    assert size > after_pages * PAGE_OCTETS
    with path.open("r+b") as file:
        file.seek(after_pages * PAGE_OCTETS)
        file.write(b"\xa5" * (size - after_pages * PAGE_OCTETS))


def _everything(tx: Tx) -> object:
    return tx.all("SELECT * FROM messages ORDER BY text")


async def _used(path: Path) -> None:
    """Leave a ledger with some hundred messages in the file itself, none in the WAL."""
    ledger = await open_ledger(path)
    for _ in range(300):
        await ledger.write(accept)
    await ledger.close()


async def test_damage_met_by_a_read_ends_all_writing(tmp_path: Path) -> None:
    """Once a read has met damage no write is acknowledged, urgent or not, and the owner is told to end."""
    path = tmp_path / "ledger.db"
    await _used(path)
    ledger = await open_ledger(path)
    rot(path)
    with pytest.raises(LedgerBrokenError) as caught:
        await ledger.read(_everything)
    for urgent in (False, True):
        with pytest.raises(LedgerBrokenError):
            await ledger.write(lambda tx: accept(tx, precedence=Precedence.SOS), urgent=urgent)
    told = await asyncio.wait_for(ledger.until_broken(), 1)
    await ledger.close()

    assert ledger.broken
    assert "SQLITE_CORRUPT" in told.en
    assert "台账" in caught.value.zh
    assert "损坏" in caught.value.zh


async def test_damage_met_by_a_write_ends_all_writing(tmp_path: Path) -> None:
    """A write that meets damage is not acknowledged, nor is any that comes after it."""
    path = tmp_path / "ledger.db"
    await _used(path)
    ledger = await open_ledger(path)
    rot(path)

    def rewrite(tx: Tx) -> None:
        tx.execute("PRAGMA shrink_memory")
        tx.execute("UPDATE messages SET text = text || '改'")

    with pytest.raises(LedgerBrokenError):
        await ledger.write(rewrite)
    with pytest.raises(LedgerBrokenError):
        await ledger.write(accept)
    await ledger.close()
    again = await open_ledger(path)

    assert again.set_aside is not None
    await again.write(accept)
    await again.close()


async def test_a_sound_ledger_is_not_called_broken(tmp_path: Path) -> None:
    """An operation with an error of its own, or a full disk, breaks nothing."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    with pytest.raises(sqlite3.OperationalError):
        await ledger.write(lambda tx: tx.execute("SELECT * FROM nowhere"))
    with pytest.raises(sqlite3.OperationalError):
        await ledger.read(lambda tx: tx.execute("SELECT * FROM nowhere"))
    await ledger.write(accept)

    assert not ledger.broken
    await ledger.close()


async def test_damage_that_only_the_full_check_sees_is_set_aside_too(tmp_path: Path) -> None:
    """An index that contradicts its table passes the quick check; a file marked suspect is checked wholly."""
    path = tmp_path / "ledger.db"
    await _used(path)
    (index,) = _alter(path, "SELECT * FROM sqlite_master WHERE name = 'alarms_number'")
    _alter(
        path,
        "INSERT INTO alarms (key, kind, station, detail, unauthenticated, raised_unix_ms, "
        "cleared_unix_ms, acknowledged_by, exercise, number) VALUES ('k', 'sos', 1, '', 0, 1, 0, '', 0, 1)",
    )
    _alter(path, "DELETE FROM sqlite_master WHERE name = 'alarms_number'")
    _alter(path, "UPDATE alarms SET number = 2")
    _alter(path, "INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", *index)
    ledger = await open_ledger(path)
    assert ledger.set_aside is None
    await ledger.close()
    store.mark_suspect(path)
    ledger = await open_ledger(path)

    assert ledger.set_aside is not None
    assert not path.with_name(f"{path.name}{store.SUSPECT_SUFFIX}").exists()
    await ledger.close()


def _alter(path: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Run one statement that may touch the schema, on a connection of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    found: list[tuple[object, ...]] = connection.execute(sql, values).fetchall()
    connection.close()
    return found


async def test_the_order_to_be_silent_outlives_a_damaged_file(tmp_path: Path) -> None:
    """Links that may not transmit may not in the new ledger either, where the old one can still be read."""
    path = tmp_path / "ledger.db"
    await _used(path)
    ledger = await open_ledger(path)
    await ledger.write(lambda tx: notes.meta_set(tx, "quiet.pdt", "on"))
    await ledger.write(lambda tx: notes.meta_set(tx, "other", "on"))
    await ledger.close()
    rot(path, after_pages=path.stat().st_size // PAGE_OCTETS - 5)
    again = await open_ledger(path)

    assert again.set_aside is not None
    assert await again.read(notes.meta_list) == {"quiet.pdt": "on"}
    await again.close()


async def test_a_sound_file_under_suspicion_is_kept(tmp_path: Path) -> None:
    """The mark alone costs no message: a file that passes the whole check goes on, without the mark."""
    path = tmp_path / "ledger.db"
    await _used(path)
    store.mark_suspect(path)
    ledger = await open_ledger(path)

    assert ledger.set_aside is None
    assert not path.with_name(f"{path.name}{store.SUSPECT_SUFFIX}").exists()
    await ledger.close()


async def test_an_urgent_batch_that_does_not_fit_enters_as_far_as_it_fits(tmp_path: Path) -> None:
    """On a full disk one urgent thing too large for what is left does not keep the SOS beside it out."""
    ledger = await open_ledger(tmp_path / "ledger.db")
    await ledger.write(_limit_pages)

    def huge(tx: Tx) -> object:
        return accept(tx, precedence=Precedence.SOS, text="字" * 200_000)

    def sos(tx: Tx) -> object:
        return accept(tx, precedence=Precedence.SOS, text="求救")

    batch = [ledger.write(op, urgent=True) for op in (sos, huge, sos, sos, huge, sos)]
    found = await asyncio.gather(*batch, ledger.write(accept), return_exceptions=True)
    kept = await ledger.read(lambda tx: {row[0] for row in tx.all("SELECT sequence FROM messages")})

    assert [isinstance(one, LedgerFullError) for one in found] == [
        False,
        True,
        False,
        False,
        True,
        False,
        True,
    ]
    assert len(kept) == 4
    await ledger.close()


def _limit_pages(tx: Tx) -> None:
    """Let the file grow by thirty pages only."""
    row = tx.one("PRAGMA page_count")
    assert row is not None
    tx.execute(f"PRAGMA max_page_count = {row[0] + 30}")


@pytest.mark.real
async def test_daemon_ends_when_its_ledger_rots(tmp_path: Path) -> None:
    """503 in both languages, an exit status that makes the service manager start it, and a new ledger."""
    config = write_box(tmp_path, ABSENT)
    path = tmp_path / "data-1" / "ledger.db"
    async with running(config) as daemon:
        await daemon.until_told("READY=1")
        status, _ = await daemon.call("POST", "/quiet", {"link": "pdt", "on": True})
        assert status == 200
        for number in range(60):
            status, _ = await daemon.call(
                "POST", "/messages", {"to": ["HQ"], "text": f"{number} " + "字" * 900}
            )
            assert status == 201
        daemon.process.terminate()
        assert await daemon.ended(within_s=5) == 0
    async with running(config) as daemon:
        await daemon.until_told("READY=1")
        await asyncio.sleep(1.0)  # what a start reads is read; nothing looks again by itself for some seconds
        rot(path)
        status, answer = await daemon.call("GET", "/messages?limit=500")

        assert (status, answer["error"]["code"]) == (503, "unavailable")
        assert "damaged" in answer["error"]["en"]
        assert "损坏" in answer["error"]["zh"]
        assert await daemon.ended(within_s=5) == 1
    log = (tmp_path / "gateway-1.log").read_text(encoding="utf-8")
    assert "ledger_broken" in log
    assert "Traceback" not in log
    async with running(config) as daemon:
        await daemon.until_told("READY=1")
        _, alarms = await daemon.call("GET", "/alarms")
        _, quiet = await daemon.call("GET", "/quiet")
        status, _ = await daemon.call("POST", "/messages", {"to": ["HQ"], "text": "新台账"})

    assert [alarm["kind"] for alarm in alarms["alarms"]] == ["ledger_set_aside"]
    assert quiet == {"quiet": {"pdt": True}}
    assert status == 201
