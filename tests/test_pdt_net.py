"""The simulated PDT net: octets as published, airtime as computed, people as people are."""

from __future__ import annotations

import asyncio

import pytest

from sim.channel import Channel
from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_net import PdtNet, airtime_s
from sim.devices.pdt_radio import PdtRadio, gps
from sim.people import HEAD_COUNT, LATE, NEVER, PROMPT, ROLL_CALL_ONLY, Habit, Person
from sim.rng import Streams

HQ, ONE = 2101, 3001
CONNECT = bytes.fromhex("7e0400fe20100000000c60e1")
ID_QUERY = bytes.fromhex("025204010000db03")


class Bench:
    """One mobile whose serial line is a list, and one handheld."""

    def __init__(self, habit: Habit | None = None) -> None:
        streams = Streams(1)
        self.channel = Channel("pdt", rng=streams.stream("channel"))
        self.net = PdtNet(self.channel)
        self.radio = PdtRadio(HQ, self.net, rng=streams.stream("radio"))
        person = None if habit is None else Person(habit, rng=streams.stream("person"))
        self.one = Handheld(ONE, self.net, name="小队一", home=HQ, person=person)
        self.line: list[bytes] = []
        self.radio.attach(self.line.append)

    def host(self, octets: bytes) -> list[bytes]:
        """Let the host say something; return what the radio wrote at once."""
        mark = len(self.line)
        self.radio.receive(octets)
        return [octets for octets in self.line[mark:] if octets]


def framed(number: int, hdap: bytes) -> bytes:
    """Put HDAP into HRNP as the reference lays it out."""
    head = bytes([0x7E, 4, 0, 0, 0x20, 0x10]) + number.to_bytes(2, "big")
    head += (12 + len(hdap)).to_bytes(2, "big")
    padded = head + hdap + b"\0" * (len(hdap) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return head + (total ^ 0xFFFF).to_bytes(2, "big") + hdap


HABITS = [
    ("点名", PROMPT, ["到"], 30),
    ("roll call now", HEAD_COUNT, ["到 12人"], 30),
    ("速报情况", PROMPT, ["收到"], 30),
    ("速报情况", ROLL_CALL_ONLY, [], 300),
    ("点名", NEVER, [], 300),
    ("点名", LATE, [], 60),
    ("点名", LATE, ["到"], 300),
    ("【自动】点名", PROMPT, [], 300),
]


async def test_greeting_is_as_published() -> None:
    """CONNECT is answered by the ACCEPT of the published dialogue, octet for octet."""
    assert Bench().host(CONNECT) == [bytes.fromhex("7e0400fd10200000000c70d2")]


async def test_data_is_acknowledged_as_published() -> None:
    """DATA with number 1 is acknowledged by the published DATA_ACK; an id query is answered behind it."""
    bench = Bench()
    bench.host(CONNECT)

    ack, reply = bench.host(framed(1, ID_QUERY))

    assert ack == bytes.fromhex("7e04001010200001000c71be")
    assert reply[12:19] == bytes.fromhex("02528406000000")
    assert int.from_bytes(reply[19:23], "little") == HQ


async def test_unacknowledged_data_is_written_four_times() -> None:
    """A radio repeats what its host does not acknowledge, with the same number, and then gives up."""
    bench = Bench()
    bench.host(CONNECT)

    _ack, first = bench.host(framed(1, ID_QUERY))
    await asyncio.sleep(30)

    assert bench.line.count(first) == 4


@pytest.mark.parametrize(("octets", "expected_s"), [(20, 0.78), (100, 1.26), (140, 1.50), (500, 3.66)])
def test_airtime_is_the_computed_one(octets: int, expected_s: float) -> None:
    """Confirmed rate-1/2 data takes what the reference computes."""
    assert airtime_s(octets) == pytest.approx(expected_s, abs=1e-9)


def test_fix_is_written_as_published() -> None:
    """A position is 40 octets in degrees and minutes."""
    octets = gps((50.064618, 14.442170))

    assert octets == b"A" + bytes(12) + b"N5003.8771E01426.5302" + bytes(6)


@pytest.mark.parametrize(("text", "habit", "answers", "within_s"), HABITS)
async def test_people_answer_by_habit(text: str, habit: Habit, answers: list[str], within_s: float) -> None:
    """A person types what the habit says, in its time, or nothing."""
    bench = Bench(habit)
    bench.host(CONNECT)
    body = text.encode("utf-16-le")
    payload = (
        (7).to_bytes(4, "big") + bytes([10]) + ONE.to_bytes(3, "big") + bytes([10]) + HQ.to_bytes(3, "big")
    )
    payload += body
    head = bytes.fromhex("80a1") + len(payload).to_bytes(2, "big")
    check = ((~sum(head + payload)) + 0x33) & 0xFF

    bench.host(framed(2, b"\x09" + head + payload + bytes([check, 3])))
    await asyncio.sleep(within_s)

    assert bench.one.texts() == [text]
    assert [typed.text for typed in bench.one.typed] == answers


async def test_a_cut_net_carries_nothing() -> None:
    """What is typed while the net is cut fails in the end; after that the net carries again."""
    bench = Bench()
    bench.host(CONNECT)
    bench.channel.cut = True
    typed = bench.one.type_text("有人吗")
    await asyncio.sleep(300)
    bench.channel.cut = False
    bench.one.register()
    await asyncio.sleep(5)

    assert typed.outcome == "failed"
    assert any(octets[12:15] == bytes.fromhex("110003") for octets in bench.line)


async def test_one_id_is_one_station() -> None:
    """Two stations with one radio id are a mistake in the scenario."""
    bench = Bench()

    with pytest.raises(ValueError, match="taken"):
        Handheld(ONE, bench.net, name="again", home=HQ)
