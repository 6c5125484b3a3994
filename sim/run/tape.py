"""What a trace says was heard, said again: by devices on serial lines, and by peers on IP."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from protocols.air import datagram
from sim.device import SerialDevice
from sim.loop import NEUTRAL
from sim.network import SimNetwork

TOGETHER_S: Final = 0.25
"""What follows so soon on an answer belongs to it; what comes later comes unasked."""

PATIENCE_S: Final = 5.0
"""How long an answer on the tape waits for its question; then it is said unasked, so that nothing is kept."""

WORD: Final = re.compile(rb"[ -~]+?(?=[=,?\r]|$)")
"""A command up to its arguments, such as `AT+CMGS` and `$CCTXA`."""

HEX: Final = re.compile(rb"[0-9A-Fa-f]{8,}")
"""A message in PDU mode."""

BODY_OCTET: Final = 12
"""Where in an HRNP packet the payload begins, whose first octets say what it asks."""

BODY_OCTETS: Final = 3


@dataclass(frozen=True, slots=True)
class Passed:
    """One record of a trace: seconds after its first, link, "rx" or "tx", octets, note."""

    at_s: float
    link: str
    direction: str
    data: bytes
    note: str


@dataclass(slots=True, eq=False)
class Exchange:
    """A question of the gateway as it was then, and what the device answered, so many seconds later."""

    at_s: float
    answers: list[tuple[float, bytes]]
    used: bool = False


class Dialogue(SerialDevice):
    """A device that answers each question as it was answered then, and says what came unasked at its time.

    The gateway does not ask at the same moments, nor always in the same order: a question gets the next
    answer to one of its kind, or the last once more. An answer nobody asks for is said all the same.
    """

    def __init__(self, passed: list[Passed]) -> None:
        super().__init__()
        self._kinds: dict[bytes, deque[Exchange]] = {}
        self._last: dict[bytes, Exchange] = {}
        self._unasked: list[tuple[float, bytes]] = []
        self._sort(passed)

    def start(self) -> None:
        """Begin to play; time 0 is now."""
        loop = asyncio.get_running_loop()
        for at_s, data in self._unasked:
            loop.call_at(at_s, self.write, data, context=NEUTRAL)
        for kind in self._kinds.values():
            for one in kind:
                loop.call_at(one.at_s + PATIENCE_S, self._overdue, one, context=NEUTRAL)

    def asked(self, data: bytes, note: str) -> None:
        """Answer what the gateway sends."""
        kind = kind_of(data, note)
        waiting = self._kinds.get(kind, deque())
        while waiting and waiting[0].used:
            waiting.popleft()
        one = waiting.popleft() if waiting else self._last.get(kind)
        if one is not None:
            self._last[kind] = one
            self._say(one)

    @override
    def receive(self, data: bytes) -> None:
        """Take the octets in silence: what they ask was heard already."""

    def _sort(self, passed: list[Passed]) -> None:
        """Tell answers from what came unasked."""
        now: Exchange | None = None
        last_s = 0.0
        for one in passed:
            if one.direction == "tx":
                now = Exchange(one.at_s, [])
                self._kinds.setdefault(kind_of(one.data, one.note), deque()).append(now)
            elif now is not None and (not now.answers or one.at_s - last_s <= TOGETHER_S):
                now.answers.append((one.at_s - now.at_s, one.data))
            else:
                self._unasked.append((one.at_s, one.data))
            last_s = one.at_s

    def _overdue(self, one: Exchange) -> None:
        if not one.used:
            self._say(one)

    def _say(self, one: Exchange) -> None:
        one.used = True
        for wait_s, data in one.answers:
            asyncio.get_running_loop().call_later(wait_s, self.write, data, context=NEUTRAL)


class Datagrams:
    """Peers whose datagrams arrive when they did; their answers to heartbeats answer the latest of now."""

    def __init__(self, passed: list[Passed], network: SimNetwork, own: tuple[str, int]) -> None:
        self._passed = passed
        self._network = network
        self._own = own
        self._nonces: dict[str, int] = {}

    def start(self) -> None:
        """Begin to play; time 0 is now."""
        loop = asyncio.get_running_loop()
        for one in self._passed:
            if one.direction == "rx" and one.note:
                loop.call_at(one.at_s, self._arrive, one, context=NEUTRAL)

    def asked(self, data: bytes, note: str) -> None:
        """Remember what a heartbeat asked of a peer."""
        sent = datagram.decode(data)
        if isinstance(sent, datagram.Heartbeat):
            self._nonces[note] = sent.nonce

    def _arrive(self, one: Passed) -> None:
        data = one.data
        if isinstance(datagram.decode(data), datagram.HeartbeatReply) and one.note in self._nonces:
            data = datagram.encode(datagram.HeartbeatReply(self._nonces[one.note]))
        host, _, port = one.note.rpartition(":")
        self._network.carry(data, (host.strip("[]"), int(port)), self._own)


def kind_of(data: bytes, note: str) -> bytes:
    """Return what a question asks, without its arguments and numbers."""
    line = data.strip(b"\r\n\x1a")
    if HEX.fullmatch(line):
        return b"PDU"
    word = WORD.match(line)
    if word is not None:
        return word[0]
    return note.encode() + data[BODY_OCTET : BODY_OCTET + BODY_OCTETS]
