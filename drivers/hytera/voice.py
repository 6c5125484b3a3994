"""Voice goes first: whether a call or its hang time holds the channel, by what the radio broadcasts."""

from __future__ import annotations

from drivers.hytera.config import HANG_MAX_S
from protocols.hytera.rcp import (
    VOICE_SERVICE,
    BroadcastTransmitStatus,
    ChannelBroadcast,
    ChannelStatus,
    RepeaterBroadcastTransmitStatus,
    RepeaterStatus,
)

TALKING = frozenset(
    {
        RepeaterStatus.LOCAL_REPEATING,
        RepeaterStatus.IP_REPEATING,
        RepeaterStatus.REMOTE_PTT_TX,
        RepeaterStatus.REMOTE_PTT_WAIT_ACK,
        RepeaterStatus.LOCAL_PTT_TX,
        RepeaterStatus.LOCAL_PTT_WAIT_ACK,
    }
)
REPEATER = "repeater"


class VoiceGate:
    """Remembers until when each witness (transmitter, receiver, repeater) holds the channel."""

    def __init__(self, *, hang_s: float, voice_max_s: float) -> None:
        self._hang_s = hang_s
        self._voice_max_s = voice_max_s
        self._until_s: dict[str, float] = {}
        self._hanging: set[str] = set()

    def until_s(self) -> float:
        """Monotonic time at which the channel is free, if nothing more is heard; 0 when it is."""
        return max(self._until_s.values(), default=0.0)

    def busy(self, now_s: float) -> bool:
        """Whether voice or its hang time is up; forgets what is over."""
        self._until_s = {who: until_s for who, until_s in self._until_s.items() if until_s > now_s}
        return bool(self._until_s)

    def clear(self) -> None:
        """Forget everything: the radio is gone."""
        self._until_s.clear()

    def channel(self, told: ChannelBroadcast, now_s: float) -> None:
        """Take a B843 or B844 broadcast."""
        who = "transmitter" if isinstance(told, BroadcastTransmitStatus) else "receiver"
        if told.status == ChannelStatus.STARTED:
            self._talk(who, now_s)
        elif told.status == ChannelStatus.HANG_TIME:
            self._hang(who, now_s, HANG_MAX_S)
        else:
            self._end(who, now_s)

    def repeater(self, told: RepeaterBroadcastTransmitStatus, now_s: float) -> None:
        """Take a B845 broadcast; data services of the repeater do not hold data up."""
        if told.status == RepeaterStatus.SLEEP:
            self._until_s.pop(REPEATER, None)
        elif told.rpt_service != VOICE_SERVICE:
            return
        elif told.status in TALKING:
            self._talk(REPEATER, now_s)
        else:
            self._hang(REPEATER, now_s, HANG_MAX_S)

    def _talk(self, who: str, now_s: float) -> None:
        self._hanging.discard(who)
        self._until_s[who] = now_s + self._voice_max_s

    def _hang(self, who: str, now_s: float, length_s: float) -> None:
        self._hanging.add(who)
        self._until_s[who] = now_s + length_s

    def _end(self, who: str, now_s: float) -> None:
        """Free the channel; a radio that never tells of hang times gets the configured one."""
        if who in self._hanging or who not in self._until_s:
            self._hanging.discard(who)
            self._until_s.pop(who, None)
        else:
            self._until_s[who] = now_s + self._hang_s
