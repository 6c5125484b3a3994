"""Which status report belongs to which transmission; survives a restart."""

from __future__ import annotations

import json
from dataclasses import dataclass

from drivers.base import Handle, Progress, Stage
from protocols.at import report_words
from protocols.sms import Outcome, StatusReport

MAX_OUTSTANDING = 64
"""Transmissions whose reports are awaited; the oldest is forgotten. At 5 s each, five minutes of them."""

SUFFIX_DIGITS = 8
"""Digits compared: a report writes the number with the country code, whatever was dialled."""

NOTE = "reports"
"""The key of our notes."""


@dataclass(slots=True)
class _Group:
    """One transmission: `references` of the parts not reported yet; `handle` None after a restart."""

    number: str
    references: list[int]
    device_ref: str = ""
    handle: Handle | None = None
    open: bool = False
    """Whether more parts are to come: reports of the first may overtake them."""


class Reports:
    """The awaited reports; `notes` is what to keep on disk."""

    def __init__(self, notes: dict[str, str]) -> None:
        self._groups: list[_Group] = []
        try:
            kept = json.loads(notes.get(NOTE, "[]"))
            self._groups = [
                _Group(str(number), [int(r) for r in refs], str(ref)) for ref, number, refs in kept
            ]
        except (ValueError, TypeError):
            self._groups = []  # notes of another version: reports then go by their own number

    @property
    def notes(self) -> dict[str, str]:
        """What to keep on disk; empty removes it."""
        kept = [
            (group.device_ref, group.number, group.references) for group in self._groups if not group.open
        ]
        return {NOTE: json.dumps(kept) if kept else ""}

    def part(self, number: str, reference: int, handle: Handle) -> None:
        """Await the report of one more part of a transmission."""
        for older in self._groups:  # the terminal's reference has 8 bits: a reused one is the newer part's
            if _same(older.number, number) and older.handle != handle and reference in older.references:
                older.references.remove(reference)
        self._groups = [group for group in self._groups if group.references or group.open]
        group = next((group for group in self._groups if group.open and group.handle == handle), None)
        if group is None:
            group = _Group(number, [], handle=handle, open=True)
            self._groups = [*self._groups[-MAX_OUTSTANDING + 1 :], group]
        group.references.append(reference)
        group.device_ref = f"{number}:{reference}"

    def sent(self, handle: Handle) -> tuple[str, bool]:
        """All parts are at the network: return the device reference, and whether all are delivered."""
        group = next((group for group in self._groups if group.open and group.handle == handle), None)
        if group is None:
            return "", False
        group.open = False
        if not group.references:
            self._groups.remove(group)
        return group.device_ref, not group.references

    def given_up(self, handle: Handle) -> None:
        """Not all parts went: their reports say nothing."""
        self._groups = [g for g in self._groups if not (g.open and g.handle == handle)]

    def progress(self, report: StatusReport) -> Progress | None:
        """Return what a report says about a transmission; None while it says nothing final."""
        if report.outcome is Outcome.TRYING:
            return None
        number = report.recipient.text
        words = report_words(report.status)
        reason = f"{words.en} / {words.zh}"
        stage = Stage.DELIVERED if report.outcome is Outcome.DELIVERED else Stage.FAILED
        group = next(
            (g for g in self._groups if report.reference in g.references and _same(g.number, number)), None
        )
        if group is None:
            device_ref = f"{number}:{report.reference}"
            return Progress(handle=None, stage=stage, device_ref=device_ref, reason=reason)
        group.references.remove(report.reference)
        if stage is Stage.DELIVERED and (group.references or group.open):
            return None
        self._groups.remove(group)
        return Progress(handle=group.handle, stage=stage, device_ref=group.device_ref, reason=reason)


def _same(one: str, other: str) -> bool:
    return one[-SUFFIX_DIGITS:] == other[-SUFFIX_DIGITS:]
