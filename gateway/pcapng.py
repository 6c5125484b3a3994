"""Blocks of pcapng (draft-ietf-opsawg-pcapng): little-endian, link type USER0, nanosecond stamps. Pure."""

from __future__ import annotations

import struct

LINKTYPE_USER0 = 147
"""Private link type: what a frame means depends on the link; Wireshark asks which dissector to use."""

INBOUND, OUTBOUND = 1, 2
"""Direction in the packet flags (`epb_flags`, bits 0 and 1)."""

MAX_OPTION_OCTETS = 0xFFFF
"""An option's length is 16 bit; a longer comment is cut."""

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_END, _COMMENT, _NAME, _FLAGS, _DESCRIPTION, _RESOLUTION = 0, 1, 2, 2, 3, 9
_NANOSECONDS = b"\x09"


def section(*, comment: str = "") -> bytes:
    """Section header that begins a file."""
    body = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    return _block(_SECTION, body + _options((_COMMENT, comment.encode())))


def interface(name: str, description: str = "") -> bytes:
    """Description of the next interface; the first has index 0."""
    found = _options(
        (_NAME, name.encode()), (_DESCRIPTION, description.encode()), (_RESOLUTION, _NANOSECONDS)
    )
    return _block(_INTERFACE, struct.pack("<HHI", LINKTYPE_USER0, 0, 0) + found)


def packet(
    index: int, stamp_ns: int, data: bytes, *, flags: int = 0, comments: tuple[str, ...] = ()
) -> bytes:
    """One packet on interface `index`; stamp in nanoseconds of whatever the file's time is."""
    body = struct.pack("<IIIII", index, stamp_ns >> 32, stamp_ns & 0xFFFFFFFF, len(data), len(data))
    told = [(_COMMENT, comment.encode()) for comment in comments]
    return _block(
        _PACKET,
        body + _padded(data) + _options((_FLAGS, struct.pack("<I", flags) if flags else b""), *told),
    )


def _options(*options: tuple[int, bytes]) -> bytes:
    """Lay out what is not empty, and the end mark if there is anything."""
    given = [_option(code, value[:MAX_OPTION_OCTETS]) for code, value in options if value]
    return b"".join([*given, _option(_END, b"")]) if given else b""


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    size = 12 + len(body)
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)
