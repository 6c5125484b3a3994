"""Whole frames: forged, damaged, replayed, restored, cloned and misdirected ones are told apart."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.air import (
    TAG_OCTETS,
    Behind,
    CounterNotice,
    EchoReply,
    EchoRequest,
    Element,
    HeaderForm,
    KeyRing,
    MessageElement,
    MessageId,
    MessageKind,
    Opened,
    OpenResult,
    ReceiptElement,
    ReceiptState,
    Refused,
    RefusedReason,
    Repeat,
    ReusedCounter,
    SearchBudget,
    StreamId,
    Window,
    derive_net_key,
    derive_pair_key,
    elements_size,
    frame_overhead,
    needs_fresh_peer,
    open_frame,
    parse_header,
    seal_frame,
)
from protocols.air.frame import build_header
from protocols.air.packing import pack
from protocols.air.packing_message import Ends
from protocols.air.seal import derive_stream_keys, seal
from protocols.errors import LocalProtocolError
from tools import air_vectors

MASTER = b"not a key of anybody, only test!"
TEXT30 = "三号桥已断路请立即派冲锋舟两艘到东门集合点接应被困群众三十人"
forms = st.builds(
    HeaderForm,
    bearer_tells_source=st.booleans(),
    bearer_tells_destination=st.booleans(),
    wide_counter=st.booleans(),
)


def _ring(own: int, *others: int, net_id: int = 7, epoch: int = 0, master: bytes = MASTER) -> KeyRing:
    return KeyRing(
        own=own,
        net_id=net_id,
        epoch=epoch,
        net_key=derive_net_key(master, net_id, epoch),
        pairs={other: derive_pair_key(master, own, other, epoch) for other in others},
    )


HQ, VEHICLE = _ring(1, 2, 3, 300), _ring(2, 1, 3, 300)


def _message(text: str = TEXT30, sequence: int = 1000, **changes: object) -> MessageElement:
    return MessageElement(message_id=MessageId(1, 0x1234, sequence), body=text, **changes)  # type: ignore[arg-type]


def _frame(counter: int = 5, elements: Sequence[Element] = (), destination: int = 2) -> bytes:
    return seal_frame(HQ, counter=counter, destination=destination, elements=elements or (_message(),))


def _open(
    octets: bytes,
    windows: dict[StreamId, Window] | None = None,
    keys: KeyRing = VEHICLE,
    source: int | None = None,
    budget: SearchBudget | None = None,
) -> OpenResult:
    search = budget or SearchBudget()
    return open_frame(keys, octets, windows or {}, search, bearer_source=source, now_s=0.0)


def _opened(octets: bytes, windows: dict[StreamId, Window], keys: KeyRing = VEHICLE) -> Opened:
    result = _open(octets, windows, keys)
    assert isinstance(result, Opened)
    windows[result.stream] = result.window
    return result


@given(
    st.sampled_from([0, 2, 300]),
    forms,
    st.integers(1, 190),
    st.text(st.characters(codec="utf-8"), max_size=30),
)
def test_a_frame_opens_in_every_header_form(
    destination: int, form: HeaderForm, counter: int, text: str
) -> None:
    """Whatever the bearer tells, the receiver reads what was sent, and its size was foretold."""
    receiver = _ring(destination or 2, 1)
    elements = (_message(text), EchoRequest(9)) if destination else (_message(text),)

    octets = seal_frame(HQ, counter=counter, destination=destination, elements=elements, form=form)
    result = _open(octets, keys=receiver, source=1)

    assert isinstance(result, Opened)
    assert (result.elements, result.counter, result.fresh) == (elements, counter, False)
    assert result.under_pair_key is bool(destination)
    size = elements_size(elements, source=1, destination=destination)
    assert len(octets) == frame_overhead(1, destination, form) + size


def test_thirty_characters_fit_one_beidou_frame() -> None:
    """A sealed message of 30 Chinese characters, receipt wanted, fits the 77 octets of a level-3 card."""
    assert len(TEXT30) == 30
    assert len(_frame()) == 77


@pytest.mark.parametrize(
    "form", [HeaderForm(), HeaderForm(bearer_tells_source=True, bearer_tells_destination=True)]
)
def test_every_bit_flip_is_refused(form: HeaderForm) -> None:
    """No single flipped bit of header, body or tag gives an opened frame, a repeat or an alarm."""
    octets = seal_frame(HQ, counter=5, destination=2, elements=(_message("到"),), form=form)
    elements_octets = elements_size((_message("到"),), source=1, destination=2)

    spent = SearchBudget()
    for bit in range(8 * len(octets)):
        changed = bytearray(octets)
        changed[bit // 8] ^= 1 << bit % 8
        # A flipped header may name any counter: there the deep search gets its chance each time.
        budget = SearchBudget() if bit < 8 * (len(octets) - elements_octets - TAG_OCTETS) else spent
        assert isinstance(_open(bytes(changed), source=1, budget=budget), Refused)


def test_truncated_and_extended_frames_are_refused() -> None:
    """A frame cut at either end, or with an octet more at either end, does not open."""
    octets, budget = _frame(), SearchBudget()

    for size in range(len(octets)):
        assert isinstance(_open(octets[:size], budget=budget), Refused)
        assert isinstance(_open(octets[size + 1 :], budget=budget), Refused)
    assert isinstance(_open(octets + b"\x00"), Refused)
    assert isinstance(_open(b"\x00" + octets), Refused)


@given(st.binary(max_size=120))
def test_no_octets_make_the_opener_raise(octets: bytes) -> None:
    """Garbage is refused with a reason."""
    assert isinstance(_open(octets, source=1), Refused)
    parse_header(octets)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (_ring(2, 1, net_id=8), RefusedReason.FORGED),
        (_ring(2, 1, epoch=4), RefusedReason.FORGED),
        (_ring(2, 1, epoch=1), RefusedReason.EPOCH),
        (_ring(2, 1, master=b"x" * 32), RefusedReason.FORGED),
        (_ring(3, 1), RefusedReason.NOT_FOR_US),
        (_ring(2, 9), RefusedReason.UNKNOWN_SOURCE),
        (_ring(1, 2), RefusedReason.OWN_FRAME),
    ],
)
def test_frames_of_other_nets_epochs_keys_and_stations_are_refused(
    keys: KeyRing, reason: RefusedReason
) -> None:
    """Each is refused with its own reason."""
    assert _open(_frame(), keys=keys) == Refused(reason, source=1)


def test_a_frame_does_not_open_for_the_station_the_bearer_wrongly_names() -> None:
    """Source and destination are under the seal even when the bearer says them."""
    form = HeaderForm(bearer_tells_source=True, bearer_tells_destination=True)
    octets = seal_frame(HQ, counter=5, destination=2, elements=(_message(),), form=form)

    assert isinstance(_open(octets, source=3), Refused)
    assert isinstance(_open(octets, keys=_ring(3, 1, 2), source=1), Refused)


def test_a_repeat_is_absorbed_and_a_replay_after_the_window_is_behind() -> None:
    """The same frame again is a repeat; once out of the window it is too old to tell; never opened twice."""
    windows: dict[StreamId, Window] = {}
    first = _frame(5)
    _opened(first, windows)

    assert _open(first, windows) == Repeat(StreamId(1, 2), 5)
    _opened(_frame(100), windows)
    assert _open(first, windows) == Behind(StreamId(1, 2), 5, 100)


def test_a_clone_is_reported_at_its_first_frame() -> None:
    """Another frame on a counter in use is a reused counter, and does not open."""
    windows: dict[StreamId, Window] = {}
    for counter in range(1, 11):
        _opened(_frame(counter), windows)

    assert _open(_frame(9, (_message("假"),)), windows) == ReusedCounter(StreamId(1, 2), 9, 10)


def test_a_gap_of_a_million_is_found_by_deep_search() -> None:
    """A receiver that was off for weeks needs no hand-shake; it then asks for an echo."""
    windows = {StreamId(1, 2): Window().accept(5, b"t" * 8).proven_fresh()}

    result = _opened(_frame(1_000_005), windows)

    assert result.counter == 1_000_005
    assert not result.fresh


def test_deep_search_is_rationed() -> None:
    """Forged frames beyond the budget are refused unsearched; frames near the highest still open."""
    budget = SearchBudget()
    forged = _frame(5)[:-1] + b"\x00"
    windows: dict[StreamId, Window] = {}

    results = [open_frame(VEHICLE, forged, windows, budget, bearer_source=None, now_s=0.0) for _ in range(5)]

    assert [r.reason for r in results if isinstance(r, Refused)][-1] is RefusedReason.SEARCH_LIMITED
    good = open_frame(VEHICLE, _frame(5), windows, budget, bearer_source=None, now_s=0.0)
    assert isinstance(good, Opened)


def test_a_restored_sender_is_told_and_jumps() -> None:
    """A box set back to an old counter is found behind; after the notice its frames open again."""
    windows: dict[StreamId, Window] = {}
    _opened(_frame(50_000), windows)

    behind = _open(_frame(200), windows)
    assert behind == Behind(StreamId(1, 2), 200, 50_000)

    notice = seal_frame(VEHICLE, counter=1, destination=1, elements=(CounterNotice(behind.highest),))
    told = _open(notice, keys=HQ)
    assert isinstance(told, Opened)
    assert told.elements == (CounterNotice(50_000),)
    assert _opened(_frame(50_001), windows).counter == 50_001


def test_one_frame_on_two_bearers_is_one_frame() -> None:
    """What came by one bearer is a repeat on the next: the bearer is not under the seal."""
    windows: dict[StreamId, Window] = {}
    _opened(_frame(), windows)

    again = open_frame(VEHICLE, _frame(), windows, SearchBudget(), bearer_source=1, now_s=9.0)

    assert isinstance(again, Repeat)


def test_freshness_is_proven_and_then_lasts() -> None:
    """After an echo the next frames are fresh."""
    windows: dict[StreamId, Window] = {}
    assert not _opened(_frame(1), windows).fresh

    windows[StreamId(1, 2)] = windows[StreamId(1, 2)].proven_fresh()

    assert _opened(_frame(2), windows).fresh


def test_an_order_before_the_echo_is_not_taken_and_its_repetition_counts() -> None:
    """Left alone (no window stored), it opens again, fresh, once the peer has answered the echo."""
    windows: dict[StreamId, Window] = {}
    order = _frame(1, (_message("撤离", kind=MessageKind.ORDER),))
    early = _open(order, windows)
    assert isinstance(early, Opened)
    assert not early.fresh
    assert any(map(needs_fresh_peer, early.elements))

    reply = _opened(_frame(2, (EchoReply(77),)), windows)
    windows[reply.stream] = reply.window.proven_fresh()

    again = _opened(order, windows)
    assert again.fresh
    assert again.elements == early.elements


def test_order_of_arrival_does_not_matter_within_the_window() -> None:
    """Frames that overtake each other all open once."""
    windows: dict[StreamId, Window] = {}

    assert [_opened(_frame(c), windows).counter for c in (64, 1, 30, 2, 63)] == [64, 1, 30, 2, 63]


@pytest.mark.parametrize(
    "element",
    [
        _message(kind=MessageKind.ORDER),
        ReceiptElement(message_id=MessageId(2, 1, 1), recipient=1, state=ReceiptState.READ),
    ],
)
def test_the_net_key_carries_no_order_and_no_receipt(element: Element) -> None:
    """They are not sealed for the net, and a member of the net who seals them anyway is refused."""
    with pytest.raises(LocalProtocolError, match="pair key"):
        seal_frame(HQ, counter=1, destination=0, elements=(element,))

    keys = HQ.stream_keys(1, 0)
    assert keys is not None
    header = build_header(0, 1, 0, 1, HeaderForm())
    forged = header + seal(keys, 1, header, pack((element,), Ends(1, 0)))
    assert _open(forged) == Refused(RefusedReason.NEEDS_PAIR_KEY, source=1)


def test_an_insider_cannot_forge_another_pair() -> None:
    """A third station with all its own keys cannot make a frame that 2 takes for one of 1."""
    insider = _ring(3, 1, 2)
    keys = derive_stream_keys(insider.pairs[2], net_id=7, epoch=0, source=1, destination=2)
    header = _frame()[:4]

    assert isinstance(_open(header + seal(keys, 5, header, b"\x26")), Refused)


def test_a_station_not_in_the_ring_is_no_member_of_the_net() -> None:
    """A broadcast from a number we hold no pair key with is refused, though it has the net key."""
    stranger = _ring(9, 1)
    octets = seal_frame(stranger, counter=1, destination=0, elements=(_message(),))

    assert _open(octets) == Refused(RefusedReason.UNKNOWN_SOURCE, source=9)


def test_no_key_no_frame() -> None:
    """To a station without a pair key nothing is sealed; there is no default key."""
    with pytest.raises(LocalProtocolError, match="no pair key with station 77"):
        seal_frame(HQ, counter=1, destination=77, elements=(_message(),))


def test_a_frame_too_long_is_not_sealed() -> None:
    """2049 octets and more are refused, naming size and limit."""
    with pytest.raises(LocalProtocolError, match="limit 2048"):
        seal_frame(HQ, counter=1, destination=2, elements=(_message("长" * 1100),))


def test_an_authentic_frame_of_a_newer_version_is_refused_as_such() -> None:
    """A critical element we do not know refuses the whole frame."""
    keys = HQ.stream_keys(1, 2)
    assert keys is not None
    header = _frame()[:4]

    result = _open(header + seal(keys, 5, header, b"\x0f\x01\x00"))

    assert isinstance(result, Refused)
    assert result.reason is RefusedReason.CRITICAL_UNKNOWN


def test_the_published_vectors_are_what_the_script_makes() -> None:
    """`python -m tools.air_vectors` writes exactly the file that is published."""
    assert air_vectors.TARGET.read_text("utf-8") == air_vectors.document()


def test_a_ring_shows_no_key() -> None:
    """The repr of a key ring holds numbers only."""
    assert repr(HQ) == "KeyRing(own=1, net_id=7, epoch=0)"
