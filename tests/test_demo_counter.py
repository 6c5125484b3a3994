"""The demo's counter: what was typed against what was shown, whatever the gateways say of themselves."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.native import AUTOMATIC, PLEASE_ACKNOWLEDGE, REPEATED, ROLL_CALL_TEXT
from sim.demo import cast, dry_run
from sim.demo.counter import ACKNOWLEDGEMENTS, ANSWERS, MAX_REPEATS, Seen, Sent, compare, on_screen, typed
from sim.demo.narrator import Narrator

ONE = Sent(sender="HQ", to="T-301", text="请撤到高处")
SHOWN = Seen(where="T-301", sender="HQ", text="请撤到高处")


def test_nothing_is_wrong_when_everything_is_shown_once() -> None:
    """A message typed and shown counts as neither lost nor doubled."""
    count = compare([ONE], [SHOWN])

    assert count.holds
    assert (count.sent, count.repeats) == (1, ())


def test_what_is_not_shown_is_lost() -> None:
    """Every message that no screen shows is named."""
    assert compare([ONE, replace(ONE, to="T-302")], [SHOWN]).lost == (replace(ONE, to="T-302"),)


def test_what_is_shown_twice_is_doubled() -> None:
    """The second showing without mark is a duplicate."""
    assert compare([ONE], [SHOWN, SHOWN]).duplicates == (SHOWN,)


def test_marked_repeats_are_counted_apart() -> None:
    """A repeat marked （重发） is no duplicate, and alone it is an arrival."""
    repeat = replace(SHOWN, repeat=True)

    assert compare([ONE], [SHOWN, repeat]).repeats == (repeat,)
    assert compare([ONE], [repeat]).holds


def test_repeats_beyond_the_rule_break_the_promise() -> None:
    """More than two marked repeats of one message are too many."""
    repeats = [replace(SHOWN, repeat=True)] * (MAX_REPEATS + 1)

    assert compare([ONE], [SHOWN, *repeats[:-1]]).holds
    assert not compare([ONE], [SHOWN, *repeats]).holds


def test_what_nobody_sent_is_named() -> None:
    """A text on a screen that nobody typed, or from somebody else, breaks the promise."""
    stranger = replace(SHOWN, sender="VEH-3")

    assert compare([ONE], [SHOWN, stranger]).unexplained == (stranger,)
    assert not compare([ONE], [SHOWN, stranger]).holds


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.data())
def test_dropping_and_doubling_are_found(numbers: list[int], data: st.DataObject) -> None:
    """Of any messages, equal ones too: as many are lost as were dropped, as many doubled as came again."""
    sent = [replace(ONE, text=f"第{number}号") for number in numbers]
    fates = data.draw(st.lists(st.sampled_from([0, 1]), min_size=len(sent), max_size=len(sent)))
    seen = [replace(SHOWN, text=one.text) for one, fate in zip(sent, fates, strict=True) for _ in range(fate)]

    assert len(compare(sent, seen).lost) == fates.count(0)
    assert len(compare(sent, [replace(SHOWN, text=one.text) for one in sent] + seen).duplicates) == len(seen)


@pytest.mark.parametrize(
    ("text", "to", "kept"),
    [
        ("到 12人", ANSWERS, "到 12人"),
        ("收到", ACKNOWLEDGEMENTS, "收到"),
        ("@S-201 开闸", "S-201", "开闸"),
        ("水位上涨", "HQ", "水位上涨"),
    ],
)
def test_meaning_of_what_people_type(text: str, to: str, kept: str) -> None:
    """An answer, an acknowledgement, a message to somebody, a message to headquarters."""
    sent = typed("T-301", text, default_to="HQ", at_s=1.0)

    assert (sent.to, sent.text) == (to, kept)


def test_screens_are_taken_apart() -> None:
    """Sender, text and the mark of a repeat; what gateways ask and answer by themselves is left out."""
    shown = on_screen("T-301", f"{REPEATED}HQ：水位：高{PLEASE_ACKNOWLEDGE}", 1.0)

    assert shown == Seen(where="T-301", sender="HQ", text="水位：高", at_s=1.0, repeat=True)
    assert on_screen("T-301", ROLL_CALL_TEXT, 1.0) is None
    assert on_screen("T-301", f"{AUTOMATIC}说明", 1.0) is None


async def test_dry_run_proves_the_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dry run passes with the counter as it is, and stops the demo with one that sees nothing."""
    out = io.StringIO()
    await dry_run.prove_counter(Narrator(out))
    assert "duplicates 1" in out.getvalue()

    monkeypatch.setattr(
        dry_run,
        "compare",
        lambda sent, _seen: compare(
            sent, [Seen(where=one.to, sender=one.sender, text=one.text) for one in sent]
        ),
    )
    with pytest.raises(dry_run.CounterError):
        await dry_run.prove_counter(Narrator(out))


def test_twelve_stations_add_up() -> None:
    """Expected = answered + inferred + absent; the excused one stands beside it: twelve in all."""
    counts = cast.counts()

    assert counts["expected"] == counts["answered"] + counts["inferred"] + counts["absent"]
    assert counts["expected"] + counts["excused"] == 12
