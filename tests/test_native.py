"""What people type on handhelds is read tolerantly and never refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import native


@pytest.mark.parametrize(
    ("typed", "intent"),
    [
        ("帮助", native.Help()),
        ("HELP ", native.Help()),
        ("收到", native.Acknowledge()),
        ("到", native.Present(None)),
        ("到 12人", native.Present(12)),
        ("到，8人。", native.Present(8)),
        ("在岗 3", native.Present(3)),
        ("到达三号桥，请求增援", native.Plain()),
        ("我们在河边求救", native.Distress()),
        ("SOS", native.Distress()),
        ("@VEH-3 三号路塌方", native.To("VEH-3", "三号路塌方")),
        ("＠HQ：水位 3.2 米", native.To("HQ", "水位 3.2 米")),
        ("【自动】收到", native.Automatic()),
        ("@VEH-3", native.Plain()),
        ("道路中断", native.Plain()),
    ],
)
def test_intent(typed: str, intent: native.Intent) -> None:
    """Each form that the help text names is recognised, and ordinary sentences are not taken for commands."""
    assert native.read(typed) == intent


@given(st.text(max_size=300))
def test_anything_is_read(typed: str) -> None:
    """No text makes the reader raise, and an automatic reply is never a command."""
    native.read(typed)

    assert native.read(native.AUTOMATIC + typed) == native.Automatic()


def test_help_fits_one_short_message() -> None:
    """The help text fits one 140-octet UCS-2 message."""
    assert len(native.HELP_TEXT.encode("utf-16-be")) <= 140


def test_head_count_in_own_words() -> None:
    """A head-count is found inside a free answer."""
    assert native.head_count("我们小组15人都好") == 15
    assert native.head_count("都好") is None
