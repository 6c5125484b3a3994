"""The tables of docs/scenarios.md, as the code has them: `python -m tests.scenario_tables` prints all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

from sim.scenario.keys import AREA, AT, EXPECT, GROUP, NODE, ROAD, SCENARIO, SITE, SWARM, ZONE, Part
from sim.scenario.kinds import Key, Kind
from sim.scenario.model import Span
from sim.scenario.steps import CUTS, DOINGS, FAULTS
from sim.scenario.values import write_number, write_span, write_time, write_time_span
from sim.scenario.words import EVENTUALLY, METRICS, PROMISES

HEAD = """\
| 键 key | 含义 meaning | 取值 value | 单位 unit | 默认 default | 限制 limit |
|---|---|---|---|---|---|"""
KINDS = {
    Kind.TEXT: "文字 text",
    Kind.ID: "名称 name",
    Kind.FLAG: "true / false",
    Kind.WHOLE: "整数 whole",
    Kind.NUMBER: "数 number",
    Kind.SPAN: "数或范围 number or range",
    Kind.TIME: "时间 time",
    Kind.TIME_SPAN: "时间或范围 time or range",
    Kind.WORD: "一词 one word",
    Kind.WORDS: "词列表 words",
    Kind.PRECEDENCE: "等级 precedence",
    Kind.NUMBERS: "数列表 numbers",
    Kind.PAIRS: "数对列表 pairs",
}


def tables() -> dict[str, str]:
    """Return every table by the name of its part."""
    parts = (SCENARIO, AREA, ROAD, ZONE, SITE, NODE, GROUP, AT, SWARM, EXPECT)
    found = {part.name or "scenario": "\n".join([HEAD, *_rows(part)]) for part in parts}
    found["doing"] = "\n".join(_doings())
    found["fault"] = "\n".join(_faults())
    found["always"] = _words(PROMISES)
    found["eventually"] = _words(EVENTUALLY)
    rows = [
        f"| `{name}` | {zh} {en} | {unit} |" for name, (en, zh, unit) in METRICS.items() if _general(name)
    ]
    found["metric"] = "\n".join(["| 指标 metric | 含义 meaning | 单位 unit |", "|---|---|---|", *rows])
    return found


def _general(name: str) -> bool:
    """Whether a metric is no variant of another for one precedence or bearer; the page names one of those."""
    return name.count(".") == 1 and not name.startswith(("delivered.", "airtime.", "octets."))


def _rows(part: Part) -> Iterator[str]:
    for key in part.keys.values():
        given = "**必需 required**" if key.required else f"`{_default(part, key)}`"
        name = f"`{key.name}`"
        limit = "见“名称” see names" if key.kind is Kind.ID else key.limit
        counted = f" × {key.count}" if key.count else ""
        unit = "s" if key.kind in {Kind.TIME, Kind.TIME_SPAN} else key.unit
        yield f"| {name} | {key.zh} {key.en} | {KINDS[key.kind]}{counted} | {unit} | {given} | {limit} |"


def _default(part: Part, key: Key) -> str:
    value = part.default(key)
    match value:
        case None | () | "":
            return "-" if value is None or value == () else '""'
        case Enum():
            return str(value.name.lower())
        case bool():
            return str(value).lower()
        case Span():
            return write_time_span(value) if key.kind is Kind.TIME_SPAN else write_span(value)
        case tuple():
            return f"[{', '.join(write_number(one) for one in value)}]"
        case str():
            return value
        case float() if value in {float("inf"), float("-inf")}:
            return "-"
        case _:
            return write_time(value) if key.kind is Kind.TIME else write_number(value)


def _doings() -> Iterator[str]:
    yield "| 写法 notation | 含义 meaning | 必需 must | 可选 may |"
    yield "|---|---|---|---|"
    cuts = {do: word for word, do in CUTS.items()}
    for do, step in DOINGS.items():
        word = (
            f'cut = "{cuts[do]}"'
            if do in cuts
            else 'fault = "…"'
            if do.value == "fault"
            else f'do = "{do.value}"'
        )
        must, may = (", ".join(f"`{key}`" for key in keys) or "-" for keys in (step.must, step.may))
        yield f"| `{word}` | {step.zh} {step.en} | {must} | {may} |"


def _faults() -> Iterator[str]:
    yield "| 故障 fault | 对象 on | 含义 meaning | `value` | 备注 note |"
    yield "|---|---|---|---|---|"
    for kind, rule in FAULTS.items():
        value = (
            f"{rule.value[0]}: {write_number(rule.value[1])}..{write_number(rule.value[2])}"
            if rule.value
            else "-"
        )
        note = "瞬时 an instant" if rule.instant else ", ".join(sorted(rule.bearers))
        yield f"| `{kind.value}` | {rule.on} | {rule.zh} {rule.en} | {value} | {note or '-'} |"


def _words(words: Mapping[str, tuple[str, str]]) -> str:
    rows = [f"| `{name}` | {zh} {en} |" for name, (en, zh) in words.items()]
    return "\n".join(["| 名称 name | 含义 meaning |", "|---|---|", *rows])


if __name__ == "__main__":
    for table_name, body in tables().items():
        print(f"<!-- {table_name} -->\n{body}\n")  # noqa: T201
