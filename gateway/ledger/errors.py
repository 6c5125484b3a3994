"""What the ledger says when it cannot do what was asked; each class is a different next step."""

from __future__ import annotations

import sqlite3

from protocols.errors import FieldgateError


class LedgerError(FieldgateError):
    """Root of the ledger's errors. Nothing of the refused operation was written."""


class LedgerFullError(LedgerError):
    """No room: on the disk, or in the ledger's own bound for this precedence: later, or urgent only."""


class LedgerFaultError(LedgerError):
    """The storage failed (an I/O error). Not acknowledged; the ledger lives on."""


class LedgerBrokenError(LedgerFaultError):
    """The file was found damaged while running: nothing more is taken; the next start sets it aside."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"ledger: damaged ({reason}); nothing is taken any more, the gateway restarts with a new one",
            f"台账：文件已损坏（{reason}）；不再受理任何内容，网关将重启并启用新台账",
        )
        self.reason = reason


class LedgerClosedError(LedgerError):
    """The ledger is closing or closed."""

    def __init__(self) -> None:
        super().__init__("ledger: closed", "台账：已关闭")


class LedgerLockedError(LedgerError):
    """Another process uses the same data directory; `pid` is its number, or empty if it did not say."""

    def __init__(self, directory: str, pid: str) -> None:
        super().__init__(
            f"{directory}: another gateway runs on this data directory (pid {pid or 'unknown'})",
            f"{directory}：已有网关在使用此数据目录（进程号 {pid or '未知'}）",
        )
        self.pid = pid


class LedgerNewerError(LedgerError):
    """The file was written by a newer fieldgate; nothing was changed."""

    def __init__(self, path: str, *, found: int, known: int) -> None:
        super().__init__(
            f"{path}: ledger schema {found} is newer than this program's {known}; install a newer one",
            f"{path}：台账版本 {found} 高于本程序支持的 {known}，请安装新版 fieldgate",
        )
        self.found = found
        self.known = known


class SeenFullError(LedgerError):
    """An origin sent more scattered identities than are kept: refused, because forgetting would double."""

    def __init__(self, origin: int, limit: str) -> None:
        super().__init__(
            f"origin {origin}: identities kept are full ({limit})",
            f"来源台站 {origin}：已记报文编号已满（{limit}）",
        )
        self.origin = origin


class IdempotencyConflictError(LedgerError):
    """The same Idempotency-Key came with other content."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"Idempotency-Key {key!r} was used before with other content",
            f"Idempotency-Key {key!r} 已用于其他内容",
        )
        self.key = key


class RollCallSealedError(LedgerError):
    """A sealed record is never changed."""

    def __init__(self, call_id: str) -> None:
        super().__init__(
            f"roll call {call_id}: sealed, cannot change", f"点名 {call_id}：记录已封存，不能更改"
        )
        self.call_id = call_id


def from_sqlite(error: sqlite3.Error) -> LedgerError:
    """Name a storage failure in the operator's words; the SQLite name stays in the text."""
    name = _name(error)
    if is_full(error):
        return LedgerFullError(f"ledger: disk full ({name})", f"台账：磁盘已满（{name}）")
    return LedgerFaultError(f"ledger: storage fault ({name}: {error})", f"台账：存储故障（{name}：{error}）")


def damage(error: sqlite3.Error) -> str:
    """Say what is wrong with the file when SQLite found it damaged while running; empty for other faults."""
    if _primary_code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return f"{_name(error)}: {error}"
    return ""


def is_full(error: sqlite3.Error) -> bool:
    """Whether the disk (or the page limit) refused more octets."""
    return _primary_code(error) == sqlite3.SQLITE_FULL


def lacks_space(error: sqlite3.Error) -> bool:
    """Whether freeing space may help: full, or a write refused (a quota answers so)."""
    return is_full(error) or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_WRITE


def is_storage_fault(error: sqlite3.Error) -> bool:
    """Whether the failure is the file's, not the operation's: the whole commit fails."""
    return _primary_code(error) in _STORAGE_CODES


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is not a ledger: not a database, malformed, or with another schema."""
    return _primary_code(error) in _DAMAGE_CODES


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "") or type(error).__name__


def _primary_code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


_STORAGE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
_DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
