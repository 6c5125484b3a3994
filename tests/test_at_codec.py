"""What AT terminals send is cut into events, however it is chunked and whatever stands between."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.at import (
    MAX_LINE_OCTETS,
    Decoder,
    Echo,
    Event,
    Garbage,
    Line,
    Parameter,
    Prompt,
    Result,
    encode_line,
    error_words,
    interpret,
    parse_line,
    report_words,
)
from protocols.at.meaning import Pushed, Registration, SatelliteSignal, Storage, Stored, StoredMessage
from protocols.errors import LocalProtocolError

PIECES = st.sampled_from(
    [
        b"\r\nOK\r\n", b"\r\nERROR\r\n", b"\r\n> ", b"AT+CMGS=20\r\r\n", b'\r\n+CMTI: "ME",1\r\n',
        b"\r\n+CREG: 1\r\n",
        b"\r\n+CMT: ,25\r\n0004AB\r\n", b"\r\n+CDS: 25\r\n", b"\x00\xff\x80",
        b"\r\n^SIMST: 1\r\n", b"AB12\x1a", b"x" * 700,
        '\r\n+COPS: 0,0,"中国电信"\r\n'.encode(),
    ]
)  # fmt: skip
streams = st.one_of(st.binary(max_size=3 * MAX_LINE_OCTETS), st.lists(PIECES, max_size=20).map(b"".join))


@given(streams, st.lists(st.integers(0, 12_000), max_size=6))
def test_chunking_does_not_matter(stream: bytes, cuts: list[int]) -> None:
    """One big read and many small ones give the same events."""
    whole, parts = Decoder(), Decoder()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    got: list[Event] = []
    for start, end in pairwise(edges):
        got += parts.feed(stream[start:end])
    assert got == whole.feed(stream)


@given(st.binary(max_size=200))
def test_a_line_after_garbage_is_read(junk: bytes) -> None:
    """Whatever came before, once it is ended the next line is understood."""
    decoder = Decoder()
    decoder.feed(junk + b"\r\n\r\n")
    assert decoder.feed(b"\r\nOK\r\n")[-1] == Result(ok=True, word="OK")


@given(st.text(max_size=80).filter(lambda t: "\r" not in t and "\n" not in t))
def test_no_line_makes_the_parser_raise(text: str) -> None:
    """Quotes, commas and parentheses in any order give parameters, and a meaning or none."""
    line = parse_line("+CREG: " + text)
    assert line.raw
    interpret(line)
    interpret(parse_line("+CMGL: " + text))


@given(st.lists(st.one_of(
    st.integers(-999, 99_999).map(lambda n: Parameter(str(n))),
    st.text(alphabet="abcXYZ, ()点名", max_size=8).map(lambda t: Parameter(t, quoted=True)),
), min_size=1, max_size=10))  # fmt: skip
def test_lines_are_written_and_read_again(parameters: list[Parameter]) -> None:
    """Numbers bare, text in quotes."""
    line = parse_line(encode_line("+TEST", tuple(parameters)))
    assert (line.name, line.parameters) == ("+TEST", tuple(parameters))


@pytest.mark.parametrize("parameter", [Parameter('a"b', quoted=True), Parameter("a,b"), Parameter("a\r")])
def test_a_parameter_that_would_break_the_line_is_refused(parameter: Parameter) -> None:
    """LocalProtocolError instead of a line that means something else."""
    with pytest.raises(LocalProtocolError):
        encode_line("+TEST", (parameter,))


def test_a_dialogue_with_echo_prompt_and_lines_unasked() -> None:
    """Echo, prompt without line end, the echoed PDU, a signal line between, the reference, the result."""
    octets = b"AT+CMGS=20\r\r\n> 0011AB\x1a\r\n^SATSIGNAL: -92,7.5\r\n\r\n+CMGS: 85\r\n\r\nOK\r\n"
    events = Decoder().feed(octets)
    assert [type(event) for event in events] == [Echo, Prompt, Echo, Line, Line, Result]
    assert isinstance(events[3], Line)
    assert interpret(events[3]) == SatelliteSignal(-92.0, 7.5)


def test_two_line_results_hold_their_pdu() -> None:
    """+CMT, +CDS, +CMGL and +CMGR bring the PDU on the next line."""
    octets = b"+CMT: ,25\r\n00AA\r\n+CDS: 25\r\n00BB\r\n+CMGL: 3,1,,25\r\n00CC\r\n+CMGR: 0,,25\r\n00DD\r\n"
    lines = [event for event in Decoder().feed(octets) if isinstance(event, Line)]
    assert [interpret(line) for line in lines] == [
        Pushed(25, "00AA"),
        Pushed(25, "00BB", report=True),
        StoredMessage(3, 1, 25, "00CC"),
        StoredMessage(None, 0, 25, "00DD"),
    ]


def test_an_announcement_without_its_pdu_is_not_lost_nor_does_it_eat_the_next_line() -> None:
    """Another line where the PDU should be is that line."""
    events = Decoder().feed(b'+CDS: 25\r\n+CMTI: "ME",4\r\n')
    assert [interpret(event) for event in events if isinstance(event, Line)] == [
        Pushed(25, None, report=True),
        Stored("ME", 4),
    ]


def test_boot_garbage_does_not_cost_the_line_behind_it() -> None:
    """The readable end of a line counts."""
    events = Decoder().feed(b"\x00\xff\x80\xfe^SIMST: 1\r\n")
    assert events == [Garbage("not text", 4), parse_line("^SIMST: 1")]


def test_an_endless_line_is_dropped_in_pieces_and_ends_with_its_end() -> None:
    """Memory is bounded, and the next line is read."""
    events = Decoder().feed(b"x" * (3 * MAX_LINE_OCTETS) + b"\r\nOK\r\n")
    assert {type(event) for event in events[:-1]} == {Garbage}
    assert sum(event.size_octets for event in events if isinstance(event, Garbage)) == 3 * MAX_LINE_OCTETS
    assert events[-1] == Result(ok=True, word="OK")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("+CREG: 1", Registration("CS", 1)),
        ("+CREG: 0,5", Registration("CS", 5, 0)),
        ('+CREG: 5,"2A01","0001"', Registration("CS", 5, None, "2A01", "0001")),
        ('+CGREG: 2,3,"2A01","0001"', Registration("PS", 3, 2, "2A01", "0001")),
        ('+CPMS: "ME",3,20,"ME",3,20,"SM",0,10', Storage(3, 20, "ME")),
        ("+CPMS: 3,20,3,20,0,10", Storage(3, 20)),
        ('+CDSI: "SR",7', Stored("SR", 7, report=True)),
        ("+CREG: x", None),
        ("+CMTI: ", None),
        ("^SATSIGNAL: ,", None),
    ],
)
def test_meanings(raw: str, expected: object) -> None:
    """Answer and unsolicited forms are told apart; what is not as it should be means nothing."""
    assert interpret(parse_line(raw)) == expected


@pytest.mark.parametrize(("family", "code"), [("CME", 10), ("CMS", 322), ("CMS", 999), ("CME", None)])
def test_errors_have_words_in_both_languages(family: str, code: int | None) -> None:
    """Known and unknown numbers alike."""
    words = error_words(family, code)
    assert words.en.isascii()
    assert not words.zh.isascii()


@given(st.integers(0, 255))
def test_report_statuses_have_words_in_both_languages(status: int) -> None:
    """All 256."""
    words = report_words(status)
    assert words.en.isascii()
    assert not words.zh.isascii()
