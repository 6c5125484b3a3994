"""Random traffic of a seed: gateways and people say things to each other, every text unique."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from drivers.base import Precedence
from sim.rng import Streams
from sim.scenario.model import Action, Do, Scenario, Span

MAX_MESSAGES: Final = 2000
"""Most random messages of one gateway, and of the people behind it."""
HOUR_S: Final = 3600.0
LAST_S: Final = 5.0
"""Nobody begins to say anything in the last seconds of the phase."""
LONG_SHARE: Final = 0.06
ADDRESSED_SHARE: Final = 0.3
"""Of what people type, so much begins with @."""

SECOND_SHARE: Final = 0.2
"""Of messages so many name two recipients."""
SHORT_LIVED_SHARE: Final = 0.2
"""Of messages so many live only as long as one of the next."""
SHORT_LIVES_S: Final = (60, 120, 300)

PHRASES: Final = (
    "水位上涨半米",
    "请派一辆救护车到村委会",
    "道路塌方，绕行河东",
    "已转移群众四十三人，两人轻伤",
    "需要沙袋二百个、铁锹三十把",
    "火线向西北推进，风力五级",
    "请报告人员、车辆和油料",
    "二号闸门已开",
    "收到请确认集结地点",
    "堤坝出现管涌，请工程组增援！",
    "发现被困人员，位置：旧粮站二楼",
    "阀门已关闭，下风向浓度正常",
    "on scene, 12 people",
    "need water & fuel",
    "ETA 25 min",
    "№7 闸 ½ 开，余震 4.1 级",
)
"""What is said in the field: short, with figures and punctuation, Chinese mostly."""
TAIL: Final = "现场情况持续变化，各组保持联络，按预案执行；遇险先撤人、后报告，不得擅自进入危险区域。"
"""What makes a long message long."""
WEIGHTS: Final = {
    Precedence.DEFERRED: 8,
    Precedence.ROUTINE: 50,
    Precedence.PRIORITY: 24,
    Precedence.IMMEDIATE: 12,
    Precedence.FLASH: 6,
}
"""Of 100 messages so many; SOS is for buttons."""


def draw_messages(scenario: Scenario, streams: Streams) -> list[Action]:
    """Return the messages of one seed. `scenario` is concrete: the rate is fixed."""
    per_hour = scenario.swarm.messages_per_h.high
    people = [group.id for group in scenario.groups if group.tier == "person" and not group.off]
    made: list[Action] = []
    for node in scenario.nodes:
        stream = streams.stream(f"messages/{node.id}")
        others = [other.id for other in scenario.nodes if other.id != node.id] + people
        for number, at_s, rng in _times(stream, per_hour, scenario.duration_s):
            if others:
                made.append(
                    Action(
                        t=Span(at_s, at_s),
                        do=Do.SEND,
                        who=node.id,
                        to=rng.choice(others),
                        text=_text(rng, f"{node.id}-{number}"),
                        precedence=rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0],
                        lifetime_s=_lifetime_s(rng),
                    )
                )
                made[-1] = _to_two(made[-1], rng, others)
    for node in scenario.nodes:
        own = [group.id for group in scenario.groups if group.id in people and group.via == node.id]
        stream = streams.stream(f"typing/{node.id}")
        for number, at_s, rng in _times(stream, per_hour if own else 0.0, scenario.duration_s):
            who, addressed = rng.choice(own), rng.random() < ADDRESSED_SHARE
            others = [one for one in [*(n.id for n in scenario.nodes), *people] if one != who]
            text = f"{rng.choice(PHRASES)} {node.id}:{number}"
            text = f"@{rng.choice(others)} {text}" if addressed else text
            made.append(Action(t=Span(at_s, at_s), do=Do.TYPE, who=who, text=text))
    return made


def _times(
    stream: random.Random, per_hour: float, phase_s: float
) -> Iterator[tuple[int, float, random.Random]]:
    at_s = 0.0
    for number in range(1, MAX_MESSAGES + 1) if per_hour > 0 else ():
        at_s += stream.expovariate(per_hour / HOUR_S)
        if at_s >= phase_s - LAST_S:
            return
        yield number, at_s, random.Random(stream.getrandbits(64))  # noqa: S311 - repeatable on purpose


def _lifetime_s(rng: random.Random) -> int:
    """Most live for a day; some are worth something for a few minutes only."""
    return rng.choice(SHORT_LIVES_S) if rng.random() < SHORT_LIVED_SHARE else 0


def _to_two(action: Action, rng: random.Random, others: list[str]) -> Action:
    """Now and then name a second recipient."""
    more = [one for one in others if one != action.to]
    if not more or rng.random() >= SECOND_SHARE:
        return action
    return replace(action, to=f"{action.to},{rng.choice(more)}")


def _text(rng: random.Random, mark: str) -> str:
    """Return a text nobody else says in this run."""
    text = f"{rng.choice(PHRASES)} {mark}"
    return f"{text} {TAIL * rng.randint(1, 3)}" if rng.random() < LONG_SHARE else text
