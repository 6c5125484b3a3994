"""When a card may transmit next: its service period, kept over restarts and safe from wrong wall clocks.

Within a run only the monotonic clock counts. Over a restart all there is is the wall clock:

- it says a time after the last transmission: the rest of the period is waited for, and what a slow disk may
  have held the transmission back, at most one period;
- it says a time before it (it was set back): nothing is known, one full period is waited for;
- it was set forward by years: the rest seems over and one message may be tried too early. The card itself
  then answers `N,N` with its wait, nothing goes on the air, and from then on the monotonic clock holds. So a
  start costs at most one refused try, never a storm, and a wrong clock never blocks longer than one period.
"""

from __future__ import annotations

MAX_WAIT_S = 99 * 60 + 59
"""Longest wait a feedback can tell (mmss); a stored one beyond it is damaged."""

SAVED_EARLY_S = 3.0
"""The note is on disk before the terminal is asked to transmit, and a slow disk takes seconds for that: after
a restart the period may have begun so much later than the note says."""

_ARMED = "armed_unix_ms"
_WAIT = "wait_ms"
_CARD = "card"


class TransmitClock:
    """One card's next transmission."""

    def __init__(self, notes: dict[str, str], *, now_s: float, unix_ms: int) -> None:
        """Take what an earlier run saved; damaged notes count as a wait that is over."""
        self._card = notes.get(_CARD, "")
        self._restored = True
        self._armed_s = now_s
        self._wait_s = 0.0
        stored = _number(notes.get(_WAIT, "")) / 1000
        elapsed_s = (unix_ms - _number(notes.get(_ARMED, ""))) / 1000
        if 0 < stored <= MAX_WAIT_S:
            self._wait_s = stored if elapsed_s < 0 else max(0.0, stored + SAVED_EARLY_S - elapsed_s)

    def learn_card(self, card: str, period_s: float, *, now_s: float) -> None:
        """Cap what was restored at one period of the card found; another card has a clock of its own."""
        if self._card not in {"", card}:
            self._wait_s = 0.0
        elif self._restored and self.remaining_s(now_s) > period_s:
            self.arm(period_s, now_s=now_s)
        self._card = card
        self._restored = False

    def remaining_s(self, now_s: float) -> float:
        """Return how long until the next transmission; 0 when it may be now."""
        return max(0.0, self._armed_s + self._wait_s - now_s)

    def arm(self, wait_s: float, *, now_s: float) -> None:
        """Begin a wait now."""
        self._armed_s, self._wait_s = now_s, min(wait_s, MAX_WAIT_S)
        self._restored = False

    def release(self) -> None:
        """Nothing went on the air: no wait."""
        self._wait_s = 0.0

    def notes(self, *, now_s: float, unix_ms: int) -> dict[str, str]:
        """Return what the next run needs."""
        armed = unix_ms - round((now_s - self._armed_s) * 1000)
        return {_ARMED: str(armed), _WAIT: str(round(self._wait_s * 1000)), _CARD: self._card}


def _number(text: str) -> int:
    return int(text) if text.lstrip("-").isdecimal() and text.isascii() else 0
