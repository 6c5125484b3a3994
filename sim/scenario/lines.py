"""Where in a TOML text each key stands. The standard reader tells values only; people need the line."""

from __future__ import annotations

import re
from typing import Final

Path = tuple[str | int, ...]
"""("node", 2, "at"): the key `at` of the third `[[node]]`."""

_WORD = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\]|\\.)*"')
_LITERAL = re.compile(r"'[^']*'")
_SKIP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}\n#]*")
TRIPLE: Final = ('"""', "'''")


def lines_of(text: str) -> dict[Path, int]:
    """Return the line (from 1) of every key and table. `text` must be valid TOML."""
    return _Walk(text.replace("\r\n", "\n")).walk()


class _Walk:
    """Walks over valid TOML once; reads names, skips values."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}

    def walk(self) -> dict[Path, int]:
        table: Path = ()
        while True:
            self._skip()
            if self._at >= len(self._text):
                return self._found
            if self._text.startswith("[[", self._at):
                table = self._header(2)
                number = self._counts.get(table, 0)
                self._counts[table] = number + 1
                table = (*table, number)
                self._note(table)
            elif self._text[self._at] == "[":
                table = self._header(1)
                self._note(table)
            else:
                self._pair(table)

    def _header(self, brackets: int) -> Path:
        line_at = self._at
        self._at += brackets
        names = self._names()
        self._skip()
        self._at += brackets
        path: Path = ()
        for place, name in enumerate(names):
            path = (*path, name)
            last = place == len(names) - 1
            if path in self._counts and not (last and brackets == 2):  # noqa: PLR2004 - "[["
                path = (*path, self._counts[path] - 1)
        self._found.setdefault(path, self._line(line_at))
        return path

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table
        for name in self._names():
            path = (*path, name)
            self._found.setdefault(path, self._line(start))
        self._skip()
        self._at += 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip()
        first = self._text[self._at : self._at + 1]
        if quote := next((q for q in TRIPLE if self._text.startswith(q, self._at)), ""):
            self._triple(quote)
        elif first in {'"', "'"}:
            self._name()
        elif first == "[":
            self._several("]", path)
        elif first == "{":
            self._several("}", path)
        else:
            found = _SCALAR.match(self._text, self._at)
            self._at = max(found.end() if found else 0, self._at + 1)

    def _several(self, end: str, path: Path) -> None:
        """Walk over an array or an inline table."""
        self._at += 1
        number = 0
        while True:
            self._skip()
            if self._at >= len(self._text) or self._text[self._at] == end:
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
            elif end == "}":
                self._pair(path)
            else:
                self._note((*path, number))
                self._value((*path, number))
                number += 1

    def _triple(self, quote: str) -> None:
        at = self._at + len(quote)
        while not self._text.startswith(quote, at):
            at += 2 if quote == '"""' and self._text[at] == "\\" else 1
        at += len(quote)
        while self._text.startswith(quote[0], at):  # up to two more quotes belong to the text
            at += 1
        self._at = at

    def _names(self) -> list[str]:
        names = [self._name()]
        while True:
            self._skip()
            if self._text[self._at : self._at + 1] != ".":
                return names
            self._at += 1
            self._skip()
            names.append(self._name())

    def _name(self) -> str:
        self._skip()
        for pattern in (_WORD, _BASIC, _LITERAL):
            if found := pattern.match(self._text, self._at):
                self._at = found.end()
                return found.group().strip("\"'")
        self._at += 1
        return ""

    def _skip(self) -> None:
        found = _SKIP.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _note(self, path: Path) -> None:
        self._found.setdefault(path, self._line(self._at))

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, at) + 1
