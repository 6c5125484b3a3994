"""Short message PDUs: written and read again unchanged, judged by another decoder, and never a surprise."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from io import StringIO
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from smspdudecoder.fields import SMSDeliver, SMSSubmit

from protocols.errors import LocalProtocolError
from protocols.sms import (
    Address,
    Alphabet,
    Concat,
    Deliver,
    Invalid,
    Outcome,
    Reassembler,
    StatusReport,
    Submit,
    Timestamp,
    UserData,
    Validity,
    ValidityFormat,
    alphabet_of,
    dcs_for,
    decode,
    decode_hex,
    encode,
    is_gsm7,
    message_class_of,
    split_text,
)
from protocols.sms.alphabet import DEFAULT_TABLE, EXTENSION_TABLE, septets_to_text, text_to_septets

GSM7 = DEFAULT_TABLE.replace("\x1b", "") + "".join(EXTENSION_TABLE.values())
numbers = st.from_regex(r"\+?[0-9*#abc]{1,20}", fullmatch=True)
texts = st.one_of(st.text(alphabet=GSM7, max_size=600), st.text(max_size=300).filter(lambda t: not _torn(t)))
zones = st.integers(-79, 79).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=zones).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
STAMP = Timestamp.of(datetime(2026, 10, 3, 12, 34, 56, tzinfo=timezone(timedelta(hours=8))))


def _torn(text: str) -> bool:
    return any(0xD800 <= ord(char) < 0xE000 for char in text)


def _submits(text: str, number: str, *, reference: int = 0x1234, wide: bool = True) -> list[Submit]:
    return [
        Submit(destination=Address.of(number), dcs=dcs_for(data.alphabet), user_data=data)
        for data in split_text(text, reference=reference, wide=wide)
    ]


@given(st.binary(max_size=200))
@example(bytes.fromhex("00010003"))
def test_no_octets_raise_and_what_is_read_is_written_unchanged(data: bytes) -> None:
    """Any octets give a value or the reason why not; a value is written as it was, slack and spares aside."""
    pdu = decode(data)
    if isinstance(pdu, Invalid):
        assert pdu.reason
        return
    assert decode(encode(pdu)) == pdu


@given(st.text(max_size=60))
def test_no_line_raises(text: str) -> None:
    """What is not hexadecimal is a reason, too."""
    assert decode_hex(text) is not None


@given(texts, st.booleans(), st.integers(0, 0xFF))
def test_parts_carry_whole_characters_and_join_to_the_text(text: str, wide: bool, reference: int) -> None:  # noqa: FBT001
    """Every part is readable by itself, fits 140 octets, and in any order they make the text."""
    parts = split_text(text, reference=reference, wide=wide)
    assert "".join(part.text for part in parts) == text
    assert all(len(part.encode()) <= 141 for part in parts)
    if len(parts) > 1:
        reassembler: Reassembler[int] = Reassembler()
        done = [
            whole for n, part in reversed(list(enumerate(parts))) for whole in reassembler.add("x", part, n)
        ]
        assert [whole.user_data.text for whole in done] == [text]
        assert done[0].tags == tuple(reversed(range(len(parts))))


def _theirs(message: dict[str, Any], data: UserData) -> str:
    """Return what smspdudecoder read; it counts characters, so an escape pair lets a filler `@` through."""
    read = str(message["user_data"]["data"])
    escaped = data.alphabet is Alphabet.GSM7 and b"\x1b" in data.content
    return read[: len(data.text)] if escaped and read[len(data.text) :] == "@" else read


@given(texts.filter(bool), numbers, st.booleans())
def test_another_decoder_reads_our_submits(text: str, number: str, wide: bool) -> None:  # noqa: FBT001
    """The judge gives our text, reference and part numbers."""
    read = ""
    submits = _submits(text, number, reference=0x34, wide=wide)
    for position, pdu in enumerate(submits, 1):
        theirs = SMSSubmit.decode(StringIO(encode(pdu).hex().upper()))
        read += _theirs(theirs, pdu.user_data)
        if len(submits) > 1:
            element = theirs["user_data"]["header"]["elements"][0]["data"]
            assert element == {"reference": 0x34, "parts_count": len(submits), "part_number": position}
    assert read == text


@given(texts.filter(bool), moments)
def test_another_decoder_reads_our_delivers(text: str, moment: datetime) -> None:
    """The judge gives our time, sender and text, whatever the zone."""
    for data in split_text(text, reference=9):
        pdu = Deliver(
            sender=Address.of("10086"), dcs=dcs_for(data.alphabet), time=Timestamp.of(moment), user_data=data
        )
        theirs = SMSDeliver.decode(StringIO(encode(pdu).hex().upper()))
        assert _theirs(theirs, data) == data.text
        assert theirs["sender"]["number"] == "10086"
        if abs(moment.utcoffset() or timedelta(0)) < timedelta(hours=20):
            assert theirs["scts"] == moment


@given(moments)
def test_time_stamps_keep_moment_and_zone(moment: datetime) -> None:
    """Every second and every zone in quarter hours, negative ones included."""
    read = Timestamp.of(moment).moment
    assert read == moment
    assert read is not None
    assert read.utcoffset() == moment.utcoffset()


@given(numbers)
def test_numbers_keep_their_digits(number: str) -> None:
    """With and without the plus, odd and even, the symbols included."""
    assert Address.of(number).text == number


@given(
    st.text(alphabet=GSM7, min_size=1, max_size=11).filter(
        lambda t: set(t.removeprefix("+")) - set("0123456789*#abc")
    )
)
def test_alphanumeric_senders_keep_their_name(name: str) -> None:
    """As many characters as fit eleven septets."""
    if len(text_to_septets(name)) <= 11:
        assert Address.of(name).text == name


def test_every_character_of_the_alphabet_is_written_and_read() -> None:
    """127 of the default table and 10 of the extension table."""
    assert len(GSM7) == 137
    assert septets_to_text(text_to_septets(GSM7)) == GSM7
    assert is_gsm7(GSM7)


def test_unknown_escapes_show_something() -> None:
    """An unknown pair shows its own character, a double escape a space, a last one nothing."""
    assert septets_to_text(b"\x1bA\x1b\x1b\x1b") == "A "


@pytest.mark.parametrize(
    ("dcs", "alphabet", "message_class"),
    [
        (0x00, Alphabet.GSM7, None), (0x04, Alphabet.OCTETS, None), (0x08, Alphabet.UCS2, None),
        (0x0C, Alphabet.GSM7, None), (0x10, Alphabet.GSM7, 0), (0x15, Alphabet.OCTETS, 1),
        (0x1A, Alphabet.UCS2, 2), (0x20, Alphabet.OCTETS, None), (0x48, Alphabet.UCS2, None),
        (0x80, Alphabet.GSM7, None), (0xB4, Alphabet.GSM7, None), (0xC0, Alphabet.GSM7, None),
        (0xD8, Alphabet.GSM7, None), (0xE0, Alphabet.UCS2, None), (0xF0, Alphabet.GSM7, 0),
        (0xF6, Alphabet.OCTETS, 2), (0xF3, Alphabet.GSM7, 3),
    ],
)  # fmt: skip
def test_data_coding_groups(dcs: int, alphabet: Alphabet, message_class: int | None) -> None:
    """Every group of TS 23.038 clause 4, reserved ones as GSM 7-bit."""
    assert alphabet_of(dcs) is alphabet
    assert message_class_of(dcs) == message_class


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0x00, Outcome.DELIVERED), (0x02, Outcome.DELIVERED), (0x1F, Outcome.DELIVERED),
        (0x20, Outcome.TRYING), (0x3F, Outcome.TRYING), (0x40, Outcome.PERMANENT),
        (0x5F, Outcome.PERMANENT), (0x60, Outcome.GIVEN_UP),
        (0x7F, Outcome.GIVEN_UP), (0x80, Outcome.RESERVED), (0xFF, Outcome.RESERVED),
    ],
)  # fmt: skip
def test_status_classes(status: int, outcome: Outcome) -> None:
    """Every class of TS 23.040 clause 9.2.3.15, written and read again."""
    report = StatusReport(
        reference=7, recipient=Address.of("+8617491234567"), time=STAMP, discharge=STAMP, status=status,
        tail=b"\x01\x00",
    )  # fmt: skip
    assert decode(encode(report)) == report
    assert report.outcome is outcome


@pytest.mark.parametrize(
    ("validity", "duration_s"),
    [
        (Validity.relative(1), 300), (Validity.relative(43_201), 45_000), (Validity.relative(86_400), 86_400),
        (Validity.relative(172_800), 172_800), (Validity.relative(1e9), 63 * 604_800),
        (Validity(ValidityFormat.ENHANCED, bytes.fromhex("022D0000000000")), 45),
        (Validity(ValidityFormat.ENHANCED, bytes.fromhex("03103254000000")), 3600 + 23 * 60 + 45),
        (Validity(ValidityFormat.ENHANCED, bytes.fromhex("01A70000000000")), 86_400),
    ],
)  # fmt: skip
def test_validity_formats(validity: Validity, duration_s: int) -> None:
    """Relative in one octet, enhanced in seven."""
    assert validity.duration_s == duration_s
    pdu = Submit(
        destination=Address.of("10086"), dcs=0, user_data=UserData(Alphabet.GSM7, b"a"), validity=validity,
        status_report=True, reject_duplicates=True, reply_path=True,
    )  # fmt: skip
    assert decode(encode(pdu)) == pdu


def test_absolute_validity_has_a_deadline() -> None:
    """The time stamp of the end."""
    assert Validity(ValidityFormat.ABSOLUTE, STAMP.octets).deadline == STAMP.moment


def test_a_date_that_is_none_does_not_cost_the_message() -> None:
    """Networks do send such stamps: the text is there, the time is not."""
    octets = bytearray.fromhex("000405810180F600006201302143652302E834")
    octets[octets.index(bytes.fromhex("62013021")) + 1] = 0x31
    pdu = decode(bytes(octets))
    assert isinstance(pdu, Deliver)
    assert pdu.user_data.text == "hi"
    assert pdu.time.moment is None


def test_impossible_part_numbers_are_ignored() -> None:
    """Part 3 of 2 is no part: the message is shown as it is (TS 23.040 clause 9.2.3.24.1)."""
    assert UserData(Alphabet.GSM7, b"a", bytes.fromhex("0003010203")).concat is None
    assert UserData(Alphabet.GSM7, b"a", bytes.fromhex("0003010202")).concat == Concat(1, 2, 2, wide=False)


def test_a_reused_reference_gives_the_older_parts_up_for_show() -> None:
    """Another message under the same number does not silently replace the parts of the first."""
    reassembler: Reassembler[str] = Reassembler()
    old, new = split_text("旧" * 80, reference=1)[0], split_text("新" * 80, reference=1)
    assert reassembler.add("x", old, "old") == []
    (gap,) = reassembler.add("x", new[0], "a")
    assert (gap.complete, gap.missing, gap.tags) == (False, (2,), ("old",))
    (whole,) = reassembler.add("x", new[1], "b")
    assert whole.user_data.text == "新" * 80


def test_unfinished_messages_are_bounded() -> None:
    """The oldest is given up for show when a new one finds no place."""
    reassembler: Reassembler[int] = Reassembler(max_open=3)
    gone = [
        given.tags[0]
        for number in range(10)
        for given in reassembler.add("x", split_text("长" * 80, reference=number)[0], number)
    ]
    assert (len(reassembler), gone) == (3, list(range(7)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Address.of(""), lambda: Address.of("1" * 21), lambda: Address.of("指挥部"),
        lambda: UserData(Alphabet.OCTETS, bytes(141)).encode(),
        lambda: UserData(Alphabet.GSM7, bytes(161)).encode(),
        lambda: UserData(Alphabet.GSM7, b"\x80").encode(), lambda: split_text("\ud83d", reference=1),
        lambda: split_text("长" * 20_000, reference=1), lambda: Concat(256, 2, 1, wide=False).header(),
        lambda: Timestamp.of(datetime(2026, 1, 1)),  # noqa: DTZ001
        lambda: encode(Submit(destination=Address.of("1"), dcs=8, user_data=UserData(Alphabet.GSM7, b""))),
        lambda: encode(Submit(destination=Address.of("1"), dcs=256, user_data=UserData(Alphabet.GSM7, b""))),
    ],
)  # fmt: skip
def test_what_the_far_end_could_not_read_is_refused(make: object) -> None:
    """LocalProtocolError, before anything is written."""
    assert callable(make)
    with pytest.raises(LocalProtocolError):
        make()
