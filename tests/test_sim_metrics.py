"""Bounds on metrics: what holds, what does not, and what was never counted."""

from __future__ import annotations

from dataclasses import replace

from sim.run.play import Result, play
from sim.run.replay import broken_names
from sim.scenario.draw import draw
from sim.scenario.model import Action, Do, Expect, Rule, Span
from tests.world_scene import node, person, scenario

PAIR = scenario(
    (node("HQ", "lan", "pdt", headquarters=True), node("VEH", "lan", "pdt")),
    (person("T-1", "handheld", "VEH"),),
    duration_s=60.0,
)
CRY = Action(t=Span(20.0, 20.0), do=Do.SOS, who="T-1")


def played(high: float, *actions: Action) -> Result:
    """Play a minute in which help should come within `high` seconds."""
    bound = Expect(rule=Rule.METRIC, name="sos.latency", high=high)
    return play(draw(replace(PAIR, actions=actions, expects=(bound,)), 1))


def test_a_bound_holds_or_does_not() -> None:
    """What was counted is told, inside its bound and outside."""
    within, outside = played(30.0, CRY), played(0.001, CRY)
    assert within.holds
    assert not outside.holds
    assert float(outside.verdicts[0].found) > 0
    assert broken_names(outside) == ("sos.latency",)


def test_a_bound_on_what_never_happened_does_not_hold() -> None:
    """Nobody cried for help: that help came in time is not shown, and is no slow help either."""
    silent = played(30.0)
    assert not silent.holds
    assert silent.verdicts[0].found == "nothing to count"
    assert broken_names(silent) == ("sos.latency: nothing to count",)
