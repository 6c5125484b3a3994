"""Ways in order: the short form for a neighbour says what the explained one does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.base import TextEncoding
from gateway.domain import Bearer, LinkState, Service
from gateway.routing import Candidate, ordered, plan

WAYS = st.lists(
    st.builds(
        Candidate,
        link=st.sampled_from(["a", "b", "c", "d"]),
        bearer=st.sampled_from(Bearer),
        service=st.just(Service.DATA),
        next_hop=st.just(2),
        address=st.just("x"),
        state=st.sampled_from(LinkState),
        limit_octets=st.integers(0, 300),
        encoding=st.just(TextEncoding.UTF16),
    ),
    max_size=8,
)


@given(WAYS, st.lists(st.sampled_from(Bearer), unique=True), st.integers(0, 300))
def test_the_short_form_gives_the_ways_of_the_explained_one(
    ways: list[Candidate], order: list[Bearer], size_octets: int
) -> None:
    """Same ways in the same order, whatever their states, bearers and sizes."""
    assert ordered(ways, order, size_octets) == plan(ways, order, lambda _way: size_octets).candidates
