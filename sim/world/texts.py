"""Every text of a run and the key it was typed under: how a text on a screen is known again."""

from __future__ import annotations

import re
from itertools import product
from typing import Final

from gateway import native
from sim.demo.counter import on_screen

FOLLOWED_CHARS: Final = 4
"""Shorter texts are common words."""

COMMON: Final = (native.Present, native.Acknowledge, native.Help, native.Automatic, native.Distress)
"""What everybody types alike: answers, 收到, and cries for help, which are followed as alarms."""


PART: Final = re.compile(r"(.*)\(([1-9])/([1-9])\)")
"""How a sender's sign begins a text that comes in numbered parts."""


class Texts:
    """The texts of one world. `hq` is where a text typed on a native device goes that names nobody."""

    def __init__(self, hq: str, signs: list[str]) -> None:
        self._hq = hq
        self._signs = {sign.casefold(): sign for sign in signs}
        self._keys: dict[str, str] = {}
        self._parts: dict[tuple[str, str, int], list[set[str]]] = {}

    def typed(self, key: str, text: str) -> bool:
        """Remember a text; False when it is nobody's in particular and cannot be followed."""
        if len(text) < FOLLOWED_CHARS or isinstance(native.read(text), COMMON):
            return False
        self._keys.setdefault(text, key)
        return True

    def meant(self, text: str) -> tuple[str, str]:
        """Return for whom a text typed on a native device is, and what of it is to be shown there."""
        wanted = native.read(text)
        if isinstance(wanted, native.To):
            return self._signs.get(wanted.word.casefold(), wanted.word), wanted.text
        return self._hq, text.strip()

    def key(self, text: str) -> str:
        """Return the key of a text that a gateway's screen shows; "" if nobody typed it."""
        return self._keys.get(text, "")

    def native_key(self, sign: str, text: str) -> tuple[str, bool]:
        """Return the key of what a native screen shows, and whether it is marked as a repeat."""
        seen = on_screen(sign, text, 0.0)
        if seen is None:
            return "", False
        numbered = PART.fullmatch(seen.sender)
        if numbered is None:
            return self.key(seen.text), seen.repeat
        whole = self._whole(sign, numbered[1], int(numbered[2]), int(numbered[3]), seen.text)
        return self.key(whole), seen.repeat

    def _whole(self, sign: str, sender: str, part: int, parts: int, said: str) -> str:
        """Return the text that is complete with this part; "" if none is."""
        shown = self._parts.setdefault((sign, sender, parts), [set() for _ in range(parts)])
        shown[part - 1].add(said)
        choices = [{said} if number == part - 1 else shown[number] for number in range(parts)]
        found = ("".join(joined) for joined in product(*choices))
        return next((text for text in found if text in self._keys), "")
