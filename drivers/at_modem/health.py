"""What state the terminal is in, by its evidence; pure."""

from __future__ import annotations

from drivers.at_modem.dialects import Dialect
from drivers.base import LinkState, Quality, StateChanged
from protocols.at import Meaning, Result, Words, error_words
from protocols.at.meaning import (
    REGISTRATION_DENIED,
    CellSignal,
    PinState,
    Registration,
    SatelliteSignal,
    SimReady,
)
from protocols.at.words import NO_SIM

REGISTER_TIMEOUT_S = 60.0
"""Searching longer than this after the start is down, not starting."""

EXCELLENT_SNR_DB = 20.0
"""Counts as 100 %."""

SEARCHING = Words("not registered, searching", "未注册，正在搜网")
DENIED = Words("registration denied", "注册被拒绝")
NO_SIGNAL = Words("no satellite signal", "无卫星信号")
POOR_SIGNAL = Words("poor satellite signal", "卫星信号差")
REGISTERED = Words("registered", "已注册")
DEAF = Words("the terminal does not answer", "终端无应答")
ERRORS = Words("the terminal answers ERROR", "终端持续报错")
RESTARTED = Words("the terminal has started anew", "终端已重启")
OPENED = Words("port opened, initialising", "端口已打开，正在初始化")
NO_CARD = Words("SIM not ready", "卡未就绪")


class Health:
    """Collects evidence; `change` returns a StateChanged when it adds up to something new."""

    def __init__(self, dialect: Dialect) -> None:
        self.state = LinkState.STARTING
        self.words = OPENED
        self.ready = False
        """Whether the terminal is initialised and answers."""
        self._dialect = dialect
        self.doubt: Words | None = None
        """Set while the terminal has not answered once or twice: not yet trouble, but suspect."""
        self._trouble: Words | None = None
        self._registration: int | None = None
        self._was_registered = False
        self._card = True
        self._poor = 0
        self._dark = 0
        self._since_s = 0.0
        self._told: tuple[LinkState, Words] | None = None

    @property
    def doubtful(self) -> bool:
        """Whether the last reading was poor or nothing is registered: look again soon."""
        return self._poor > 0 or (self.ready and not self._registered)

    @property
    def _registered(self) -> bool:
        return self._registration in (1, 5)

    def opened(self, now_s: float, words: Words = OPENED) -> None:
        """Start anew: nothing is known."""
        self.ready = False
        self._registration = None
        self._was_registered = False
        self._card = True
        self._poor = self._dark = 0
        self._since_s = now_s
        self._trouble = None
        self.words = words

    def initialised(self, now_s: float) -> None:
        """The terminal did as told."""
        self.ready = True
        self._trouble = None
        self._since_s = now_s

    def trouble(self, words: Words, now_s: float) -> None:
        """The terminal does not do as told; while it may still be starting that is no news."""
        if self.ready or now_s - self._since_s >= self._dialect.boot_timeout_s:
            self._trouble = words
        self.ready = False
        self._registration = None

    def failed(self, words: Words) -> None:
        """Hard evidence: no card, wrong card, PIN wanted."""
        self._trouble = words
        self.ready = False

    def take(self, meaning: Meaning) -> Quality | None:
        """Take a typed line; return the measurement in it."""
        if isinstance(meaning, SimReady):
            self._card = meaning.ready
        elif isinstance(meaning, PinState):
            self._card = meaning.state == "READY"
        elif isinstance(meaning, Registration) and meaning.domain == "CS":
            self._registration = meaning.status
            self._was_registered |= meaning.registered
        elif isinstance(meaning, SatelliteSignal):
            self._poor = self._poor + 1 if meaning.snr_db < self._dialect.poor_snr_db else 0
            self._dark = self._dark + 1 if meaning.snr_db < self._dialect.no_signal_snr_db else 0
            percent = round(max(0.0, min(1.0, meaning.snr_db / EXCELLENT_SNR_DB)) * 100)
            detail = f"{meaning.level}, {meaning.quality}"
            return Quality(
                rssi_dbm=meaning.rssi_dbm, snr_db=meaning.snr_db, quality_pct=percent, detail=detail
            )
        elif isinstance(meaning, CellSignal) and meaning.rssi_dbm is not None:
            return Quality(rssi_dbm=float(meaning.rssi_dbm))
        return None

    def change(self, now_s: float) -> StateChanged | None:
        """Return the new state if state or reason changed."""
        self.state, self.words = told = self._judge(now_s)
        if told == self._told:
            return None
        self._told = told
        return StateChanged(state=self.state, reason=bilingual(self.words))

    def absent(self, reason: Words) -> StateChanged | None:
        """The port is not there."""
        self.ready = False
        self.state, self.words = told = (LinkState.ABSENT, reason)
        if told == self._told:
            return None
        self._told = told
        return StateChanged(state=LinkState.ABSENT, reason=bilingual(reason))

    def _judge(self, now_s: float) -> tuple[LinkState, Words]:
        if self._trouble is not None:
            return LinkState.DOWN, self._trouble
        if not self._card:
            return LinkState.DOWN, NO_CARD
        if not self.ready or self._registration is None:
            return LinkState.STARTING, self.words if self.words in (OPENED, RESTARTED) else OPENED
        if self._registration == REGISTRATION_DENIED:
            return LinkState.DOWN, DENIED
        if not self._registered:
            late = self._was_registered or now_s - self._since_s >= REGISTER_TIMEOUT_S
            return (LinkState.DOWN if late else LinkState.STARTING), SEARCHING
        if self._dark >= self._dialect.poor_readings:
            return LinkState.BLOCKED, NO_SIGNAL
        if self._poor >= self._dialect.poor_readings:
            return LinkState.SUSPECT, POOR_SIGNAL
        if self.doubt is not None:
            return LinkState.SUSPECT, self.doubt
        return LinkState.UP, REGISTERED


def result_words(result: Result) -> Words:
    """Return what a failed command's result says, with its number."""
    if not result.family:
        return Words(result.word, result.word)
    words = error_words(result.family, result.code)
    number = "" if result.code is None else f" ({result.family} {result.code})"
    return Words(words.en + number, words.zh + number)


def is_hard(result: Result) -> bool:
    """Whether an error says that no usable card is there, so that trying again at once is useless."""
    return result.code is not None and (result.family, result.code) in NO_SIM


def bilingual(words: Words) -> str:
    """Return one string for operators."""
    return f"{words.en} / {words.zh}" if words.en != words.zh else words.en
