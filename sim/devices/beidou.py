"""A BDS-2 terminal with its card, octet by octet: ICA, TXA, RMO, CXA in; ICI, FKI, BSI, TXR, HZR, XST out.

Built from the field lists of reference page satellite-terminals §1.1-1.6, not from our own codec. Faults are
attributes: `sky`, `inhibit`, `card_present`, `feedback`, `hung`, `cr_only`, and `reboot()`.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
import struct
from enum import Enum
from typing import Final

from sim.device import SerialDevice
from sim.devices.rdss import RdssMessage, RdssSpace, later

NO_CARD: Final = 2_097_151
MAX_LINE_OCTETS: Final = 1024
"""Octets of a line the terminal keeps; more is noise."""
FEEDBACK_S: Final = 0.5
"""Shortest time from a TXA's last octet to its BDFKI; the longest is twice that."""
BOOT_S: Final = 3.0
"""From power to the first octet that makes sense."""
CANYON_LOSS: Final = 0.5
"""Share of messages lost both ways between high walls."""

CAPACITY_BITS: Final = {
    (1, False): 110,
    (2, False): 408,
    (3, False): 628,
    (4, False): 848,
    (1, True): 140,
    (2, True): 360,
    (3, True): 580,
    (4, True): 1680,
}
EXPRESS_BITS: Final = 188
BOOT_TEXT: Final = b"\x00\xfe\x80BD2 RDSS V3.12\r\nSELF TEST PASS\r\n"


class Sky(Enum):
    """What ten beams show, 0-4, in a place."""

    OPEN = (4, 3, 3, 2, 2, 0, 1, 0, 0, 0)
    CANYON = (1, 1, 0, 0, 1, 0, 0, 0, 0, 0)
    TUNNEL = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


class BeidouTerminal(SerialDevice):
    """One terminal. `period_s` and `level` are what its ICI tells; change them and it tells the change."""

    def __init__(  # noqa: PLR0913 - a card has this many facts
        self,
        card: int,
        space: RdssSpace,
        *,
        rng: random.Random,
        level: int = 3,
        period_s: float = 60.0,
        encrypted: bool = False,
        broadcast: int = 0,
        user_type: int = 3,
        subordinates: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__()
        self.card, self.level, self.period_s, self.encrypted = card, level, period_s, encrypted
        self.broadcast, self.user_type, self.subordinates = broadcast, user_type, subordinates
        self.sky = Sky.OPEN
        self.inhibit = 0
        self.card_present = True
        self.feedback = True
        self.feedback_s = FEEDBACK_S
        self.hung = False
        self.cr_only = False
        self.tell_time = False
        self.commands: list[bytes] = []
        self.too_early = 0
        self._space, self._rng = space, rng
        self._line = bytearray()
        self._ready_s = 0.0
        self._busy = False
        self._booting = False
        self._boots = 0
        self._report: asyncio.TimerHandle | None = None
        space.add(self)

    @property
    def hears(self) -> bool:
        """Whether it has power and a satellite in view."""
        clear = max(self.sky.value) > 0 and self.card_present and not self._booting
        return clear and not (self.sky is Sky.CANYON and self._rng.random() < CANYON_LOSS)

    def reboot(self, off_s: float = BOOT_S) -> None:
        """Lose power in the middle of a sentence; periodic output is forgotten, the card's clock is not."""
        self.write(b"$BDBSI,01,03,4,3")
        self._booting, self._busy = True, False
        self._boots += 1
        self._line.clear()
        self._stop_report()
        later(off_s, self._boot)

    def _boot(self) -> None:
        self._booting = False
        self.write(BOOT_TEXT)

    def receive(self, data: bytes) -> None:
        """Take octets from the host."""
        if self._booting or self.hung:
            return
        for octet in data:
            if octet in b"\r\n":
                line = bytes(self._line)
                self._line.clear()
                self._command(line)
            else:
                self._line.append(octet)
                if len(self._line) > MAX_LINE_OCTETS:
                    self._line.clear()

    def deliver(self, message: RdssMessage, kind: int) -> None:
        """Tell the host of a message."""
        time = message.sent if self.tell_time else ""
        self._say(
            b"BDTXR,%d,%07d,%d,%s,%s" % (kind, message.sender, message.mode, time.encode(), message.content)
        )

    def copy(self, message: RdssMessage) -> None:
        """Tell a commander's host of a subordinate's message: binary XST."""
        mixed = message.mode != 0
        data = bytes.fromhex(message.content.decode()) if mixed else message.content
        head = struct.pack(
            ">3sB3sBBH",
            message.dest.to_bytes(3, "big"),
            0x20 if mixed else 0,
            message.sender.to_bytes(3, "big"),
            int(message.sent[:2]),
            int(message.sent[2:]),
            8 * len(data),
        )
        frame = b"$BDXST" + (8 + len(head) + len(data) + 2).to_bytes(2, "big") + head + data + b"\x00"
        self._put(frame + bytes([_xor(frame)]))

    def receipted(self, dest: int, times: tuple[tuple[str, str], ...]) -> None:
        """Tell the host of receipts."""
        pairs = "".join(f",{sent},{received}" for sent, received in times)
        self._say(b"BDHZR,%07d,%d%s" % (dest, len(times), pairs.encode()))

    def silence(self, *, on: bool) -> None:
        """Radio silence, as a commander orders it."""
        self.inhibit = 3 if on else 0

    def say(self, body: bytes) -> None:
        """Put any sentence on the line (tests)."""
        self._say(body)

    def _command(self, line: bytes) -> None:
        match = re.search(rb"\$([^$]*)\*([0-9A-F]{2})$", line)
        if not match or _xor(match[1]) != int(match[2], 16):
            return
        self.commands.append(match[1])
        name, *fields = match[1].split(b",")
        if name == b"CCICA":
            later(0.05, self._tell_card)
        elif name == b"CCRMO":
            self._set_report(fields)
        elif name == b"CCTXA":
            self._start_transmission(fields)
        elif name == b"CCCXA" and fields[0] == b"1":
            if fields[1] == b"1":
                self._space.latest(self.card)
            else:
                self._space.ask_receipts(self.card, int(fields[2]))

    def _tell_card(self) -> None:
        if self._booting:
            return
        if not self.card_present:
            self._say(b"BDICI,%07d,00000000,%07d,0,9999.0,0,N,0" % (NO_CARD, NO_CARD))
            return
        self._say(
            b"BDICI,%07d,%08d,%07d,%d,%s,%d,%s,%d"
            % (
                self.card,
                self.card,
                self.broadcast,
                self.user_type,
                f"{self.period_s:g}".encode(),
                self.level,
                b"E" if self.encrypted else b"N",
                len(self.subordinates),
            )
        )

    def _set_report(self, fields: list[bytes]) -> None:
        target, mode, period = (*fields, b"", b"", b"")[:3]
        if mode in {b"1", b"3"}:
            self._stop_report()
        elif mode in {b"2", b"4"} and target in {b"BSI", b""}:
            self._stop_report()
            self._tell_beams(float(period or 1))

    def _tell_beams(self, period_s: float) -> None:
        if not self.hung:
            best = self.sky.value.index(max(self.sky.value)) + 1
            self._say(b"BDBSI,%02d,%02d,%s" % (best, best, ",".join(map(str, self.sky.value)).encode()))
        self._report = later(period_s, lambda: self._tell_beams(period_s))

    def _stop_report(self) -> None:
        if self._report is not None:
            self._report.cancel()
            self._report = None

    def _start_transmission(self, fields: list[bytes]) -> None:
        boots = self._boots
        ok, period_ok, inhibit, wait_s = self._verdict(fields)
        self._busy = self._busy or ok
        delay_s = self.feedback_s + self.feedback_s * self._rng.random()

        def finish() -> None:
            if boots != self._boots:
                return
            if ok:
                self._busy = False
                self._ready_s = asyncio.get_running_loop().time() + self.period_s
                self._emit(fields)
            if self.feedback:
                wait = b"%02d%02d" % divmod(math.ceil(wait_s), 60)
                flags = (b"Y" if ok else b"N", b"Y" if period_ok else b"N", inhibit, wait)
                self._say(b"BDFKI,TXA,%s,%s,%d,%s" % flags)

        later(delay_s, finish)

    def _verdict(self, fields: list[bytes]) -> tuple[bool, bool, int, float]:
        """Return whether executed, whether the period is over, the inhibit code, the wait in s."""
        left_s = self._ready_s - asyncio.get_running_loop().time()
        if self.inhibit:
            return False, True, self.inhibit, 0
        if self._busy or left_s > 0:
            self.too_early += 1
            return False, False, 0, max(left_s, 1)
        if not self.card_present or not max(self.sky.value) or not self._fits(fields):
            return False, True, 0, 0
        return True, True, 0, self.period_s

    def _fits(self, fields: list[bytes]) -> bool:
        if len(fields) != 4 or not re.fullmatch(rb"\d{1,7},[01],[0123]", b",".join(fields[:3])):  # noqa: PLR2004
            return False
        content, mode = fields[3], fields[2]
        bits = len(content) // 2 * 14 if mode == b"0" else len(content) * 4
        level = min(self.level or 5, 4)
        return bits <= (EXPRESS_BITS if fields[1] == b"0" else CAPACITY_BITS[level, self.encrypted])

    def _emit(self, fields: list[bytes]) -> None:
        if self.sky is Sky.CANYON and self._rng.random() < CANYON_LOSS:
            return
        dest, comm, mode, content = fields
        self._space.transmit(self.card, int(dest), express=comm == b"0", mode=int(mode), content=content)

    def _say(self, body: bytes) -> None:
        self._put(b"$%s*%02X" % (body, _xor(body)) + (b"\r" if self.cr_only else b"\r\n"))

    def _put(self, data: bytes) -> None:
        if not (self._booting or self.hung):
            self.write(data)


def _xor(octets: bytes) -> int:
    value = 0
    for octet in octets:
        value ^= octet
    return value
