"""Beidou 2.1 sentences: framing, content and capacity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.beidou import content
from protocols.beidou.commands import Report, Transmit
from protocols.beidou.content import Capacity, Form, Mode, capacity
from protocols.beidou.copies import CopiedMessage, parse_copy
from protocols.beidou.framing import (
    MAX_LINE_OCTETS,
    BinaryCopy,
    Decoder,
    Event,
    Garbage,
    Sentence,
    TextLine,
    checksum,
    encode,
    seal,
)
from protocols.beidou.layout import Layout
from protocols.beidou.reports import CardInfo, Feedback, Message, Subordinates
from protocols.beidou.sentences import Malformed, compose, parse
from protocols.errors import LocalProtocolError

FEEDBACK = b"$BDFKI,TXA,Y,Y,0,0040*17\r\n"
SOS = "$BDHZ,SOS,1,1,60,0000000,救命*24\r\n".encode("gbk")

pieces = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([FEEDBACK, SOS, FEEDBACK[:9], b"$BDXST\x00\x09", b"$", b"*17\r", b"TCQ OK!\r\n"]),
        st.binary(min_size=MAX_LINE_OCTETS - 30, max_size=MAX_LINE_OCTETS + 30),
    ),
    max_size=12,
)


def whole(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, Sentence | BinaryCopy)]


@given(pieces, st.lists(st.integers(1, 300), max_size=40))
def test_chunking_does_not_matter(parts: list[bytes], sizes: list[int]) -> None:
    """However a stream is cut, the same sentences come out and as many octets are counted as dropped."""
    stream = b"".join(parts)
    decoder, events, at = Decoder(), [], 0
    for size in [*sizes, len(stream) or 1]:
        events += decoder.feed(stream[at : at + size])
        at += size
    once = Decoder().feed(stream)

    assert whole(events) == whole(once)
    dropped = [sum(e.size_octets for e in run if isinstance(e, Garbage)) for run in (events, once)]
    assert dropped[0] == dropped[1]


@given(st.binary(max_size=400))
def test_no_octets_raise(stream: bytes) -> None:
    """Whatever arrives is an event, also behind a valid checksum."""
    body = b"BDTXR," + stream
    for event in Decoder().feed(stream + b"\r\n$%s*%02X\r\n" % (body, checksum(body))):
        if isinstance(event, Sentence):
            parse(event)
        if isinstance(event, BinaryCopy):
            parse_copy(event)


@given(
    st.sampled_from(["CXA", "ICI", "FKI", "TXR", "BSI", "DWR", "HZR", "WAA", "ICZ", "KLT", "HZ"]), st.data()
)
def test_any_fields_are_typed_or_malformed(sentence_id: str, data: st.DataObject) -> None:
    """A known sentence with odd fields is an event, and what was typed can be written and read again."""
    field = st.one_of(st.binary(max_size=8), st.sampled_from([b"", b"N", b"Y", b"1", b"0430", b"11624.4440"]))
    fields = tuple(data.draw(st.lists(field, max_size=17)))
    typed = parse(Sentence("BD", sentence_id, fields))

    if isinstance(typed, Layout):
        again = parse(Sentence("BD", sentence_id, typed.to_fields()))
        assert not isinstance(again, Malformed), again


def test_checksum_runs_over_gbk_octets() -> None:
    """The published sentence with Chinese text is right as GBK and wrong as UTF-8."""
    (event,) = Decoder().feed(SOS)

    assert isinstance(event, Sentence)
    assert event.texts[-1] == "救命"
    assert isinstance(Decoder().feed("$BDHZ,SOS,1,1,60,0000000,救命*24\r\n".encode())[0], Garbage)


def test_sentence_ends_at_the_last_star() -> None:
    """Raw text in mode 2 may hold `*` and `$`."""
    line = b"$BDTXR,1,0412159,2,,2*3=6 $5*%02X\r" % checksum(b"BDTXR,1,0412159,2,,2*3=6 $5")

    (event,) = Decoder().feed(line)

    assert isinstance(event, Sentence)
    assert event.texts[-1] == "2*3=6 $5"


def test_text_lines_are_counted_not_parsed() -> None:
    """Boot text costs nothing but a count."""
    events = Decoder().feed(b"BOOT V1.02\r\nREADY FOR TRANSMISSION\n" + FEEDBACK)

    assert [type(event) for event in events] == [TextLine, TextLine, Sentence]


def test_memory_is_bounded() -> None:
    """A line that never ends is dropped, counted, and what follows survives."""
    decoder = Decoder()
    dropped = 0
    for _ in range(50):
        dropped += sum(e.size_octets for e in decoder.feed(b"\x00" * 1000) if isinstance(e, Garbage))

    assert len(decoder._buffer) <= MAX_LINE_OCTETS
    assert dropped == 50_000 - MAX_LINE_OCTETS
    assert isinstance(decoder.feed(FEEDBACK)[-1], Sentence)


def test_binary_copy_of_a_subordinates_message() -> None:
    """A commander's XST is cut by its length, though it holds line ends, and the next sentence survives."""
    body = b"$BDXST\x00\x18\x02\x88\xa6\x20\x02\x88\xa7\x04\x1e\x00\x18\xa4hi\x00"
    frame = body + bytes([checksum(body)])

    events = Decoder().feed(frame + FEEDBACK)

    assert events[0] == BinaryCopy("XST", body[8:])
    copy = parse_copy(events[0])
    assert isinstance(copy, CopiedMessage)
    assert (copy.receiver, copy.sender, copy.time, copy.intact) == (166054, 166055, "04:30", True)
    assert copy.content.octets == b"hi"
    assert isinstance(events[1], Sentence)


@pytest.mark.parametrize("sentence_id", ["ZHS", "JMS", "LZM"])
def test_dangerous_commands_are_never_built(sentence_id: str) -> None:
    """Self-destruct, radio silence and zero value are refused by the encoder."""
    with pytest.raises(LocalProtocolError):
        encode(Sentence("CC", sentence_id, (b"E",)))


@pytest.mark.parametrize("fields", [(b"a\r",), (b"$BDFKI",), (b"a,b", b""), (b"a*b", b""), (b"x" * 2000,)])
def test_what_cannot_be_read_back_is_refused(fields: tuple[bytes, ...]) -> None:
    """The encoder refuses fields that would break the sentence."""
    with pytest.raises(LocalProtocolError):
        seal("CC", "TXA", fields)


@pytest.mark.parametrize(
    ("typed", "octets"),
    [
        (Transmit(179773, 1, 2, b"A468656C6C6F"), b"$CCTXA,0179773,1,2,A468656C6C6F*7A\r\n"),
        (Report("BSI", 2, 10), b"$CCRMO,BSI,2,10*17\r\n"),
        (Report("", 3, None), b"$CCRMO,,3,*4F\r\n"),
        (Report("", 4, 1.5), b"$CCRMO,,4,1.5*62\r\n"),
    ],
)
def test_commands_have_the_published_octets(typed: Layout, octets: bytes) -> None:
    """What we send is, octet for octet, what public code sends (reference page §1.2)."""
    assert compose(typed) == octets


def test_feedback_wait_is_minutes_and_seconds() -> None:
    """`0115` is 75 s."""
    assert parse(Sentence("BD", "FKI", (b"TXA", b"N", b"N", b"0", b"0115"))) == Feedback(
        "TXA", ok=False, freq_set_ok=False, inhibit=0, wait_s=75
    )


def test_bds3_feedback_is_not_taken_for_ours() -> None:
    """A BDFKI whose first field is a time belongs to BDS-3 and passes through."""
    sentence = Sentence("BD", "FKI", (b"082920", b"TCQ", b"Y", b"0", b"0"))
    assert parse(sentence) is sentence


def test_commas_in_content_stay_in_it() -> None:
    """A raw text with commas is one field."""
    typed = parse(Sentence("BD", "TXR", (b"1", b"5", b"2", b"", b"a", b"b")))
    assert typed == Message(1, 5, 2, None, b"a,b")


def test_one_field_too_many_is_malformed() -> None:
    """An empty field before the content is a shifted sentence, not a text with a comma."""
    assert isinstance(parse(Sentence("CC", "TXA", (b"5", b"1", b"2", b"", b"A4BF"))), Malformed)


@pytest.mark.parametrize("number", [b"0000000", b"2097151"])
def test_no_card(number: bytes) -> None:
    """Card numbers 0 and 2097151 mean: no card in the terminal."""
    typed = parse(Sentence("BD", "ICI", (number, b"0", b"0", b"0", b"9999.0", b"0", b"N", b"0")))
    assert isinstance(typed, CardInfo)
    assert not typed.card_present
    assert typed.service_level == 5


def test_subordinate_list() -> None:
    """BDICZ: a count, then cards."""
    typed = parse(Sentence("BD", "ICZ", (b"2", b"0166001", b"0166002")))
    assert typed == Subordinates(2, (166001, 166002))


@pytest.mark.parametrize(
    ("level", "encrypted", "expected"),
    [
        (1, False, (110, 7, 27, 12)),
        (1, True, (140, 10, 35, 16)),
        (2, False, (408, 29, 102, 50)),
        (2, True, (360, 25, 90, 44)),
        (3, False, (628, 44, 157, 77)),
        (3, True, (580, 41, 145, 71)),
        (4, False, (848, 60, 212, 105)),
        (4, True, (1680, 120, 420, 209)),
    ],
)
def test_capacity_by_level(level: int, encrypted: bool, expected: tuple[int, ...]) -> None:  # noqa: FBT001
    """Bits, characters, digits and octets of the reference page's table."""
    limit = capacity(level, encrypted=encrypted)
    assert (limit.bits, limit.hanzi, limit.digits, limit.octets) == expected
    express = capacity(level, encrypted=encrypted, express=True)
    assert (express.hanzi, express.digits, express.octets) == (13, 47, 22)


@given(st.binary(max_size=77))
def test_mixed_content_carries_any_octets(octets: bytes) -> None:
    """Mode 2 gives every octet string back, and its sentence survives framing."""
    packed = content.encode_mixed(octets, Capacity(628))
    (event,) = Decoder().feed(compose(Transmit(1, 1, Mode.MIXED, packed)))

    assert content.decode(Mode.MIXED, packed).octets == octets
    assert isinstance(event, Sentence)
    assert event.fields[-1] == packed


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=44))
def test_hanzi_content_widens_ascii(text: str) -> None:
    """Mode 0 sends ASCII as full-width characters: 14 bits carry it and `,*$` cannot break a sentence."""
    packed = content.encode_hanzi(text, Capacity(628))

    assert all(octet >= 0xA1 for octet in packed)
    assert len(content.decode(Mode.HANZI, packed).text) == len(text)


def test_hanzi_refuses_what_14_bits_cannot_carry() -> None:
    """A GBK-only character is refused by name in mode 0 and carried in mode 2."""
    with pytest.raises(LocalProtocolError, match="镕"):
        content.encode_hanzi("朱镕基", Capacity(628))
    packed = content.encode_mixed("朱镕基".encode("gb18030"), Capacity(628))
    assert content.decode(Mode.MIXED, packed).text == "朱镕基"


@pytest.mark.parametrize(
    ("refused", "names"),
    [
        (lambda: content.encode_mixed(bytes(78), Capacity(628)), "78 octets, the card may send 77"),
        (lambda: content.encode_hanzi("到" * 45, Capacity(628)), "45 characters, the card may send 44"),
        (lambda: content.encode_digits("1" * 158, Capacity(628)), "158 digits, the card may send 157"),
        (lambda: content.encode_digits("12G", Capacity(628)), "0-9 and A-F"),
    ],
)
def test_too_long_is_refused_not_cut(refused: object, names: str) -> None:
    """The encoder never truncates: it names what came and the limit."""
    assert callable(refused)
    with pytest.raises(LocalProtocolError, match=names):
        refused()


@pytest.mark.parametrize(
    ("mode", "octets", "form", "text"),
    [
        (2, b"A468656C6C6F", Form.OCTETS, "hello"),
        (2, b"A468656C6C6", Form.OCTETS, "hell`"),
        (2, b"A4BF0113ECCB13ECCBHELLO", Form.TEXT, "BF0113ECCB13ECCBHELLO"),
        (2, "一号车".encode("gbk"), Form.TEXT, "一号车"),
        (2, b"A4A0010203", Form.POSITION, ""),
        (1, b"A468656C6C6F", Form.OCTETS, "hello"),
        (1, b"A0010203", Form.POSITION, ""),
        (1, b"3132333435", Form.DIGITS, "3132333435"),
        (0, "到，安全".encode("gbk"), Form.TEXT, "到，安全"),
        (3, b"anything", Form.OPAQUE, "anything"),
        (None, b"", Form.OPAQUE, ""),
    ],
)
def test_content_rules(mode: int | None, octets: bytes, form: Form, text: str) -> None:
    """A4 prefix, odd digit padded low, raw GBK in mode 2, mode 1 that is really mode 2 or a position."""
    got = content.decode(mode, octets)
    assert got.form is form
    assert form is Form.POSITION or got.text == text


@given(st.sampled_from(["XST", "XSD"]), st.binary(max_size=60))
def test_any_copy_is_read_or_refused(sentence_id: str, payload: bytes) -> None:
    """A binary copy of any length raises nothing."""
    parse_copy(BinaryCopy(sentence_id, payload))
