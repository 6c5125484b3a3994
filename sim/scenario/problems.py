"""What is wrong with a scenario: all of it at once, each with file, line, key, limit and what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from protocols.errors import MAX_FOUND_CHARS, FieldgateError
from sim.scenario.lines import Path

MAX_LISTED = 12
"""Longest list of known names an error repeats: more is a page, not a hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend. `path` is where in the scenario; `line` 0 where there is no file (a Python twin)."""

    path: Path
    en: str
    zh: str
    limit: str = ""
    found: str = ""
    hint: str = ""
    line: int = 0

    @property
    def key(self) -> str:
        """`node[2].at`: the place in words of the file."""
        words = ""
        for step in self.path:
            words += f"[{step}]" if isinstance(step, int) else f".{step}" if words else step
        return words or "-"

    def worded(self, file: str, *, chinese: bool) -> str:
        """One line for a person."""
        place = f"{file}:{self.line}: {self.key}" if self.line else f"{file}: {self.key}"
        limit = ("限制：" if chinese else "limit: ") + self.limit if self.limit else ""
        found = ("实际：" if chinese else "found: ") + self.found if self.found else ""
        hint = (f"是否指 {self.hint}？" if chinese else f"did you mean {self.hint}?") if self.hint else ""
        rest = ("；" if chinese else "; ").join(part for part in (limit, found, hint) if part)
        if chinese:
            return f"{place}：{self.zh}" + (f"（{rest}）" if rest else "")
        return f"{place}: {self.en}" + (f" ({rest})" if rest else "")


class ScenarioError(FieldgateError):
    """A scenario cannot be used; `problems` are all that was found, in the order of the file."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.line, p.key)))
        super().__init__(
            "\n".join(p.worded(file, chinese=False) for p in self.problems),
            "\n".join(p.worded(file, chinese=True) for p in self.problems),
        )


def shown(value: object) -> str:
    """Return a value as an error repeats it."""
    return repr(value)[:MAX_FOUND_CHARS]


def unknown(path: Path, what: tuple[str, str], found: str, known: Iterable[str]) -> Problem:
    """Return the problem of a name that nothing bears; `what` is the kind of thing, en and zh."""
    names = sorted(set(known))
    near = get_close_matches(found.lower(), [name.lower() for name in names], n=1)
    hint = next((name for name in names if near and name.lower() == near[0]), "")
    listed = ", ".join(names[:MAX_LISTED]) + (", …" if len(names) > MAX_LISTED else "")
    return Problem(
        path=path,
        en=f"unknown {what[0]}",
        zh=f"未知的{what[1]}",
        limit=listed or "(none 无)",
        found=shown(found),
        hint=hint,
    )


def located(problems: Iterable[Problem], lines: Mapping[Path, int]) -> list[Problem]:
    """Give each problem the line of its key, or of the nearest table around it."""
    return [replace(problem, line=problem.line or _line(problem.path, lines)) for problem in problems]


def _line(path: Path, lines: Mapping[Path, int]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
