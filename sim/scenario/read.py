"""A scenario file into objects; everything wrong with it is told at once, with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path as FilePath
from typing import Any, Final

from protocols.errors import FieldgateError
from sim.faults.model import Fault
from sim.faults.model import Kind as FaultKind
from sim.scenario.check import check
from sim.scenario.keys import AREA, AT, EXPECT, PARTS, SCENARIO, SINGLE, SWARM, Part
from sim.scenario.kinds import Key
from sim.scenario.lines import Path, lines_of
from sim.scenario.model import ZERO, Action, Area, Do, Expect, Rule, Scenario, Span, Swarm
from sim.scenario.problems import Problem, ScenarioError, located, shown, unknown
from sim.scenario.steps import CUTS, DO_WORDS, DOINGS, YEAR_S
from sim.scenario.values import ValueRefusedError

MAX_FILE_OCTETS: Final = 1_000_000
"""Longest scenario file: a thousand times what a person writes."""

_SYNTAX = re.compile(r" \(at line (?P<line>\d+), column \d+\)")
_RULES: Final = {rule.value: rule for rule in Rule}
_STAND_INS: Final[Mapping[str, Any]] = {
    "name": "unnamed",
    "id": "unnamed",
    "duration_s": YEAR_S,
    "points": ((0.0, 0.0), (0.0, 0.0)),
    "box": (0.0, 0.0, 1.0, 1.0),
    "links": ("lan",),
    "via": "",
    "t": ZERO,
}
"""What stands in for a required value that could not be read, so that the rest can still be checked."""

Table = Mapping[str, object]


class FileUnreadableError(FieldgateError):
    """The file is not there, too long, or no text."""


def load_scenario(file: FilePath) -> Scenario:
    """Read a file; raises FileUnreadableError or ScenarioError (every problem, not the first only)."""
    try:
        octets = file.read_bytes()
        if len(octets) > MAX_FILE_OCTETS:
            raise FileUnreadableError(
                f"{file}: too long (limit: {MAX_FILE_OCTETS} octets; found: {len(octets)})",
                f"{file}：文件过长（限制：{MAX_FILE_OCTETS} 字节；实际：{len(octets)}）",
            )
        text = octets.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise FileUnreadableError(f"{file}: cannot be read: {why}", f"{file}：无法读取：{why}") from error
    return read_scenario(text, str(file))


def read_scenario(text: str, file: str = "scenario") -> Scenario:
    """Read the text of a scenario file; raises ScenarioError with everything that is wrong."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX.search(str(error))
        what = _SYNTAX.sub("", str(error))
        problem = Problem(
            path=(),
            en=f"not TOML: {what}",
            zh=f"不是合法的 TOML：{what}",
            line=int(found["line"]) if found else 1,
        )
        raise ScenarioError(file, [problem]) from error
    reader = _Reader()
    scenario = reader.scenario(raw)
    problems = reader.problems + [p for p in check(scenario) if not reader.told(p.path)]
    if problems:
        raise ScenarioError(file, located(problems, lines_of(text)))
    return scenario


class _Reader:
    """Turns tables into objects; what cannot be read becomes a problem, and something stands in for it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def told(self, path: Path) -> bool:
        """Whether something is already known to be wrong at this place."""
        return any(path[: len(problem.path)] == problem.path for problem in self.problems)

    def scenario(self, raw: Table) -> Scenario:
        names = {*SCENARIO.keys, *(part.name for part in PARTS), "title", "at", "expect"}
        self._unknown(raw, (), names)
        values = self._values(SCENARIO, raw, ())
        title = self._title(raw)
        made: dict[str, Any] = {}
        for part in PARTS:
            if part.name not in SINGLE:
                made[part.attr] = tuple(
                    part.model(**self._part(part, table, path))
                    for table, path in self._tables(raw, part.name)
                )
        return Scenario(
            **values,
            title_zh=title[0],
            title_en=title[1],
            area=Area(**self._single(AREA, raw)),
            swarm=Swarm(**self._single(SWARM, raw)),
            actions=tuple(self._action(table, path) for table, path in self._tables(raw, "at")),
            expects=tuple(self._expect(table, path) for table, path in self._tables(raw, "expect")),
            **made,
        )

    # --- tables ------------------------------------------------------------------------------------------

    def _tables(self, raw: Table, name: str) -> list[tuple[Table, Path]]:
        value = raw.get(name, [])
        if not isinstance(value, list) or any(not isinstance(table, dict) for table in value):
            self._wrong((name,), value, f"[[{name}]]", "not a list of tables", "应写成多个表")
            return []
        return [(table, (name, number)) for number, table in enumerate(value)]

    def _single(self, part: Part, raw: Table) -> dict[str, Any]:
        value = raw.get(part.name, {})
        if not isinstance(value, dict):
            self._wrong((part.name,), value, f"[{part.name}]", "not a table", "应写成一个表")
            return {}
        return self._part(part, value, (part.name,))

    def _part(self, part: Part, table: Table, path: Path) -> dict[str, Any]:
        self._unknown(table, path, part.keys)
        return self._values(part, table, path)

    def _values(self, part: Part, table: Table, path: Path) -> dict[str, Any]:
        """Return the model's values for the keys that are there, and stand-ins for those that must be."""
        values: dict[str, Any] = {}
        for key in part.keys.values():
            default = part.default(key)
            value = self._value(key, table, path)
            if value is None:
                if not key.required:
                    continue
                value = _STAND_INS[key.attr]
            if isinstance(default, Enum) and isinstance(value, str):
                value = type(default)(value)
            attr, _, inner = key.attr.partition(".")
            values[attr] = replace(values.get(attr, _whole(part, attr)), **{inner: value}) if inner else value
        return values

    def _value(self, key: Key, table: Table, path: Path) -> Any:
        """Return what the key says; None where it says nothing, or nothing that can be read."""
        here = (*path, key.name)
        if key.name not in table:
            if key.required:
                self._wrong(here, None, key.limit or "required", "missing", "缺少此键")
            return None
        try:
            return key.read(table[key.name])
        except ValueRefusedError as error:
            self._wrong(here, table[key.name], error.limit, error.en, error.zh, error.hint)
            return None

    def _title(self, raw: Table) -> tuple[str, str]:
        title = raw.get("title")
        if not isinstance(title, dict):
            self._wrong(
                ("title",),
                title,
                'title = { zh = "…", en = "…" }',
                "no title in both languages",
                "缺少双语标题",
            )
            return "", ""
        self._unknown(title, ("title",), {"zh", "en"})
        for word in ("zh", "en"):
            if not isinstance(title.get(word), str) or not title[word]:
                self._wrong(
                    ("title", word),
                    title.get(word),
                    "a text",
                    "no title in this language",
                    "缺少该语言的标题",
                )
        return str(title.get("zh", "")), str(title.get("en", ""))

    # --- [[at]] and [[expect]] ---------------------------------------------------------------------------

    def _action(self, table: Table, path: Path) -> Action:
        do, named = self._doing(table, path)
        if do is None:
            self._unknown(table, path, {*AT.keys, "do", "cut", "fault"})
            for key in AT.keys.values():
                self._value(key, table, path)
            return Action(t=ZERO, do=Do.HEAL)
        step = DOINGS[do]
        allowed = {"t", named, *step.must, *step.may}
        spare = sorted(word for word in table if word not in allowed and word in AT.keys)
        for word in spare:
            limit = ", ".join(sorted(allowed))
            self._wrong((*path, word), word, limit, f"not a key of {do.value}", f"{do.value} 不用此键")
        self._unknown(table, path, {*allowed, *spare})
        values: dict[str, Any] = {}
        for key in AT.keys.values():
            if key.name in step.must and key.name not in table:
                limit = key.limit or "required"
                self._wrong((*path, key.name), None, limit, f"{do.value} needs it", f"{do.value} 需要此键")
            if key.name in allowed and (found := self._value(key, table, path)) is not None:
                values[key.attr] = found
        values.setdefault("t", ZERO)
        value, target = values.pop("value", 0.0), values.pop("target", "")
        if do is Do.FAULT:
            values["fault"] = Fault(at_s=0.0, kind=FaultKind(str(table["fault"])), target=target, value=value)
        return Action(do=do, **values)

    def _doing(self, table: Table, path: Path) -> tuple[Do | None, str]:
        """Return what is done, and by which of the keys `do`, `cut` and `fault` it is said."""
        said = [word for word in ("do", "cut", "fault") if word in table]
        if len(said) != 1:
            self._wrong(
                path,
                said or None,
                "one of do, cut, fault",
                "one of do, cut, fault it must be",
                "须有且只有 do、cut、fault 之一",
            )
            return None, ""
        word = said[0]
        known: Iterable[str] = {"do": DO_WORDS, "cut": CUTS, "fault": [kind.value for kind in FaultKind]}[
            word
        ]
        found = table[word]
        if not isinstance(found, str) or found not in known:
            what = {"do": ("action", "动作"), "cut": ("cut", "切断方式"), "fault": ("fault", "故障")}[word]
            self.problems.append(unknown((*path, word), what, str(found), known))
            return None, ""
        return {"do": DO_WORDS, "cut": CUTS}.get(word, {}).get(found, Do.FAULT), word

    def _expect(self, table: Table, path: Path) -> Expect:
        said = [word for word in _RULES if word in table]
        self._unknown(table, path, {*EXPECT.keys, *_RULES, "after"})
        if len(said) != 1 or not isinstance(table[said[0]], str):
            self._wrong(
                path,
                said or None,
                "one of always, eventually, metric",
                "names no single rule",
                "须有且只有 always、eventually、metric 之一",
            )
            return Expect(rule=Rule.ALWAYS, name="promises")
        rule = _RULES[said[0]]
        if table.get("after", "heal") != "heal":
            self._wrong((*path, "after"), table["after"], "heal", "not a moment", "只能是 heal")
        uses = {Rule.ALWAYS: set(), Rule.EVENTUALLY: {"within", "after"}, Rule.METRIC: {"min", "max"}}[rule]
        for key in sorted({"within", "after", "min", "max"} - uses):
            if key in table:
                limit = ", ".join(sorted(uses)) or "-"
                self._wrong((*path, key), key, limit, f"not a key of {rule.value}", f"{rule.value} 不用此键")
        if rule is Rule.METRIC and not {"min", "max"} & set(table):
            self._wrong(path, None, "min, max", "a metric needs a bound", "指标须有 min 或 max")
        return Expect(rule=rule, name=str(table[said[0]]), **self._values(EXPECT, table, path))

    # --- telling -----------------------------------------------------------------------------------------

    def _unknown(self, table: Table, path: Path, known: Iterable[str]) -> None:
        names = set(known)
        for key in table:
            if key not in names:
                self.problems.append(unknown((*path, key), ("key", "键"), key, names))

    def _wrong(self, path: Path, found: object, limit: str, en: str, zh: str, hint: str = "") -> None:
        what = "nothing" if found is None else shown(found)
        self.problems.append(Problem(path=path, en=en, zh=zh, limit=limit, found=what, hint=hint))


def _whole(part: Part, attr: str) -> Any:
    """Return the default of a part of the model, such as a node's clock."""
    return part.default(Key(name=attr, attr=attr, kind=next(iter(part.keys.values())).kind, en="", zh=""))


def fixed(value: float) -> Span:
    """Return a span that every seed draws alike; for scenarios written in Python."""
    return Span(value, value)
