"""What people type and see, told as it happens: the truth that promises are judged by."""

from __future__ import annotations

from typing import Protocol


class Diary(Protocol):
    """Takes what happens on one device's keypad and screen. `number` counts what was typed on it."""

    def typed(self, number: int, to: str, text: str) -> None:
        """A text was typed; `to` is an address on the device's bearer."""

    def taken(self, number: int) -> None:
        """The device's network has taken that text: its person may believe that it is on its way."""

    def shown(self, sender: str, text: str) -> None:
        """A text appeared on the screen."""

    def pressed(self, *, on: bool) -> None:
        """The emergency button was pressed, or the emergency cancelled."""


class NoDiary:
    """Nobody keeps one."""

    def typed(self, number: int, to: str, text: str) -> None:
        """Do nothing."""

    def taken(self, number: int) -> None:
        """Do nothing."""

    def shown(self, sender: str, text: str) -> None:
        """Do nothing."""

    def pressed(self, *, on: bool) -> None:
        """Do nothing."""
