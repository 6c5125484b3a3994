"""Emergency buttons: one reference per alarm, kept over restarts, however it is told and how often."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.base import Emergency, Position
from drivers.hytera.config import ALARM_REPEAT_S, MAX_ALARMS

KEY = "alarm:"


@dataclass(slots=True)
class _Alarm:
    ref: str
    told_s: float
    position: Position | None


class Alarms:
    """The alarms that are up, by radio id."""

    def __init__(self) -> None:
        self._up: dict[int, _Alarm] = {}

    def start(self, notes: dict[str, str]) -> None:
        """Take up the alarms of the last run."""
        for key, ref in notes.items():
            number = key.removeprefix(KEY)
            if key.startswith(KEY) and number.isascii() and number.isdigit() and len(self._up) < MAX_ALARMS:
                self._up[int(number)] = _Alarm(ref, float("-inf"), None)

    def knows(self, radio: int) -> bool:
        """Whether this radio's alarm has a reference already."""
        return radio in self._up

    def begin(self, radio: int, ref: str) -> dict[str, str]:
        """Give a new alarm its reference; return the note to save."""
        if len(self._up) >= MAX_ALARMS:
            return {}
        self._up[radio] = _Alarm(ref, float("-inf"), None)
        return {f"{KEY}{radio}": ref}

    def told(self, radio: int, address: str, position: Position | None, now_s: float) -> Emergency | None:
        """Return the event for an alarm told (again), None when it brings nothing new."""
        alarm = self._up.get(radio)
        if alarm is None:
            return Emergency(address=address, position=position, ref=f"{radio}:?")
        news = position is not None and position != alarm.position
        if not news and now_s - alarm.told_s < ALARM_REPEAT_S:
            return None
        alarm.told_s = now_s
        alarm.position = position or alarm.position
        return Emergency(address=address, position=alarm.position, ref=alarm.ref)

    def end(self, radio: int, address: str) -> tuple[Emergency | None, dict[str, str]]:
        """Return the event and the note to save when an alarm is cancelled; nothing for one never up."""
        alarm = self._up.pop(radio, None)
        if alarm is None:
            return None, {}
        event = Emergency(address=address, active=False, position=alarm.position, ref=alarm.ref)
        return event, {f"{KEY}{radio}": ""}
