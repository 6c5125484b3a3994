"""A message's life as a diagram: in order, bounded, and valid whatever it says."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from sim.record import Event, What
from sim.report.digest import Digest, digest_of
from sim.report.lives import MAX_STEPS, Life
from sim.report.sequence import inline_svg, mermaid, svg
from sim.report.steps import MAX_SHOWN, Tone, steps_of
from tests import report_events

SUMMARY = report_events.summary()
NASTY = "<script>alert(1)</script>;\n\x00#end: \u202e--x"


def of(key: str, *more: Event) -> tuple[Digest, Life]:
    """Return a message of the made-up run."""
    digest = digest_of(SUMMARY, [*report_events.events(), *more])
    return digest, next(life for life in digest.lives if life.key == key)


def typed(text: str) -> Event:
    return Event(
        10**9, What.TYPED, "hq", "", {"key": "n", "by": "seat", "to": "veh-3", "text": text, "accepted": True}
    )


def test_steps_tell_the_whole_way() -> None:
    """Typed, stored, lost once on the air, carried, shown, delivered: in this order."""
    digest, life = of("m-1")
    told = [step.en for step in steps_of(SUMMARY, digest, life, context=False)]
    words = ["typed", "queued", "faded", "octets", "shown", "delivered"]
    places = [
        next(i for i, line in enumerate(told) if word in line and "faded" not in line.replace(word, ""))
        for word in words
    ]
    assert places == sorted(places)


def test_lost_message_shows_what_broke_meanwhile() -> None:
    """The diagram of a message that never came names the faults of its time and the node it never reached."""
    digest, life = of("m-17")
    steps = steps_of(SUMMARY, digest, life)
    assert any("cut cellular" in step.en and step.tone is Tone.BAD for step in steps)
    assert "veh-3" in inline_svg(SUMMARY, digest, life)


def test_steps_are_bounded() -> None:
    """A message told a thousand times keeps a diagram of bounded length that says what it leaves out."""
    more = [
        Event(
            3_500_000_000_000 + n,
            What.MESSAGE,
            "hq",
            "",
            {"id": "1-1a2b-2", "station": n, "state": "delivered"},
        )
        for n in range(1000)
    ]
    digest, life = of("m-1", *more)
    steps = steps_of(SUMMARY, digest, life)
    assert len(life.steps) == MAX_STEPS
    assert life.dropped_steps > 500
    assert len(steps) == MAX_SHOWN
    assert "more steps" in steps[-1].en


def test_svg_is_well_formed_whatever_is_typed() -> None:
    """Markup, control characters and direction marks in a text leave the drawing valid, without a script."""
    digest = digest_of(SUMMARY, [typed(NASTY)])
    for drawing in (svg(SUMMARY, digest, digest.lives[0]), inline_svg(SUMMARY, digest, digest.lives[0])):
        root = ET.fromstring(drawing)  # noqa: S314 - made here
        assert root.tag.endswith("svg")
        assert [element.tag for element in root.iter() if "script" in element.tag] == []


def test_svg_speaks_the_asked_language() -> None:
    """A file of its own has one language, Chinese unless asked otherwise; the page's drawing has both."""
    digest, life = of("m-1")
    assert "键入" in svg(SUMMARY, digest, life)
    assert "键入" not in svg(SUMMARY, digest, life, lang="en")
    assert {'class="zh', 'class="en'} <= set(
        re.findall(r'class="(?:zh|en)', inline_svg(SUMMARY, digest, life))
    )


def test_mermaid_is_one_statement_a_line() -> None:
    """No text breaks out of its line: every line is a participant, a note, an arrow or a remark."""
    text = mermaid(SUMMARY, digest := digest_of(SUMMARY, [typed(NASTY)]), digest.lives[0])
    kinds = (
        r"sequenceDiagram|  participant p\d+ as .+|  Note over p\d+(,p\d+)?: .+"
        r"|  p\d+(->>|-->>|--x)p\d+: .+|  %% .+"
    )
    lines = text.splitlines()
    assert [line for line in lines if not re.fullmatch(kinds, line)] == []
    assert "<script>" not in text
    assert ";\n" not in text.replace("#", "")
