"""A process on a bad disk: `limit` meets a file size limit, `full` a file system mounted at /mnt."""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
from pathlib import Path

from gateway.domain import MessageId, Precedence
from gateway.ledger import Ledger, LedgerError, Tx, ballast
from tests.ledger_world import HandClock, accept, open_ledger


def big(tx: Tx) -> MessageId:
    """Accept a message that fills the disk quickly."""
    return accept(tx, text="字" * 3000)


async def fill(ledger: Ledger) -> list[MessageId]:
    """Accept until refused; print how, return what was acknowledged."""
    made: list[MessageId] = []
    try:
        while True:
            made.append(await ledger.write(big))
    except LedgerError as error:
        print("refused", type(error).__name__)  # noqa: T201 - read by the test
    return made


async def expect(ledger: Ledger, made: list[MessageId]) -> None:
    """Check that everything acknowledged is there and nothing else."""
    kept = await ledger.read(lambda tx: tx.all("SELECT origin, incarnation, sequence FROM messages"))
    assert {MessageId(*row) for row in kept} == set(made)
    print("kept")  # noqa: T201 - read by the test


async def limit(path: Path) -> None:
    """Forbid this process files above 6 MiB, then allow them again."""
    clock = HandClock()
    ledger = await open_ledger(path, clock)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6 << 20, hard))
    made = await fill(ledger)
    await expect(ledger, made)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    clock.pass_s(ballast.RETRY_S)
    await recover(ledger, made, path)


async def full(path: Path) -> None:
    """Fill the file system, send SOS, make room, go on."""
    clock = HandClock()
    ledger = await open_ledger(path, clock)
    filler = path.with_name("filler")
    filler.write_bytes(bytes(4 << 20))
    made = await fill(ledger)
    made += [await ledger.write(sos, urgent=True) for _ in range(200)]
    print("sos")  # noqa: T201 - read by the test
    await expect(ledger, made)
    filler.unlink()
    clock.pass_s(ballast.RETRY_S)
    await recover(ledger, made, path)


def sos(tx: Tx) -> MessageId:
    """Accept an SOS."""
    return accept(tx, precedence=Precedence.SOS, text="求救")


async def recover(ledger: Ledger, made: list[MessageId], path: Path) -> None:
    """Go on after the fault, restart, and find everything."""
    made.append(await ledger.write(big))
    assert not ledger.disk_full
    await ledger.close()
    again = await open_ledger(path)
    assert again.set_aside is None
    kept = await again.read(lambda tx: tx.all("SELECT origin, incarnation, sequence FROM messages"))
    assert {MessageId(*row) for row in kept} == set(made)
    await again.close()
    print("recovered")  # noqa: T201 - read by the test


if __name__ == "__main__":
    if sys.argv[1] == "full":
        asyncio.run(full(Path("/mnt/ledger.db")))
    else:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(limit(Path(folder) / "ledger.db"))
