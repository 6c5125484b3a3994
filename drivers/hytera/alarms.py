"""Emergency buttons: one reference per alarm, kept over restarts, however it is told and how often."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.base import Emergency, Position
from drivers.hytera.config import ALARM_QUIET_S, ALARM_REPEAT_S, MAX_ALARMS

KEY = "alarm:"


@dataclass(slots=True)
class _Alarm:
    ref: str
    heard_s: float
    told_s: float = float("-inf")
    position: Position | None = None


class Alarms:
    """The alarms that are up, by radio id."""

    def __init__(self) -> None:
        self._up: dict[int, _Alarm] = {}

    def start(self, notes: dict[str, str], now_s: float) -> None:
        """Take up the alarms of the last run; their repeats must come soon, or they are new alarms."""
        for key, ref in notes.items():
            number = key.removeprefix(KEY)
            if key.startswith(KEY) and number.isdecimal() and len(self._up) < MAX_ALARMS:
                self._up[int(number)] = _Alarm(ref, now_s)

    def goes_on(self, radio: int, now_s: float) -> bool:
        """Whether this radio is in an alarm that was heard lately."""
        alarm = self._up.get(radio)
        return alarm is not None and now_s - alarm.heard_s < ALARM_QUIET_S

    def begin(self, radio: int, ref: str, now_s: float) -> dict[str, str]:
        """Give a new alarm its reference; return the notes to save."""
        notes = {f"{KEY}{radio}": ref}
        if radio not in self._up and len(self._up) >= MAX_ALARMS:
            oldest = min(self._up, key=lambda each: self._up[each].heard_s)
            del self._up[oldest]
            notes[f"{KEY}{oldest}"] = ""
        self._up[radio] = _Alarm(ref, now_s)
        return notes

    def told(self, radio: int, address: str, position: Position | None, now_s: float) -> Emergency | None:
        """Return the event for an alarm told (again), None when it brings nothing new."""
        alarm = self._up[radio]
        alarm.heard_s = now_s
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
