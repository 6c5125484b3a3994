"""Tables stay straight with Chinese in them, and nothing from the air reaches the terminal's controls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.columns import age, printable, table, width


def test_columns_align_with_wide_characters() -> None:
    """A Chinese character takes two cells, so the second column starts at one place."""
    lines = table(("name", "x"), (("北斗", "1"), ("pdt", "2")))

    assert [width(line.rpartition(" ")[0]) for line in lines if "-" not in line] == [5, 5, 5]


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5))
def test_any_text_stays_on_its_line(rows: list[tuple[str, str]]) -> None:
    """Whatever the cells hold, a table has a line for the head, the rule and each row."""
    assert len("\n".join(table(("a", "b"), rows)).split("\n")) == len(rows) + 2


def test_control_characters_do_not_reach_the_terminal() -> None:
    """Escape sequences and direction marks become spaces."""
    assert printable("a\x1b[2Jb\u202ec") == "a [2Jb c"


def test_ages_are_said_in_one_unit() -> None:
    """Seconds, minutes, hours, days, in both languages; never negative."""
    assert [age(s, "en") for s in (-3, 59, 61, 7_200, 200_000)] == ["0s", "59s", "1m", "2h", "2d"]
    assert [age(s, "zh") for s in (5, 3_600)] == ["5秒", "1小时"]
