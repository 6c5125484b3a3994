"""The alarm of a full disk: raised while only urgent entries are taken, cleared when there is room again."""

from __future__ import annotations

from drivers.waiting import Bell
from gateway.core import Core
from gateway.delivery.incoming import raise_alarm
from gateway.domain import Alarm, AlarmKind
from gateway.ledger import events, presence
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx

LOOK_S = 5.0
"""A full disk is asked for room this often, as the ledger itself does; its alarm comes as long after it."""

KEY = "disk_full"
"""There is one disk."""

DETAIL = "only SOS and state changes are taken, make room / 只受理求救和状态变化，请清理磁盘"
"""What the reader must know, in both languages."""


class DiskWatch:
    """Keeps the alarm in step with `Ledger.disk_full`; runs beside delivery."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._told: bool | None = None
        self._bell = Bell()

    async def run(self) -> None:
        """Look until cancelled."""
        ledger = self._core.ledger
        ledger.on_full = self._bell.ring
        while True:
            try:
                await self._look()
            except LedgerError as error:
                self._core.log.warning("disk_alarm_not_stored", error=str(error))
            while ledger.disk_full is self._told is False:
                await self._bell.wait(None)
            await self._core.clock.sleep(LOOK_S)

    async def _look(self) -> None:
        ledger = self._core.ledger
        if ledger.disk_full:
            await self._ask_for_room()
        full = ledger.disk_full
        if full is not self._told:
            await ledger.write(self._raise if full else self._clear, urgent=True)
            if full or self._told:
                self._core.log.warning("disk_full" if full else "disk_has_room")
            self._told = full

    async def _ask_for_room(self) -> None:
        """Let the ledger look: an ordinary entry is refused without touching the disk, or there is room."""
        try:
            await self._core.ledger.write(lambda _tx: None)
        except LedgerError:
            return  # still full

    def _raise(self, tx: Tx) -> None:
        raise_alarm(
            tx,
            Alarm(
                key=KEY,
                kind=AlarmKind.DISK_FULL,
                station=self._core.own,
                detail=DETAIL,
                unauthenticated=False,
                position=None,
                raised_unix_ms=tx.now_unix_ms,
            ),
        )

    def _clear(self, tx: Tx) -> None:
        if presence.alarm_clear(tx, KEY):
            events.append(tx, "alarm.cleared", {"key": KEY, "station": self._core.own})
