"""Lives of messages: what people typed on devices is one with what gateways made of it."""

from __future__ import annotations

from sim.record import Event, What
from sim.report.lives import Lives


def at(seconds: float, what: What, node: str, **facts: object) -> Event:
    return Event(round(seconds * 1e9), what, node, "", facts)


def test_a_typed_text_and_its_message_are_one_life() -> None:
    """A screen that shows both the key and the message's id joins them, latency and all."""
    lives = Lives({})
    typed = {
        "key": "T-1-1",
        "by": "T-1",
        "to": "HQ",
        "text": "堤坝出现管涌",
        "native": True,
        "followed": True,
    }
    lives.take(at(1.0, What.TYPED, "T-1", **typed, accepted=None))
    lives.take(at(1.2, What.MESSAGE, "VEH", id="2-00aa-1", station=1, state="on_air", evidence="protocol"))
    lives.take(
        at(3.0, What.SHOWN, "HQ", key="T-1-1", id="2-00aa-1", by="HQ", text="堤坝出现管涌", repeat=False)
    )
    lives.take(at(4.0, What.MESSAGE, "VEH", id="2-00aa-1", station=1, state="delivered", evidence="protocol"))

    (life,) = lives.all
    assert (life.key, life.id, life.latency_s, life.state) == ("T-1-1", "2-00aa-1", 2.0, "delivered")
    assert [step.at_s for step in life.steps] == [1.0, 1.2, 3.0, 4.0]


def test_an_answer_that_everybody_gives_is_no_message() -> None:
    """到 and 收到 are typed by many; none of them is counted as undelivered."""
    lives = Lives({})
    answer = {"key": "T-1-1", "by": "T-1", "to": "HQ", "text": "到", "native": True, "followed": False}
    lives.take(at(1.0, What.TYPED, "T-1", **answer, accepted=True))

    assert lives.all == []
