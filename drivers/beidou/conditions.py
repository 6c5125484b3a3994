"""What a terminal's state follows from: port, answer, card, inhibits, beams. Pure; takes `now_s`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from drivers.base import LinkState, StateChanged
from protocols.beidou.reports import CardInfo


class Inhibit(IntEnum):
    """Why a terminal may not transmit (BDFKI field 4, reference page satellite-terminals §1.3)."""

    NONE = 0
    SUPPRESSED = 1
    LOW_BATTERY = 2
    SILENCE = 3


NO_BEAM = "no beam / 无波束信号"
NO_CARD = "no card / 无卡"
NO_ANSWER = "terminal does not answer / 终端无应答"
DEAF = "the terminal reports, but answers nothing / 终端有报告而不应答"
_WORDS: dict[int, str] = {
    Inhibit.SUPPRESSED: "suppressed by the system / 系统抑制发射",
    Inhibit.LOW_BATTERY: "terminal battery low / 终端电量不足",
    Inhibit.SILENCE: "radio silence ordered / 无线电静默",
}


def inhibit_words(code: int) -> str:
    """Return an inhibit code's meaning in English and Chinese."""
    return _WORDS.get(code, f"inhibit code {code} / 抑制码 {code}")


@dataclass(slots=True)
class Conditions:
    """What is known now; `state` says what follows from it."""

    absent: str | None = "not opened yet / 尚未打开"
    silent: str | None = None
    """Set while the terminal owes an answer: why."""
    dead: bool = False
    """Whether it owed one for all tries."""
    deaf: bool = False
    """Whether it reports, but answers nothing: our line to it is broken, or it is stuck."""
    card: CardInfo | None = None
    beams: bool | None = None
    """Whether any beam is strong enough; None: not told."""
    beams_due_s: float = 0.0
    """Until then a first beam report is waited for."""
    inhibit: int = Inhibit.NONE
    inhibit_until_s: float = 0.0

    def lost(self, reason: str) -> None:
        """The port is gone: nothing known before holds, but an inhibit outlives a cable."""
        self.absent, self.silent, self.dead, self.deaf = reason, None, False, False
        self.card, self.beams = None, None

    def opened(self) -> None:
        """The port is open; nothing was heard yet."""
        self.absent, self.silent, self.dead, self.deaf = None, None, False, False
        self.card, self.beams = None, None

    def forbid(self, code: int, until_s: float) -> None:
        """The terminal told an inhibit."""
        self.inhibit, self.inhibit_until_s = code, until_s

    def state(self, now_s: float) -> StateChanged:
        """Return state and reason; the hardest evidence first."""
        if self.absent is not None:
            return StateChanged(state=LinkState.ABSENT, reason=self.absent)
        if self.dead:
            return StateChanged(state=LinkState.DOWN, reason=NO_ANSWER)
        if self.deaf:
            return StateChanged(state=LinkState.DOWN, reason=DEAF)
        if self.silent is not None:
            return StateChanged(state=LinkState.SUSPECT, reason=self.silent)
        if self.card is None:
            return StateChanged(state=LinkState.STARTING, reason="asking for the card / 正在读卡")
        if not self.card.card_present:
            return StateChanged(state=LinkState.DOWN, reason=NO_CARD)
        if self.beams is None and now_s < self.beams_due_s:
            return StateChanged(state=LinkState.STARTING, reason="waiting for beams / 等待波束报告")
        return self._may_send(now_s)

    def _may_send(self, now_s: float) -> StateChanged:
        if self.inhibit and now_s < self.inhibit_until_s:
            words = inhibit_words(self.inhibit)
            if self.inhibit == Inhibit.LOW_BATTERY:
                return StateChanged(state=LinkState.DOWN, reason=words)
            return StateChanged(state=LinkState.BLOCKED, reason=words, until_s=self.inhibit_until_s)
        if self.beams is False:
            return StateChanged(state=LinkState.BLOCKED, reason=NO_BEAM)
        if self.inhibit:
            reason = f"trying again after: {inhibit_words(self.inhibit)}"
            return StateChanged(state=LinkState.RECOVERING, reason=reason)
        return StateChanged(
            state=LinkState.UP, reason="card and beam / 有卡有波束" if self.beams else "card / 有卡"
        )
