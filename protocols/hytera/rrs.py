"""RRS, radio registration: registration, going offline and the online check (reference page, section 1.5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from protocols.hytera.wire import IP, U8, U32, Pdu

MAX_RENEW_S = 0xFFFE
"""Longest renewal a radio takes, though the field has four octets."""
ONLINE = 0
OFFLINE = 1


class Result(IntEnum):
    """Answer to a registration."""

    OK = 0
    OTHER_FAILURE = 1
    WRONG_PASSWORD = 2


@dataclass(frozen=True, slots=True)
class GoingOffline(Pdu):
    """Radio to server: about to be switched off; needs no answer."""

    opcodes: ClassVar[tuple[int, ...]] = (0x0001,)
    radio: IP


@dataclass(frozen=True, slots=True)
class OnlineCheckRequest(Pdu):
    """Server to radio: say whether you are there."""

    opcodes: ClassVar[tuple[int, ...]] = (0x0002,)
    radio: IP


@dataclass(frozen=True, slots=True)
class RegistrationRequest(Pdu):
    """Radio to server: I am here."""

    opcodes: ClassVar[tuple[int, ...]] = (0x0003,)
    radio: IP


@dataclass(frozen=True, slots=True)
class RegistrationAnswer(Pdu):
    """Server to radio: `result` as in Result, register again within `renew_s` (1..MAX_RENEW_S)."""

    opcodes: ClassVar[tuple[int, ...]] = (0x0080,)
    radio: IP
    result: U8
    renew_s: U32


@dataclass(frozen=True, slots=True)
class OnlineCheckAnswer(Pdu):
    """Radio to server: `state` 0 online, 1 offline."""

    opcodes: ClassVar[tuple[int, ...]] = (0x0082,)
    radio: IP
    state: U8


PDUS: tuple[type[Pdu], ...] = (
    GoingOffline,
    OnlineCheckRequest,
    RegistrationRequest,
    RegistrationAnswer,
    OnlineCheckAnswer,
)
