"""HRNP, HSTRP and HDAP: no input raises, chunking does not matter, what we build is read back."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError
from protocols.hytera import data, describe, hdap, hrnp, hstrp, lp, pdu, rcp, rrs, tmp
from protocols.hytera.gps import Gps
from protocols.hytera.wire import RadioIp
from protocols.pdt import numbers

TEXT = hrnp.encode(hrnp.Packet(opcode=hrnp.Opcode.DATA, number=0x7E7E, payload=b"\x7e" * 9))
ACK = hrnp.encode(hrnp.Packet(opcode=hrnp.Opcode.DATA_ACK, number=1))
IP = RadioIp(10, 2101)
NOISE = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from([TEXT, ACK, b"\x7e", TEXT[:13], ACK[:-1], b"\x7e\x04\x00\x00"]), max_size=12
    ).map(b"".join),
)


def packets(events: list[hrnp.Packet | hdap.Garbage]) -> list[hrnp.Packet]:
    return [event for event in events if isinstance(event, hrnp.Packet)]


def dropped(events: list[hrnp.Packet | hdap.Garbage]) -> int:
    return sum(event.size_octets for event in events if isinstance(event, hdap.Garbage))


@given(NOISE, st.lists(st.integers(min_value=0, max_value=400), max_size=6))
def test_chunking_does_not_matter(stream: bytes, cuts: list[int]) -> None:
    """One read and many small ones give the same packets and the same count of dropped octets."""
    whole, parts = hrnp.Decoder(), hrnp.Decoder()
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]

    expected = whole.feed(stream)
    got = [event for start, end in pairwise(edges) for event in parts.feed(stream[start:end])]

    assert packets(got) == packets(expected)
    assert dropped(got) == dropped(expected)


@given(st.binary(max_size=40), NOISE)
def test_silence_releases_what_a_false_header_held_back(front: bytes, noise: bytes) -> None:
    """After noise and a silent line every octet is accounted for and the next frame is read at once."""
    decoder = hrnp.Decoder()
    stream = front + noise

    events = decoder.feed(stream) + decoder.idle()
    read = sum(hrnp.HEAD_OCTETS + len(packet.payload) for packet in packets(events))

    assert read + dropped(events) == len(stream)
    assert decoder.held_octets == 0
    assert len(packets(decoder.feed(ACK))) == 1


def test_torn_frame_costs_one_octet_at_a_time() -> None:
    """A whole frame that begins inside a torn one is found."""
    decoder = hrnp.Decoder()

    events = decoder.feed(TEXT[:14] + TEXT) + decoder.idle()

    assert [packet.number for packet in packets(events)] == [0x7E7E]
    assert dropped(events) == 14


@given(st.binary(max_size=3000))
def test_a_decoder_holds_at_most_one_frame(stream: bytes) -> None:
    """Whatever arrives, no more than one longest frame is held."""
    decoder = hrnp.Decoder()

    decoder.feed(b"\x7e\x04\x00\x00\x10\x20\x00\x00\x05\xdc" + stream)

    assert decoder.held_octets < hrnp.MAX_FRAME_OCTETS


@given(st.binary(max_size=120))
def test_no_octets_raise(octets: bytes) -> None:
    """Every decoder and describer returns something for any octets."""
    pdu.decode(octets, strict=False)
    hstrp.decode(octets)
    hstrp.decode(b"2B\0" + octets)
    describe.hdap_frame(octets)
    describe.hrnp_stream(octets)
    describe.hstrp_datagram(octets)


@given(
    st.sampled_from(sorted(hdap.Service)),
    st.integers(min_value=0, max_value=0xFFFF),
    st.sampled_from(sorted({opcode for _, opcode in pdu.LAYOUTS})),
    st.binary(max_size=80),
    st.sampled_from(("known", "any")),
)
def test_any_payload_is_read_and_written_back(
    service: hdap.Service, opcode: int, known: int, payload: bytes, pick: str
) -> None:
    """A frame with any payload decodes, and what was decoded encodes to the same octets."""
    number = known if pick == "known" else opcode
    octets = hdap.encode(service, number, payload)

    decoded = pdu.decode(octets)

    assert isinstance(decoded, pdu.Decoded)
    again = decoded.pdu
    if isinstance(again, tmp.Text) and "\N{REPLACEMENT CHARACTER}" in again.text:
        return  # half a surrogate pair is shown, not kept
    if isinstance(again, data.DtpRequest | data.ExtendedStatusReport):
        return  # same: these carry UTF-16 text
    written = pdu.encode(again, opcode=number if isinstance(again, data.DeliveryState) else None)
    assert written == octets or (isinstance(again, tmp.Ack | tmp.Text | tmp.ShortData) and again.option)


@given(
    request_id=st.integers(min_value=0, max_value=0xFFFF_FFFF),
    text=st.text(alphabet=st.characters(codec="utf-16"), max_size=100),
    confirmed=st.booleans(),
    option=st.none() | st.binary(max_size=20),
)
def test_text_round_trip(*, request_id: int, text: str, confirmed: bool, option: bytes | None) -> None:
    """A text of any characters, with or without options, arrives as it was sent."""
    sent = tmp.Text(
        op=tmp.Op.PRIVATE_TEXT,
        request_id=request_id,
        destination=IP,
        source=RadioIp(10, 7),
        text=text,
        confirmed=confirmed,
        option=option,
    )

    decoded = pdu.decode(pdu.encode(sent))

    assert isinstance(decoded, pdu.Decoded)
    assert decoded.pdu == sent


def test_acknowledgement_keeps_the_order_of_addresses() -> None:
    """The answer names destination and source as the message did, not swapped."""
    message = pdu.decode(bytes.fromhex("0980a10018000000010c0000010c01b5a9480065006c006c006f0021006b03"))
    assert isinstance(message, pdu.Decoded)
    assert isinstance(message.pdu, tmp.Text)

    answer = tmp.acknowledge(message.pdu)

    assert pdu.encode(answer).hex().startswith("0980a2000d000000010c0000010c01b5a900")


def test_wrong_checksum_is_refused_or_reported() -> None:
    """A strict receiver refuses what the RD985 let pass; a lax one is told."""
    octets = bytes.fromhex("024108050001010000005e03")

    lax = pdu.decode(octets, strict=False)

    assert isinstance(pdu.decode(octets), hdap.Garbage)
    assert isinstance(lax, pdu.Decoded)
    assert not lax.frame.checksum_ok


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (rrs.RegistrationAnswer(IP, 256, 1800), "result"),
        (rrs.OnlineCheckRequest(RadioIp(10, 1 << 24)), "radio"),
        (rcp.CallRequest(0, 1 << 32), "target_id"),
        (lp.EmergencyReport(IP, 1, Gps(lat_ddmm_mmmm="5003.877123")), "lat_ddmm_mmmm"),
        (data.DtpRequest(IP, IP, 70_000, "a.txt"), "file_size"),
    ],
)
def test_bad_values_are_refused_by_name(value: pdu.Pdu, where: str) -> None:
    """An encoder refuses what the far end could not read, and names the field."""
    with pytest.raises(LocalProtocolError, match=where):
        pdu.encode(value)


def test_work_order_stays_raw() -> None:
    """An operation without a published layout is kept as it came."""
    octets = hdap.encode(hdap.Service.TMP, 0x80AC, b"\x01\x02")

    decoded = pdu.decode(octets)

    assert isinstance(decoded, pdu.Decoded)
    assert decoded.pdu == pdu.Raw(hdap.Service.TMP, 0x80AC, b"\x01\x02")
    assert pdu.encode(decoded.pdu) == octets


@pytest.mark.parametrize(
    ("gps", "expected"),
    [
        (Gps("A", "", "", "N", "5003.8771", "E", "01426.5302"), (50.064618, 14.442170)),
        (Gps("A", "", "", "S", "3000.0000", "W", "10230.0000"), (-30.0, -102.5)),
        (Gps("V", "", "", "N", "5003.8771", "E", "01426.5302"), None),
        (Gps("A", "", "", "N", "9003.8771", "E", "01426.5302"), None),
        (Gps("A", "", "", "N", "50x3.8771", "E", "01426.5302"), None),
        (Gps("A", "", "", "", "", "", ""), None),
    ],
)
def test_position_of_a_fix(gps: Gps, expected: tuple[float, float] | None) -> None:
    """Degrees from degrees and minutes, and nothing from an invalid or torn fix."""
    position = gps.position()

    assert position == (expected and pytest.approx(expected, abs=1e-6))


@given(air=st.integers(min_value=0, max_value=numbers.AIR_ID_MAX), group=st.booleans())
def test_every_dial_number_leads_back(*, air: int, group: bool) -> None:
    """An id that can be dialled is reached by its dial number, with its type."""
    dial = numbers.dial_number(numbers.AirId(air, group))

    assert dial is None or numbers.air_id(dial) == numbers.AirId(air, group)


@given(st.text(alphabet="0123456789*#a", max_size=10))
def test_every_number_is_a_place_or_refused(dial: str) -> None:
    """What is typed is an id whose dial number is what was typed, an all-call, or refused."""
    try:
        air = numbers.air_id(dial)
    except LocalProtocolError:
        return
    assert numbers.dial_number(air) == dial or numbers.all_call(air.id) == "network"


def test_all_calls_are_named() -> None:
    """All-calls have a name and no dial number of their own."""
    assert numbers.all_call(0xFF_FFFF) == "network"
    assert numbers.all_call((32 << 15) | 0x7FFF) == "area"
    assert numbers.all_call(0xFC0001) is None
    assert numbers.dial_number(numbers.AirId(0xFF_FFFF, group=True)) is None
