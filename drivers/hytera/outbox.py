"""What was sent and waits for its result, and when the next transmission may start."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.base import Handle, Service

BURST_S = 0.060
OVERHEAD_BURSTS = 4
BLOCK_OCTETS, LAST_BLOCK_OCTETS = 10, 6
IP_OCTETS = 28
ACK_S = 0.180


@dataclass(slots=True)
class Attempt:
    """One transmission. `written` tells whether octets went to the port."""

    handle: Handle
    service: Service
    destination: int
    group: bool
    ref: str
    octets: int
    deadline_s: float = float("inf")
    written: bool = False

    @property
    def airtime_s(self) -> float:
        """Expected seconds on the air (reference page, section 3.2: confirmed data, rate 1/2)."""
        blocks = 1 + max(0, -(-(self.octets + IP_OCTETS - LAST_BLOCK_OCTETS) // BLOCK_OCTETS))
        return (OVERHEAD_BURSTS + blocks) * BURST_S + ACK_S


class Outbox:
    """Attempts by reference (a request id), and until when the channel is ours."""

    def __init__(self) -> None:
        self._attempts: dict[str, Attempt] = {}
        self.on_air_until_s = 0.0

    def __len__(self) -> int:
        return len(self._attempts)

    def add(self, attempt: Attempt) -> None:
        """Remember an attempt before it is written."""
        self._attempts[attempt.ref] = attempt

    def has(self, attempt: Attempt) -> bool:
        """Whether the result of an attempt has not come yet."""
        return attempt.ref in self._attempts

    def written(self, attempt: Attempt, now_s: float) -> None:
        """Its first octet goes to the radio, which may key up before it has acknowledged the last."""
        attempt.written = True
        self.on_air_until_s = max(self.on_air_until_s, now_s + attempt.airtime_s)

    def sent(self, attempt: Attempt, now_s: float, timeout_s: float) -> None:
        """The radio took it: its airtime and the wait for its result begin."""
        attempt.deadline_s = now_s + timeout_s
        self.on_air_until_s = now_s + attempt.airtime_s

    def finish(self, ref: str) -> Attempt | None:
        """Take out the attempt of a reference; the channel is free when it was the only one."""
        attempt = self._attempts.pop(ref, None)
        if attempt is not None and not self._attempts:
            self.on_air_until_s = 0.0
        return attempt

    def due_from(self, destination: int, *, group: bool) -> int:
        """Count the attempts to the same destination whose results are still due."""
        return sum(
            (attempt.destination, attempt.group) == (destination, group)
            for attempt in self._attempts.values()
        )

    def overdue(self, now_s: float) -> list[Attempt]:
        """Take out what has waited too long."""
        late = [attempt for attempt in self._attempts.values() if attempt.deadline_s <= now_s]
        return [found for attempt in late if (found := self.finish(attempt.ref)) is not None]

    def next_deadline_s(self) -> float:
        """Return when the next attempt will be overdue; infinity when none waits."""
        return min((attempt.deadline_s for attempt in self._attempts.values()), default=float("inf"))

    def drain(self) -> list[Attempt]:
        """Take out everything: the radio is gone."""
        left = list(self._attempts.values())
        self._attempts.clear()
        self.on_air_until_s = 0.0
        return left
