"""The ledger's file: opening, checking, migrating, setting aside. Blocking; runs in the ledger's executor."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path

from gateway.ledger.errors import LedgerError, LedgerNewerError, from_sqlite, is_damage
from gateway.ledger.storage import Storage

APPLICATION_ID = 0x46474C31
"""Marks the file as ours for `file(1)` and for people: "FGL1"."""

CACHE_KIBIOCTETS = 4_096
"""Page cache per connection: the working set of a busy gateway, within the memory budget of 60 MiB."""

WAL_PAGES = 1_000
"""Checkpoint after about 4 MiB of WAL: keeps restarts quick and the WAL within the size of the ballast."""

WAL_LIMIT_OCTETS = 8 * 1024 * 1024
"""A WAL that grew beyond this behind a long reader is cut back."""

SUSPECT_SUFFIX = ".suspect"
"""Marks a file that was found damaged while running: the next start checks it to the last index."""

QUIET_SUFFIX = ".quiet"
"""Names the links that may not transmit, left by a gateway whose ledger was damaged while it ran."""

QUIET_FLAG = "flag.quiet."
"""Begins the key of such a link's switch in a ledger."""

MAX_SWITCHES = 1_000
"""Most switches taken over from a damaged file: more links than any box has."""

MAX_DRAWS = 1_000
"""Tags drawn in search of one that was never used: enough until all but one in a hundred are."""

MAX_SET_ASIDE = 1_000
"""Most damaged files kept beside each other; the thousandth name is used again."""


def open_file(path: Path, rng: random.Random, storage: Storage) -> tuple[sqlite3.Connection, Path | None]:
    """Open or create the ledger at `path`; return the connection and where a damaged one was set aside.

    Raises LedgerNewerError (nothing changed), LedgerFullError or LedgerFaultError (the disk, not the file).
    """
    aside: Path | None = None
    try:
        try:
            connection = _open_checked(path, rng, storage)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            switches = _switches(path, storage)
            aside = _set_aside(path)
            connection = _open_checked(path, rng, storage)
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", switches)
        if str(path) != ":memory:":
            Path(f"{path}{QUIET_SUFFIX}").unlink(missing_ok=True)
            sync_directory(path.parent)
    except sqlite3.Error as error:
        raise from_sqlite(error) from error
    return connection, aside


def mark_suspect(path: Path) -> None:
    """Leave word for the next start; without room for it that start makes its usual check."""
    with suppress(OSError):
        Path(f"{path}{SUSPECT_SUFFIX}").touch()


def leave_quiet(path: Path, links: Sequence[str]) -> None:
    """Leave the names of the links that may not transmit to the ledger that follows this one."""
    with suppress(OSError):
        Path(f"{path}{QUIET_SUFFIX}").write_text("\n".join(links), encoding="utf-8")


def connect(path: Path, storage: Storage, *, reader: bool = False) -> sqlite3.Connection:
    """Open a connection with the ledger's settings; a reader cannot write."""
    connection = _connect(path, storage)
    try:
        if reader:
            connection.execute("PRAGMA query_only = ON")
        else:
            _configure_writer(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def known_schema() -> int:
    """Newest schema version this program can write."""
    return len(_steps())


def draw_epoch(connection: sqlite3.Connection, rng: random.Random) -> int:
    """Give the ledger a new 16-bit epoch other than its present one; 0 is never drawn.

    For a file that was created or is known to be restored: its event cursors may have been used before.
    """
    row = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
    present = int(row[0]) if row else 0
    while (epoch := rng.randrange(1, 1 << 16)) == present:
        pass
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('epoch', ?)", (str(epoch),))
    return epoch


def draw_incarnation(connection: sqlite3.Connection, rng: random.Random, station: int) -> int:
    """Begin a new life: draw a 16-bit incarnation tag, not 0, under which this file made no identity yet.

    A file cannot know that it is an older copy of itself, nor that it runs twice; so every opening counts
    as a new life, and numbers what it accepts under a tag of its own. When nearly all tags are used up, the
    life before goes on.
    """
    row = connection.execute("SELECT value FROM meta WHERE key = 'incarnation'").fetchone()
    present = int(row[0]) if row else 0
    for _ in range(MAX_DRAWS):
        drawn = rng.randrange(1, 1 << 16)
        used = connection.execute(
            "SELECT 1 FROM origins WHERE origin = ? AND incarnation = ?", (station, drawn)
        ).fetchone()
        if drawn != present and used is None:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('incarnation', ?)", (str(drawn),))
            connection.execute("DELETE FROM sequences WHERE name GLOB 'message.*'")
            return drawn
    return present


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path, storage: Storage) -> sqlite3.Connection:
    connection = storage.connect(path)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIOCTETS}")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _configure_writer(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}").fetchone()
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_OCTETS}").fetchone()


def _open_checked(path: Path, rng: random.Random, storage: Storage) -> sqlite3.Connection:
    """Open the file; nothing in it changes before it is known to be a sound ledger of ours."""
    connection = _connect(path, storage)
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > known_schema():
            raise LedgerNewerError(str(path), found=version, known=known_schema())
        if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise _damage("not a ledger")
        suspect = Path(f"{path}{SUSPECT_SUFFIX}")
        check = "integrity_check" if suspect.exists() else "quick_check"
        verdict = connection.execute(f"PRAGMA {check}(1)").fetchone()[0]
        if verdict != "ok":
            raise _damage(f"{check}: {verdict}")
        suspect.unlink(missing_ok=True)
        _configure_writer(connection)
        _migrate(connection, version, rng)
        if connection.execute("SELECT count(*) FROM clock").fetchone()[0] != 1:
            raise _damage("no clock")
        if connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone() is None:
            raise _damage("no epoch")
    except (sqlite3.Error, LedgerError):
        connection.close()
        raise
    return connection


def _damage(why: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(why)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    error.sqlite_errorname = "SQLITE_CORRUPT"
    return error


@cache
def _steps() -> tuple[str, ...]:
    folder = files("gateway.ledger.schema")
    found = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name
    )
    return tuple(entry.read_text(encoding="utf-8") for entry in found)


def _migrate(connection: sqlite3.Connection, version: int, rng: random.Random) -> None:
    steps = _steps()
    for number in range(version + 1, len(steps) + 1):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{steps[number - 1]}\nPRAGMA user_version = {number};"
            )
            if number == 1:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute("INSERT INTO clock (one, session, ledger_s) VALUES (1, 0, 0)")
                draw_epoch(connection, rng)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if number > 1:  # a step that fails must never cost a sound ledger
                raise from_sqlite(error) from error
            raise


def _switches(path: Path, storage: Storage) -> list[tuple[str, str]]:
    """Return the switches of links that may not transmit: as left beside a damaged file, or still in it.

    The order to be silent outlives the file: a new ledger that knew nothing of it would let them transmit.
    """
    try:
        links = Path(f"{path}{QUIET_SUFFIX}").read_text(encoding="utf-8").split("\n")
        return [(f"{QUIET_FLAG}{name}", "on") for name in links[:MAX_SWITCHES] if name]
    except (OSError, UnicodeDecodeError):
        return _switches_within(path, storage)


def _switches_within(path: Path, storage: Storage) -> list[tuple[str, str]]:
    try:
        connection = _connect(path, storage)
    except sqlite3.Error:
        return []
    try:
        connection.execute("PRAGMA query_only = ON")
        return connection.execute(
            "SELECT key, value FROM meta WHERE substr(key, 1, ?) = ? AND value = 'on' LIMIT ?",
            (len(QUIET_FLAG), QUIET_FLAG, MAX_SWITCHES),
        ).fetchall()
    except sqlite3.Error:
        return []
    finally:
        connection.close()


def _set_aside(path: Path) -> Path:
    number = next(
        (n for n in range(1, MAX_SET_ASIDE) if not Path(f"{path}.damaged-{n}").exists()), MAX_SET_ASIDE
    )
    target = Path(f"{path}.damaged-{number}")
    for suffix in ("-wal", "-shm", SUSPECT_SUFFIX, ""):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.replace(f"{target}{suffix}")
    sync_directory(path.parent)
    return target
