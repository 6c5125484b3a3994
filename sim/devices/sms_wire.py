"""Short message octets as the network side writes and reads them, from the byte layout of TS 23.040.

Written apart from the product's codec, so that the two can disagree. ValueError means octets that no centre
would take.
"""

# ruff: noqa: PLR2004, FBT003  # bit fields read as in the tables of the standard; positional flag octets

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

_GSM7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_SHIFTED = dict(zip(b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65", "\f^{}\\[~]|€", strict=True))
_CHINA_QUARTERS = 32
_UCS2 = 0x08
_ALONE_UNITS, _PART_UNITS = 70, 67
_MAX_UD_OCTETS = 140


@dataclass(frozen=True, slots=True)
class Body:
    """What a message carries on: coding, whether a header is in it, length octet and user data as sent."""

    dcs: int
    has_header: bool
    udl: int
    user_data: bytes


@dataclass(frozen=True, slots=True)
class Submitted:
    """A SUBMIT as the centre reads it."""

    to: str
    report: bool
    lifetime_s: float
    body: Body


@dataclass(frozen=True, slots=True)
class Piece:
    """A body as a phone reads it: text, or octets, and which part of what (reference, total, part)."""

    text: str
    data: bytes
    part: tuple[int, int, int] | None


def read_submit(pdu: bytes) -> tuple[Submitted, int]:
    """Read service centre and SUBMIT; also return the octets counted by `AT+CMGS`."""
    try:
        at = 1 + pdu[0]
        length = len(pdu) - at
        first = pdu[at]
        digits, kind = pdu[at + 2], pdu[at + 3]
        end = at + 4 + (digits + 1) // 2
        to = ("+" if kind & 0x70 == 0x10 else "") + pdu[at + 4 : end].hex()
        to = _swap(to)[: digits + (to[:1] == "+")]
        dcs = pdu[end + 1]
        vp_octets = {0: 0, 2: 1, 1: 7, 3: 7}[first >> 3 & 3]
        lifetime_s = _lifetime_s(pdu[end + 2]) if vp_octets == 1 else 86_400.0 * 2
        udl, user_data = pdu[end + 2 + vp_octets], pdu[end + 3 + vp_octets :]
    except IndexError as error:
        raise ValueError("too short") from error
    seven = (dcs & 0xF4) == 0xF0 or (dcs & 0xCC) == 0
    if (
        first & 3 != 1
        or len(user_data) > _MAX_UD_OCTETS
        or len(user_data) != ((udl * 7 + 7) // 8 if seven else udl)
    ):
        raise ValueError("not a SUBMIT of the stated length")
    return Submitted(
        to, bool(first & 0x20), lifetime_s, Body(dcs, bool(first & 0x40), udl, user_data)
    ), length


def write_deliver(smsc: str, sender: str, unix_ms: int, body: Body) -> bytes:
    """Build service centre and DELIVER."""
    first = 0x04 | 0x40 * body.has_header
    stamp = _stamp(unix_ms)
    return (
        _smsc(smsc) + bytes([first]) + _number(sender) + bytes([0, body.dcs]) + stamp + bytes([body.udl])
        + body.user_data
    )  # fmt: skip


def write_report(smsc: str, reference: int, to: str, sent_ms: int, done_ms: int, status: int) -> bytes:
    """Build service centre and STATUS-REPORT; `status` is TP-ST."""
    times = _stamp(sent_ms) + _stamp(done_ms)
    return _smsc(smsc) + bytes([0x06, reference]) + _number(to) + times + bytes([status])


def read_body(body: Body) -> Piece:
    """Read what a phone shows."""
    header = body.user_data[: 1 + body.user_data[0]] if body.has_header and body.user_data else b""
    part = None
    rest = header[1:]
    while len(rest) > 1:
        if rest[:2] == b"\x00\x03":
            part = (rest[2], rest[3], rest[4])
        elif rest[:2] == b"\x08\x04":
            part = (rest[2] << 8 | rest[3], rest[4], rest[5])
        rest = rest[2 + rest[1] :]
    octets = body.user_data[len(header) :]
    if body.dcs & 0xF4 == 0xF4 or body.dcs & 0xCC == 0x04:
        return Piece("", octets, part)
    if body.dcs & 0xCC == _UCS2:
        return Piece(octets.decode("utf-16-be", "replace"), b"", part)
    bits = "".join(f"{octet:08b}" for octet in reversed(body.user_data))
    septets = [int(bits[len(bits) - 7 * n - 7 : len(bits) - 7 * n], 2) for n in range(body.udl)]
    text = "".join(_GSM7[septet] for septet in septets[(len(header) * 8 + 6) // 7 :])
    shown = re.sub(
        "\x1b(.)", lambda pair: _GSM7_SHIFTED.get(_GSM7.index(pair[1]), pair[1]), text, flags=re.DOTALL
    )
    return Piece(shown, b"", part)


def write_bodies(text: str, reference: int) -> list[Body]:
    """Write a text as phones do: UCS-2, in parts of 67 units with an 8-bit reference when it is long."""
    units = text.encode("utf-16-be")
    if len(units) <= 2 * _ALONE_UNITS:
        return [Body(_UCS2, False, len(units), units)]
    cuts = [0]
    while cuts[-1] < len(units):
        end = min(cuts[-1] + 2 * _PART_UNITS, len(units))
        torn = end < len(units) and 0xDC <= units[end] < 0xE0  # a low surrogate would start a part
        cuts.append(end - 2 * torn)
    bodies = []
    for number, (start, end) in enumerate(pairwise(cuts), 1):
        data = bytes([5, 0, 3, reference & 0xFF, len(cuts) - 1, number]) + units[start:end]
        bodies.append(Body(_UCS2, True, len(data), data))
    return bodies


def national(number: str) -> str:
    """Return a number without the country code, so that both ways of writing it find the same subscriber."""
    return number.removeprefix("+86").removeprefix("+")


def _swap(text: str) -> str:
    plus, digits = ("+", text[1:]) if text[:1] == "+" else ("", text)
    return plus + re.sub("(.)(.)", r"\2\1", digits).rstrip("f")


def _number(number: str) -> bytes:
    digits = number.removeprefix("+")
    packed = bytes.fromhex(_swap_out(digits))
    return bytes([len(digits), 0x91 if number.startswith("+") else 0x81]) + packed


def _swap_out(digits: str) -> str:
    return re.sub("(.)(.)", r"\2\1", digits + "f" * (len(digits) % 2))


def _smsc(number: str) -> bytes:
    packed = bytes.fromhex(_swap_out(number.removeprefix("+")))
    return bytes([1 + len(packed), 0x91]) + packed


def _stamp(unix_ms: int) -> bytes:
    local = datetime.fromtimestamp(unix_ms / 1000, UTC) + timedelta(minutes=15 * _CHINA_QUARTERS)
    return bytes.fromhex(_swap_out(local.strftime("%y%m%d%H%M%S") + f"{_CHINA_QUARTERS:02d}"))


def _lifetime_s(value: int) -> float:
    if value < 144:  # steps of five minutes
        return (value + 1) * 300.0
    if value < 168:  # half hours
        return 43_200.0 + (value - 143) * 1_800.0
    return (value - 166) * 86_400.0 if value < 197 else (value - 192) * 604_800.0
