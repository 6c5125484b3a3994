"""Columns that stay straight with Chinese in them: East Asian characters are two cells wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

WIDE = frozenset({"W", "F"})
GAP = "  "


def printable(text: str) -> str:
    """Return text safe for a terminal: what came over the air must not move the cursor or change colours."""
    return "".join(
        " " if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else one for one in text
    )


def width(text: str) -> int:
    """Return how many cells a terminal needs."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in WIDE else 1
        for one in text
    )


def pad(text: str, cells: int) -> str:
    """Fill up with spaces to `cells`."""
    return text + " " * max(0, cells - width(text))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table, the last column unpadded."""
    shown = [head, *[[printable(cell) for cell in row] for row in rows]]
    cells = [max(width(row[column]) for row in shown) for column in range(len(head))]
    lines = [
        GAP.join(pad(cell, size) for cell, size in zip(row, cells, strict=True)).rstrip() for row in shown
    ]
    rule = GAP.join("-" * size for size in cells)
    return [lines[0], rule, *lines[1:]]


def age(age_s: float, lang: str) -> str:
    """Return an age as people say it: `5s`, `12m`, `3h`, `2d`; in Chinese 秒, 分, 小时, 天."""
    value = max(0, int(age_s))
    for size, chinese, english in ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分", "m")):
        if value >= size:
            return f"{value // size}{chinese if lang == 'zh' else english}"
    return f"{value}{'秒' if lang == 'zh' else 's'}"
