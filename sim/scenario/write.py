"""A scenario as the text of a file: what Python built, for people to read, keep and change."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from sim.scenario.keys import AREA, AT, EXPECT, GROUP, NODE, ROAD, SCENARIO, SITE, SWARM, ZONE, Part
from sim.scenario.kinds import Key, quote
from sim.scenario.model import Action, Do, Expect, Rule, Scenario
from sim.scenario.steps import CUTS, DOINGS


def write_toml(scenario: Scenario) -> str:
    """Return TOML that reads back as the same scenario; what is as by default is left out."""
    head = _lines(SCENARIO, scenario)
    head.insert(1, f"title = {{ zh = {quote(scenario.title_zh)}, en = {quote(scenario.title_en)} }}")
    blocks = [head]
    for part, one in ((AREA, scenario.area), (SWARM, scenario.swarm)):
        if lines := _lines(part, one):
            blocks.append([f"[{part.name}]", *lines])
    for part in (ROAD, ZONE, SITE, NODE, GROUP):
        blocks += [[f"[[{part.name}]]", *_lines(part, one)] for one in getattr(scenario, part.attr)]
    blocks += [["[[at]]", *_action(action)] for action in scenario.actions]
    blocks += [["[[expect]]", *_expect(expect)] for expect in scenario.expects]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _lines(part: Part, one: object) -> list[str]:
    return [
        f"{key.name} = {key.write(_at(one, key))}"
        for key in part.keys.values()
        if key.required or _at(one, key) != part.default(key)
    ]


def _at(one: object, key: Key) -> Any:
    value: Any = one
    for step in key.attr.split("."):
        value = getattr(value, step)
    return value


def _action(action: Action) -> list[str]:
    step = DOINGS[action.do]
    cut = next((word for word, do in CUTS.items() if do is action.do), "")
    lines = [f"t = {AT.keys['t'].write(action.t)}"]
    if action.fault is not None:
        lines += [f"fault = {quote(action.fault.kind.value)}", f"target = {quote(action.fault.target)}"]
        if action.fault.value:
            lines.append(f"value = {AT.keys['value'].write(action.fault.value)}")
    else:
        lines.append(f"cut = {quote(cut)}" if cut else f"do = {quote(action.do.value)}")
    defaults = {field.name: field.default for field in fields(Action) if field.default is not MISSING}
    for name in (*step.must, *step.may):
        key = AT.keys[name]
        if action.do is Do.FAULT and name in {"target", "value"}:
            continue
        value = getattr(action, key.attr)
        if name in step.must or value != defaults[key.attr]:
            lines.append(f"{name} = {key.write(value)}")
    return lines


def _expect(expect: Expect) -> list[str]:
    lines = [f"{expect.rule.value} = {quote(expect.name)}"]
    lines += _lines(EXPECT, expect)
    if expect.rule is Rule.EVENTUALLY:
        lines.append('after = "heal"')
    return lines
