"""Times, numbers and ranges in a scenario file, and that they survive being written."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.scenario.model import Span
from sim.scenario.values import (
    ValueRefusedError,
    read_number,
    read_span,
    read_time,
    read_time_span,
    write_span,
    write_time_span,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        (90, 90.0),
        (0.5, 0.5),
        ("30s", 30.0),
        ("5m", 300.0),
        ("6h", 21_600.0),
        ("2d", 172_800.0),
        ("250ms", 0.25),
        ("-2s", -2.0),
        ("00:10", 600.0),
        ("01:30", 5400.0),
        ("00:00:07.5", 7.5),
    ],
)
def test_times_are_written_as_people_write_them(text: object, seconds: float) -> None:
    """Bare numbers are seconds; units and hh:mm are understood."""
    assert read_time(text) == seconds


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("00:25..00:40", Span(1500, 2400)),
        ("0..5s", Span(0, 5)),
        ("1..5m", Span(60, 300)),
        ("-2s..2s", Span(-2, 2)),
        ("90", Span(90, 90)),
        ("30s .. 2m", Span(30, 120)),
    ],
)
def test_ranges_of_time(text: str, span: Span) -> None:
    """Both ends may have units; a bare low end takes that of the high end."""
    assert read_time_span(text) == span


def test_ranges_of_numbers() -> None:
    """A number, a number in quotes, and a range."""
    assert [read_span(0.3), read_span("0.3"), read_span("0..0.3")] == [
        Span(0.3, 0.3),
        Span(0.3, 0.3),
        Span(0, 0.3),
    ]


@pytest.mark.parametrize("text", ["", "5 parsecs", "1:5", "00:75", "nan", "1e999", "..", True, [1], "5m..1m"])
def test_what_is_no_time_is_refused(text: object) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueRefusedError):
        read_time_span(text)


@given(st.text(max_size=30) | st.floats() | st.integers() | st.booleans())
def test_no_value_makes_the_readers_fall(value: object) -> None:
    """Whatever stands in a file, the answer is a value or a refusal."""
    for read in (read_number, read_span, read_time, read_time_span):
        with suppress(ValueRefusedError):
            read(value)


@given(st.floats(-1e9, 1e9), st.floats(0, 1e6))
def test_spans_survive_being_written(low: float, width: float) -> None:
    """What is written reads back exactly, to the last bit."""
    span = Span(low, low + width)
    assert read_span(write_span(span)) == span
    assert read_time_span(write_time_span(span)) == span
