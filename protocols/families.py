"""The wire families the decode command knows: how each turns octets into events that can be printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from protocols import at, sms
from protocols.air.frame import Header, parse_header
from protocols.beidou import content, framing, sentences
from protocols.beidou.commands import ChallengeText, Transmit
from protocols.beidou.reports import Message
from protocols.describe import describe, describe_event
from protocols.errors import LocalProtocolError
from protocols.hytera import describe as hytera
from protocols.hytera import hdap, hrnp
from protocols.pdt import numbers

Event = dict[str, Any]

_AIR_ID = re.compile(r"0[xX][0-9A-Fa-f]{1,6}|(?=.*[A-Fa-f])[0-9A-Fa-f]{6}")


class Session(Protocol):
    """One decoder at work; octets come in chunks of any size."""

    def feed(self, octets: bytes) -> list[Event]:
        """Return what became complete."""

    def end(self) -> list[Event]:
        """Return what the end of input makes of the rest."""


@dataclass(frozen=True, slots=True)
class Family:
    """A wire family: what it is in two languages, and how to open a decoder of it.

    `hex` is whether people write its input as hex digits; if not, the decoder gets what they typed, in UTF-8.
    """

    en: str
    zh: str
    open: Callable[[], Session]
    hex: bool = True


class Packets:
    """A family whose every input is one whole packet."""

    def __init__(self, decode: Callable[[bytes], Event]) -> None:
        self._decode = decode

    def feed(self, octets: bytes) -> list[Event]:
        """Return the one event."""
        return [self._decode(octets)]

    def end(self) -> list[Event]:
        """Return nothing: no packet waits for another."""
        return []


class HrnpStream:
    """HRNP as it comes from a serial line."""

    def __init__(self) -> None:
        self._decoder = hrnp.Decoder()

    def feed(self, octets: bytes) -> list[Event]:
        """Return the frames that became complete, the HDAP frame inside each."""
        return [self._event(found) for found in self._decoder.feed(octets)]

    def end(self) -> list[Event]:
        """Give up on an unfinished frame."""
        return [self._event(found) for found in self._decoder.idle()]

    @staticmethod
    def _event(found: hrnp.Packet | hdap.Garbage) -> Event:
        if isinstance(found, hdap.Garbage):
            return describe_event(found)
        return {"event": "Packet"} | hytera.hrnp_packet(found)


class BeidouStream:
    """Beidou 2.1 sentences as they come from a terminal."""

    def __init__(self) -> None:
        self._decoder = framing.Decoder()

    def feed(self, octets: bytes) -> list[Event]:
        """Return the sentences that became complete, typed where the type is known."""
        return [_sentence(found) for found in self._decoder.feed(octets)]

    def end(self) -> list[Event]:
        """Read a last line that nothing ended."""
        return self.feed(b"\r\n")


class AtStream:
    """What an AT terminal sends: lines, results, and the short message behind a line that announces one."""

    def __init__(self) -> None:
        self._decoder = at.Decoder()

    def feed(self, octets: bytes) -> list[Event]:
        """Return what became complete, with its meaning where it is known."""
        return [_at_event(found) for found in self._decoder.feed(octets)]

    def end(self) -> list[Event]:
        """Read a last line that nothing ended, and one that announced a message which did not come."""
        return [*self.feed(b"\r\n"), *self.feed(b"OK\r\n")[:-1]]


def hdap_frame(octets: bytes) -> Event:
    """Describe one HDAP frame: RRS, TMP, LP, RCP, TP, DTP, DDS."""
    return _named("Frame", hytera.hdap_frame(octets))


def hstrp_datagram(octets: bytes) -> Event:
    """Describe one HSTRP datagram and the HDAP frame inside."""
    return _named("Datagram", hytera.hstrp_datagram(octets))


def sms_pdu(octets: bytes) -> Event:
    """Describe one short message PDU, service centre address first; its type says the direction."""
    pdu = sms.decode(octets)
    told = describe_event(pdu)
    if isinstance(pdu, sms.Invalid):
        return told
    return told | {"direction": "to_network" if isinstance(pdu, sms.Submit) else "from_network"}


def air_frame(octets: bytes) -> Event:
    """Describe the header in clear of a sealed frame; only the gateways that hold the key read more."""
    found = parse_header(octets)
    if not isinstance(found, Header):
        return describe_event(found)
    return describe_event(found) | {"sealed_octets": len(octets) - len(found.octets)}


def pdt_number(octets: bytes) -> Event:
    """Describe a PDT number: digits are dialled, `0x` or a hex letter makes it a 24-bit air id."""
    word = octets.decode("utf-8", "replace").strip()
    if _AIR_ID.fullmatch(word):
        return _air_id(int(word, 16))
    try:
        dialled = numbers.air_id(word)
    except LocalProtocolError as error:
        return {"event": "Garbage", "reason": error.en, "reason_zh": error.zh}
    return _air_id(dialled.id) | {"dialled": word, "group": dialled.group}


def _air_id(number: int) -> Event:
    return {
        "event": "AirId",
        "air_id": number,
        "air_hex": f"0x{number:06X}",
        "dial_individual": numbers.dial_number(numbers.AirId(number, group=False)),
        "dial_group": numbers.dial_number(numbers.AirId(number, group=True)),
        "all_call": numbers.all_call(number),
    }


def _named(name: str, found: Event | hdap.Garbage) -> Event:
    return describe_event(found) if isinstance(found, hdap.Garbage) else {"event": name} | found


def _at_event(found: at.Event) -> Event:
    told = describe_event(found)
    if isinstance(found, at.Result) and found.family:
        told |= at.error_words(found.family, found.code)._asdict()
    if isinstance(found, at.Line):
        told["parameters"] = [parameter.text for parameter in found.parameters]
        meaning = at.interpret(found)
        told["meaning"] = None if meaning is None else describe_event(meaning)
        if found.pdu is not None:
            told["message"] = sms_pdu(bytes.fromhex(found.pdu))
    return told


def _sentence(found: framing.Event) -> Event:
    typed = sentences.parse(found) if isinstance(found, framing.Sentence) else found
    told = describe_event(typed)
    if isinstance(found, framing.Sentence):
        told |= {"talker": found.talker, "id": found.id}
    if isinstance(typed, Transmit | Message | ChallengeText):
        told["content_read"] = describe(content.decode(typed.mode, typed.content))
    return told


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "air": Family(
            "sealed frame between gateways: its clear header",
            "网关间密封帧（明文帧头）",
            lambda: Packets(air_frame),
        ),
        "at": Family("AT terminal output: lines, results, messages", "AT 终端输出", AtStream),
        "beidou": Family("Beidou RDSS 2.1 sentences", "北斗 RDSS 2.1 语句", BeidouStream),
        "hdap": Family(
            "Hytera HDAP: RRS, TMP, LP, RCP, TP, DTP, DDS", "海能达 HDAP 应用层", lambda: Packets(hdap_frame)
        ),
        "hrnp": Family("Hytera HRNP on serial or USB", "海能达 HRNP（串口或 USB）", HrnpStream),
        "hstrp": Family(
            "Hytera HSTRP of repeaters", "海能达 HSTRP（中继台）", lambda: Packets(hstrp_datagram)
        ),
        "pdt": Family(
            "PDT numbering: dial number, or air id as 0x...",
            "PDT 编号：拨号号码，或空口号码 0x…",
            lambda: Packets(pdt_number),
            hex=False,
        ),
        "sms": Family("short message PDU of AT terminals", "短信 PDU", lambda: Packets(sms_pdu)),
    }
)
