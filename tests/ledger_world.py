"""What the ledger's tests stand on: a clock set by hand, a transaction in memory, messages."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.domain import Message, MessageId, MessageKind, Precedence, Recipient, TimeQuality
from gateway.ledger import Ledger, Tx, limits, messages, store, times
from gateway.ledger.storage import DISK, Storage

HQ = 1
VEHICLE = 7
HANDHELD = 4001
WALL_UNIX_MS = 1_700_000_000_000


@dataclass
class HandClock:
    """A clock that stands still until it is set."""

    now_s: float = 100.0
    wall_unix_ms: int = WALL_UNIX_MS

    def monotonic_s(self) -> float:
        return self.now_s

    def unix_ms(self) -> int:
        return self.wall_unix_ms

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self.pass_s(delay_s)

    def pass_s(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.now_s += seconds
        self.wall_unix_ms += round(seconds * 1000)


async def open_ledger(
    path: Path | str,
    clock: HandClock | None = None,
    *,
    seed: int = 1,
    max_octets: int = limits.MAX_LEDGER_OCTETS,
    time_quality: TimeQuality = TimeQuality.UNKNOWN,
    storage: Storage = DISK,
) -> Ledger:
    """Open a ledger of the vehicle."""
    return await Ledger.open(
        path,
        clock=clock or HandClock(),
        random=random.Random(seed),  # noqa: S311 - a test
        station=VEHICLE,
        max_octets=max_octets,
        time_quality=time_quality,
        storage=storage,
    )


@contextmanager
def memory_tx(*, max_octets: int = limits.MAX_LEDGER_OCTETS) -> Iterator[Tx]:
    """Yield a transaction on a new ledger in memory."""
    connection, _ = store.open_file(Path(":memory:"), random.Random(1), DISK)  # noqa: S311 - a test
    session, base_s = times.start_session(connection)
    try:
        yield Tx(
            connection=connection,
            station=VEHICLE,
            incarnation=0x1234,
            epoch=0x1234,
            session=session,
            now_unix_ms=WALL_UNIX_MS,
            now_s=base_s,
            max_octets=max_octets,
        )
    finally:
        connection.close()


def text_message(
    identity: MessageId,
    *,
    precedence: Precedence = Precedence.ROUTINE,
    text: str = "三号桥已断，请绕行",
    lifetime_s: int = 3600,
    age_s: float = 0.0,
    stations: tuple[int, ...] = (HQ,),
) -> Message:
    """Make a message of the vehicle to these stations."""
    return Message(
        id=identity,
        kind=MessageKind.TEXT,
        precedence=precedence,
        text=text,
        sender=VEHICLE,
        lifetime_s=lifetime_s,
        age_s=age_s,
        recipients=tuple(Recipient(station=station) for station in stations),
    )


def accept(tx: Tx, **changes: object) -> MessageId:
    """Accept a new message as an operation; `changes` as for `text_message`."""
    identity = messages.next_id(tx, VEHICLE)
    assert messages.insert(tx, text_message(identity, **changes))  # type: ignore[arg-type]
    return identity
