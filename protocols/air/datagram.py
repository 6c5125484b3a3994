"""How sealed frames and heartbeats travel in UDP datagrams (docs/air-protocol.md, "Over UDP")."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.air.frame import Garbage
from protocols.errors import LocalProtocolError

MAGIC = 0xF6
"""First octet of every datagram: no STUN, DNS, CoAP, QUIC or RTP packet that may stray here begins so."""

DATAGRAM_MAX_OCTETS = 1200
"""Longest datagram: passes IPv6's minimum MTU of 1280 unfragmented, with a tunnel's header to spare."""

_HEAD_OCTETS = 2

DATA_MAX_OCTETS = DATAGRAM_MAX_OCTETS - _HEAD_OCTETS
"""Longest frame in one datagram."""

_DATA, _HEARTBEAT, _REPLY = 0, 1, 2
_HEARTBEAT_OCTETS, _REPLY_OCTETS = 7, 6


@dataclass(frozen=True, slots=True)
class Data:
    """`F6 00 frame`: one sealed frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`F6 01 nonce4 flags`: answer me. Bit 0 of flags: I have heard you lately."""

    nonce: int
    heard: bool


@dataclass(frozen=True, slots=True)
class HeartbeatReply:
    """`F6 02 nonce4`: the nonce of the heartbeat it answers; never longer than that."""

    nonce: int


Datagram = Data | Heartbeat | HeartbeatReply


def encode(datagram: Datagram) -> bytes:
    """Build the octets; raises LocalProtocolError on an empty or too long frame."""
    match datagram:
        case Data(frame):
            if not 1 <= len(frame) <= DATA_MAX_OCTETS:
                raise LocalProtocolError(f"frame of {len(frame)} octets, limit 1..{DATA_MAX_OCTETS}")
            return bytes([MAGIC, _DATA]) + frame
        case Heartbeat(nonce, heard):
            return bytes([MAGIC, _HEARTBEAT]) + nonce.to_bytes(4, "big") + bytes([heard])
        case HeartbeatReply(nonce):
            return bytes([MAGIC, _REPLY]) + nonce.to_bytes(4, "big")


def decode(octets: bytes) -> Datagram | Garbage:
    """Read one datagram; never raises."""
    if not _HEAD_OCTETS < len(octets) <= DATAGRAM_MAX_OCTETS or octets[0] != MAGIC:
        return Garbage("no datagram of ours", len(octets))
    nonce = int.from_bytes(octets[2:6], "big")
    if octets[1] == _DATA:
        return Data(octets[2:])
    if octets[1] == _HEARTBEAT and len(octets) == _HEARTBEAT_OCTETS and octets[6] <= 1:
        return Heartbeat(nonce, bool(octets[6]))
    if octets[1] == _REPLY and len(octets) == _REPLY_OCTETS:
        return HeartbeatReply(nonce)
    return Garbage("type or length not known", len(octets))
