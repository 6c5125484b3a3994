"""Elements survive the air, say honest times, and no body makes the reader raise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.air import elements as el
from protocols.air.elements import Element, MessageElement, MessageId
from protocols.air.numbers import DURATION_MAX_S, DURATIONS_S, decode_text, encode_text
from protocols.air.packing import BadBody, BodyFault, pack, unpack
from protocols.air.packing_message import Ends, sayable_age_s, sayable_lifetime_s
from protocols.air.words import (
    AirBearer,
    AirLinkState,
    Evidence,
    LinkReason,
    MessageKind,
    ReceiptState,
    RollCallResult,
)
from protocols.errors import LocalProtocolError

ENDS = Ends(1, 300)

stations = st.integers(1, 0xFFFF) | st.sampled_from(ENDS)
sayable_s = st.sampled_from(DURATIONS_S)
maybe_age_s = st.none() | sayable_s
u16 = st.integers(0, 0xFFFF)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
quality = st.none() | st.sampled_from([((step * 100) + 7) // 14 for step in range(15)])
percents = st.none() | st.integers(0, 100)
ids = st.builds(MessageId, stations, u16, st.integers(0, (1 << 28) - 1))
degrees = st.integers(0, (1 << 24) - 1)

messages = st.builds(
    MessageElement,
    message_id=ids,
    body=texts | st.binary(max_size=60),
    precedence=st.integers(0, 5),
    kind=st.sampled_from(MessageKind),
    receipt_wanted=st.booleans(),
    ack_wanted=st.booleans(),
    lifetime_s=maybe_age_s,
    age_s=sayable_s,
    age_is_lower_bound=st.booleans(),
    exercise=st.booleans(),
    hops_left=st.integers(0, 255),
    recipients=st.lists(stations, max_size=64).map(tuple),
    sender=st.none() | stations,
    unauthenticated=st.booleans(),
)
entries = st.builds(
    el.LinkEntry,
    bearer=st.sampled_from(AirBearer),
    state=st.sampled_from(AirLinkState),
    evidence=st.sampled_from(Evidence),
    age_s=maybe_age_s,
    quality_pct=quality,
    reason=st.none() | st.sampled_from(LinkReason),
)
others: st.SearchStrategy[Element] = st.one_of(
    st.builds(el.AckElement.of, st.integers(0, 1 << 48), st.integers(0, (1 << 32) - 1)),
    st.builds(
        el.ReceiptElement,
        message_id=ids,
        recipient=stations,
        state=st.sampled_from(ReceiptState),
        evidence=st.sampled_from(Evidence),
        by=st.none() | stations | names,
    ),
    st.builds(
        el.LinkReportElement, station=stations, sequence=u16, entries=st.lists(entries, max_size=6).map(tuple)
    ),
    st.builds(el.LinkReportRequest),
    st.builds(
        el.RollCallPoll,
        call_id=u16,
        nonce=u16,
        deadline_s=sayable_s,
        stations=st.lists(stations, max_size=30).map(tuple),
    ),
    st.builds(
        el.RollCallAnswer,
        call_id=u16,
        nonce=u16,
        station=stations,
        result=st.sampled_from(RollCallResult),
        evidence=st.sampled_from(Evidence),
        bearer=st.none() | st.sampled_from(AirBearer),
        head_count=st.none() | u16,
        battery_pct=percents,
        text=st.text(st.characters(codec="utf-8"), max_size=30),
    ),
    st.builds(el.EchoRequest, st.integers(0, (1 << 32) - 1)),
    st.builds(el.EchoReply, st.integers(0, (1 << 32) - 1)),
    st.builds(el.CounterNotice, st.integers(0, (1 << 48) - 1)),
    st.builds(el.IdentityNotice, ids),
    st.builds(
        el.PositionElement,
        station=stations,
        latitude_deg=degrees.map(lambda step: round(step / ((1 << 24) - 1) * 180 - 90, 5)),
        longitude_deg=degrees.map(lambda step: round(step / ((1 << 24) - 1) * 360 - 180, 5)),
        age_s=maybe_age_s,
    ),
    st.builds(el.StationPresence, station=stations, bearer=st.sampled_from(AirBearer), age_s=maybe_age_s),
    st.builds(el.UnknownElement, st.integers(0, 15), st.binary(max_size=40)),
)


@given(st.lists(messages | others, max_size=5))
def test_elements_survive_the_air(elements: list[Element]) -> None:
    """What can be said is read back exactly, in order, whatever shares the frame."""
    assert unpack(pack(elements, ENDS), ENDS) == tuple(elements)


@given(st.binary(max_size=200))
def test_no_body_makes_the_reader_raise(body: bytes) -> None:
    """Any octets give elements or one reason, and elements that were read can be written again."""
    result = unpack(body, ENDS)

    if not isinstance(result, BadBody):
        again = pack(result, ENDS)
        assert unpack(again, ENDS) == result


@given(st.lists(messages | others, min_size=1, max_size=3), st.data())
def test_a_cut_body_never_reads_past_its_end(elements: list[Element], data: st.DataObject) -> None:
    """A body cut anywhere gives fewer or shorter things, or a refusal; never an exception."""
    body = pack(elements, ENDS)

    result = unpack(body[: data.draw(st.integers(0, len(body) - 1))], ENDS)

    assert isinstance(result, BadBody | tuple)
    assert result != tuple(elements)


@given(st.integers(0, DURATION_MAX_S + 1000))
def test_ages_are_lower_bounds_and_lifetimes_upper(seconds: int) -> None:
    """An age is never told older, a lifetime never shorter; both within one sixteenth."""
    age_s, lifetime_s = sayable_age_s(seconds), sayable_lifetime_s(seconds)

    assert age_s <= seconds
    assert lifetime_s >= min(seconds, DURATION_MAX_S)
    assert age_s >= min(seconds, DURATION_MAX_S) * 15 / 16 - 1
    assert lifetime_s <= min(seconds * 17 / 16 + 1, DURATION_MAX_S)


def test_evidence_never_looks_fresher_than_it_is() -> None:
    """The age of a link's evidence, of a fix and of a presence is rounded up."""
    seconds = 1000
    said: list[Any] = [
        el.LinkReportElement(
            station=1,
            sequence=0,
            entries=(el.LinkEntry(bearer=AirBearer.PDT, state=AirLinkState.UP, age_s=seconds),),
        ),
        el.PositionElement(station=1, latitude_deg=0.0, longitude_deg=0.0, age_s=seconds),
        el.StationPresence(station=1, bearer=AirBearer.PDT, age_s=seconds),
    ]

    links, position, presence = (unpack(pack([one], ENDS), ENDS)[0] for one in said)  # type: ignore[index]

    assert isinstance(links, el.LinkReportElement)
    assert isinstance(position, el.PositionElement)
    assert isinstance(presence, el.StationPresence)
    assert seconds not in DURATIONS_S
    assert links.entries[0].age_s == position.age_s == presence.age_s == sayable_lifetime_s(seconds) > seconds


def test_unknown_elements_are_skipped_when_marked_so() -> None:
    """A later version's skippable element does not cost what stands beside it."""
    body = bytes.fromhex("1303aabbcc") + pack([el.EchoRequest(7)], ENDS)

    assert unpack(body, ENDS) == (el.UnknownElement(3, b"\xaa\xbb\xcc"), el.EchoRequest(7))


@pytest.mark.parametrize("head", [0x00, 0x0F, 0x2F, 0x3F])
def test_unknown_critical_elements_refuse_the_frame(head: int) -> None:
    """What must be understood and is not refuses everything beside it."""
    result = unpack(bytes([head, 1, 0]) + pack([el.EchoRequest(7)], ENDS), ENDS)

    assert isinstance(result, BadBody)
    assert result.fault is BodyFault.CRITICAL_UNKNOWN


@given(st.text(st.characters(codec="utf-8")))
def test_any_unicode_text_survives_in_the_smaller_coding(text: str) -> None:
    """Text takes the smaller of GB18030 and UTF-8 and comes back unchanged."""
    codec, octets = encode_text(text)

    assert decode_text(codec, octets) == text
    assert len(octets) <= len(text.encode())


def test_thirty_characters_take_sixty_octets() -> None:
    """Common Chinese costs two octets a character."""
    assert len(encode_text("三号桥已断路请立即派冲锋舟两艘到东门集合点接应被困群众三十人")[1]) == 60


def test_a_lone_surrogate_is_refused() -> None:
    """Text that no coding can carry is refused before it is sealed."""
    with pytest.raises(LocalProtocolError, match="surrogate"):
        encode_text("a\ud800")


def test_text_that_does_not_encode_back_is_refused() -> None:
    """Overlong UTF-8 and half a GB18030 character do not become text."""
    for body in (b"\x84\x00\x00\x00\xc0\x80", b"\x82\x00\x00\x00\xb0"):
        assert isinstance(unpack(body, ENDS), BadBody)


def test_acknowledgement_names_full_counters() -> None:
    """Bits stand for the highest counter and those below it, resolved below the sender's next one."""
    ack = el.AckElement.of(100_000, 0b1011)

    assert ack.counters(100_010) == (100_000, 99_999, 99_997)


@given(st.integers(1, 1 << 47), st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 14) - 1))
def test_acknowledgement_is_never_taken_for_a_later_one(highest: int, bitmap: int, since: int) -> None:
    """Whatever the sender sent since (up to 16383 frames), exactly what was received is acknowledged."""
    received = {highest} | {highest - back for back in range(32) if bitmap >> back & 1 and highest > back}

    assert set(el.AckElement.of(highest, bitmap).counters(highest + 1 + since)) == received


def test_acknowledgement_of_everything_is_two_octets() -> None:
    """Without gaps it rides in two octets; with a gap among the last eight in four."""
    assert len(pack([el.AckElement.of(500, 0xFFFFFFFF)], ENDS)) == 2
    assert len(pack([el.AckElement.of(500, 0b1101)], ENDS)) == 4
    assert len(pack([el.AckElement.of(500, 0x80000001)], ENDS)) == 7


@pytest.mark.parametrize(
    "element",
    [
        MessageElement(message_id=MessageId(1, 0, 0), body="", precedence=6),
        MessageElement(message_id=MessageId(1, 1 << 16, 0), body=""),
        MessageElement(message_id=MessageId(1, 0, 1 << 28), body=""),
        MessageElement(message_id=MessageId(0, 0, 0), body=""),
        MessageElement(message_id=MessageId(1, 0, 0), body="", hops_left=256),
        MessageElement(message_id=MessageId(1, 0, 0), body="", age_s=-1),
        MessageElement(message_id=MessageId(1, 0, 0), body="", lifetime_s=DURATION_MAX_S + 1),
        MessageElement(message_id=MessageId(1, 0, 0), body="", recipients=(2,) * 65),
        el.AckElement(1, 2),
        el.EchoRequest(1 << 32),
        el.PositionElement(station=1, latitude_deg=91.0, longitude_deg=0.0),
        el.RollCallAnswer(
            call_id=0, nonce=0, station=1, result=RollCallResult.ANSWERED, battery_pct=101, text=""
        ),
        el.ReceiptElement(message_id=MessageId(1, 0, 0), recipient=2, state=ReceiptState.READ, by="名" * 64),
    ],
)
def test_what_the_far_end_could_not_read_is_not_packed(element: Element) -> None:
    """Values out of range are our bug and refused at the source."""
    with pytest.raises(LocalProtocolError):
        pack([element], ENDS)


def test_only_custody_elicits_acknowledgement() -> None:
    """Messages, receipts, polls and answers are acknowledged; acknowledgements, notices, telemetry never."""
    message = MessageElement(message_id=MessageId(1, 0, 0), body="到")
    telemetry: list[Element] = [
        el.AckElement(1),
        el.CounterNotice(1),
        el.IdentityNotice(MessageId(1, 2, 3)),
        el.EchoReply(1),
        el.PositionElement(station=1, latitude_deg=0.0, longitude_deg=0.0),
        el.LinkReportElement(station=1, sequence=1, entries=()),
        el.StationPresence(station=1, bearer=AirBearer.PDT),
    ]

    assert el.elicits_ack((*telemetry, message))
    assert not el.elicits_ack(tuple(telemetry))
