"""What the ledger notes of a try decides whether a text leaves at all."""

from __future__ import annotations

import pytest

from drivers.base import Stage
from gateway.delivery import tries
from gateway.domain import Evidence, RecipientState
from gateway.ledger import attempts, messages
from tests.ledger_world import HANDHELD, accept, memory_tx


@pytest.mark.parametrize("state", [RecipientState.DELIVERED, RecipientState.CANCELLED])
def test_text_settled_meanwhile_is_not_begun(state: RecipientState) -> None:
    """A text delivered or cancelled between the choice and the hand-over does not leave again."""
    with memory_tx() as tx:
        identity = accept(tx, stations=(HANDHELD,))
        message = messages.get(tx, identity)
        assert message is not None
        messages.set_state(tx, identity, HANDHELD, state, Evidence.OBSERVED)

        assert tries.begin_text(tx, message, HANDHELD, "pdt", 20) is None
        assert attempts.of_message(tx, identity) == []


@pytest.mark.parametrize(
    ("reason", "stage", "count"),
    [("unknown: driver failed: KeyError", Stage.UNKNOWN, 1), ("down: port gone", Stage.FAILED, 0)],
)
def test_only_an_unknown_outcome_counts_as_one(reason: str, stage: Stage, count: int) -> None:
    """A try that certainly failed costs none of the two repeats; one that nobody knows of does."""
    with memory_tx() as tx:
        identity = accept(tx, stations=(HANDHELD,))
        message = messages.get(tx, identity)
        assert message is not None
        handle = tries.begin_text(tx, message, HANDHELD, "pdt", 20)
        assert handle is not None

        tries.text_ended(tx, handle, identity, HANDHELD, reason)

        assert [one.stage for one in attempts.of_message(tx, identity)] == [stage]
        assert attempts.unknown_count(tx, identity, HANDHELD) == count
