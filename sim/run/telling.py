"""What a terminal shows of a run, in both languages: verdicts, figures, how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from gateway.columns import pad
from sim.run.outline import AFTER_HEAL, limit_of
from sim.run.play import Result, Verdict
from sim.scenario.draw import Drawn
from sim.scenario.model import Rule

RULES: Final[Mapping[Rule, str]] = MappingProxyType(
    {Rule.ALWAYS: "始终 always", Rule.EVENTUALLY: "最终 eventually", Rule.METRIC: "指标 metric"}
)

FIGURES: Final = (
    ("messages.typed", "键入", "typed"),
    ("messages.delivered", "送达", "delivered"),
    ("messages.lost", "丢失", "lost"),
    ("messages.duplicates", "重复", "duplicates"),
    ("rollcall.accounted", "点名到位", "roll call accounted for"),
    ("sos.latency", "求救最久", "slowest SOS"),
)
"""The figures everybody asks for; all of them stand in --json and in the report."""

BUDGETS: Final = (
    "链路预算 link budgets: 公里 km, 发射 tx, 增益 gains, 损耗 losses, 路径 path loss, 电平 level, "
    "余量 dB over what 64 % and 99 % of bursts need, 预计到达 bursts expected to arrive"
)
"""What the columns of the table say, in both languages."""

SHARES: Final = frozenset({"messages.delivered", "rollcall.accounted"})


def head(drawn: Drawn) -> str:
    """Return the line a run begins with."""
    scenario = drawn.scenario
    return f"{scenario.title_zh} {scenario.title_en} · 种子 seed {drawn.seed}"


def verdicts(result: Result) -> Iterator[str]:
    """Return one line for each expectation."""
    wide = max((len(verdict.expect.name) for verdict in result.verdicts), default=0)
    for verdict in result.verdicts:
        yield f"  {verdict_line(verdict, wide)}"


def verdict_line(verdict: Verdict, wide: int = 0) -> str:
    """Return one expectation: whether it holds, what was demanded, what was found."""
    expect = verdict.expect
    mark = "✓" if verdict.holds else "✗"
    demanded = "" if expect.rule is Rule.ALWAYS else f"   ({limit_of(expect).removesuffix(AFTER_HEAL)})"
    return f"{mark} {pad(RULES[expect.rule], 16)} {expect.name:<{wide}}   {verdict.found}{demanded}"


def figures(result: Result) -> str:
    """Return the figures everybody asks for, in one line."""
    parts = [
        f"{zh} {en} {_figure(name, result.metrics[name])}"
        for name, zh, en in FIGURES
        if name in result.metrics
    ]
    return "  " + " · ".join(parts)


def tail(result: Result, real_s: float) -> str:
    """Return the line a run ends with: trace, times, how much faster than life."""
    faster = f" ({result.took_s / real_s:.0f}×)" if real_s > 0 else ""
    return (
        f"  轨迹 trace {result.trace} · 虚拟 virtual {span(result.took_s)} · 实际 real {real_s:.1f} s{faster}"
    )


def span(seconds: float) -> str:
    """Return a length of time as h:mm:ss."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _figure(name: str, value: float) -> str:
    if name in SHARES:
        return f"{100 * value:.4g} %"
    return f"{value:.1f} s" if name.endswith("latency") else f"{value:g}"
