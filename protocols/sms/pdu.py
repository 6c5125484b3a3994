"""Short message PDUs as AT commands carry them: service centre, then the TPDU (3GPP TS 23.040, 27.005)."""

# ruff: noqa: PLR2004  # bit fields and ranges read as in the tables of the standard

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from protocols.errors import LocalProtocolError
from protocols.sms.fields import (
    MAX_ADDRESS_SEMI_OCTETS,
    MAX_SMSC_OCTETS,
    TIMESTAMP_OCTETS,
    Address,
    Timestamp,
    Validity,
    ValidityFormat,
    alphabet_of,
)
from protocols.sms.userdata import UserData, decode_user_data

MAX_PDU_OCTETS = 12 + 164 + 12
"""Longest PDU read: service centre, the longest SUBMIT, and a little slack for padding of storage records."""

_MTI_DELIVER, _MTI_SUBMIT, _MTI_STATUS = 0, 1, 2
_UDHI = 0x40


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """SMS-SUBMIT, terminal to centre (TS 23.040 9.2.2.2). `reference` 0: the terminal numbers it."""

    destination: Address
    dcs: int
    user_data: UserData
    reference: int = 0
    smsc: Address | None = None
    pid: int = 0
    validity: Validity | None = None
    status_report: bool = False
    reject_duplicates: bool = False
    reply_path: bool = False

    @property
    def first_octet(self) -> int:
        """Message type and flags as on the wire."""
        return (
            _MTI_SUBMIT
            | self.reject_duplicates << 2
            | (self.validity.format if self.validity else 0) << 3
            | self.status_report << 5
            | (self.user_data.header is not None) << 6
            | self.reply_path << 7
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """SMS-DELIVER, centre to terminal (TS 23.040 clause 9.2.2.1)."""

    sender: Address
    dcs: int
    time: Timestamp
    user_data: UserData
    smsc: Address | None = None
    pid: int = 0
    no_more: bool = False
    loop_prevention: bool = False
    status_report_wanted: bool = False
    reply_path: bool = False

    @property
    def first_octet(self) -> int:
        """Message type and flags as on the wire."""
        return (
            _MTI_DELIVER
            | self.no_more << 2
            | self.loop_prevention << 3
            | self.status_report_wanted << 5
            | (self.user_data.header is not None) << 6
            | self.reply_path << 7
        )


class Outcome(Enum):
    """What a status octet means for the message (TS 23.040 clause 9.2.3.15)."""

    DELIVERED = "delivered"
    TRYING = "temporary, the centre is still trying"
    PERMANENT = "permanent error, the centre stopped trying"
    GIVEN_UP = "temporary error, the centre stopped trying"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """SMS-STATUS-REPORT (TS 23.040 clause 9.2.2.3); `tail` is what follows the status octet, as sent."""

    reference: int
    recipient: Address
    time: Timestamp
    discharge: Timestamp
    status: int
    smsc: Address | None = None
    flags: int = 0x04
    tail: bytes = b""

    @property
    def first_octet(self) -> int:
        """Message type and flags as on the wire."""
        return _MTI_STATUS | self.flags & 0xFC

    @property
    def outcome(self) -> Outcome:
        """The class of the status octet; values of a class we do not know count as their class."""
        classes = (Outcome.DELIVERED, Outcome.TRYING, Outcome.PERMANENT, Outcome.GIVEN_UP)
        return classes[self.status >> 5] if self.status < 0x80 else Outcome.RESERVED


@dataclass(frozen=True, slots=True)
class Invalid:
    """Octets that are no PDU we can read, and why; counted by the driver."""

    reason: str
    size_octets: int


Pdu = Submit | Deliver | StatusReport


def encode(pdu: Pdu) -> bytes:
    """Return service centre address and TPDU; raise LocalProtocolError if a field cannot be sent."""
    smsc = b"\x00" if pdu.smsc is None else _encode_smsc(pdu.smsc)
    if isinstance(pdu, StatusReport):
        head = bytes([pdu.first_octet, _octet("reference", pdu.reference)])
        times = pdu.time.octets + pdu.discharge.octets
        return (
            smsc
            + head
            + _encode_address(pdu.recipient)
            + times
            + bytes([_octet("status", pdu.status)])
            + pdu.tail
        )
    if alphabet_of(_octet("dcs", pdu.dcs)) is not pdu.user_data.alphabet:
        raise LocalProtocolError(f"data coding {pdu.dcs:#04x} does not say {pdu.user_data.alphabet.value}")
    coding = bytes([_octet("pid", pdu.pid), pdu.dcs])
    if isinstance(pdu, Deliver):
        head = bytes([pdu.first_octet]) + _encode_address(pdu.sender)
        return smsc + head + coding + pdu.time.octets + pdu.user_data.encode()
    head = bytes([pdu.first_octet, _octet("reference", pdu.reference)]) + _encode_address(pdu.destination)
    validity = pdu.validity.octets if pdu.validity else b""
    if pdu.validity and len(validity) != pdu.validity.format.size_octets:
        raise LocalProtocolError(
            f"{len(validity)} octets of validity do not fit format {pdu.validity.format}"
        )
    return smsc + head + coding + validity + pdu.user_data.encode()


def cmgs_length(pdu: bytes) -> int:
    """Octets of the TPDU, as `AT+CMGS=<n>` counts them: without the service centre address."""
    return len(pdu) - 1 - pdu[0]


def decode_hex(text: str) -> Pdu | Invalid:
    """Decode the hexadecimal line of `+CMGR`, `+CMGL`, `+CMT`, `+CDS` or `AT+CMGS`."""
    try:
        return decode(bytes.fromhex(text.strip()))
    except ValueError:
        return Invalid("not hexadecimal", len(text))


def decode(data: bytes) -> Pdu | Invalid:
    """Decode service centre address and TPDU; never raises."""
    if len(data) > MAX_PDU_OCTETS:
        return Invalid(f"longer than {MAX_PDU_OCTETS} octets", len(data))
    reader = _Reader(data)
    try:
        pdu = _decode(reader)
    except _UnreadableError as error:
        return Invalid(str(error), len(data))
    return pdu


class _UnreadableError(Exception):
    """Leaves the reader; never leaves this module."""


class _Reader:
    """Takes octets from the front and says what was missing."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, count: int, what: str) -> bytes:
        if len(self._data) < count:
            raise _UnreadableError(f"ends in {what}")
        head, self._data = self._data[:count], self._data[count:]
        return head

    def octet(self, what: str) -> int:
        return self.take(1, what)[0]

    def rest(self) -> bytes:
        return self.take(len(self._data), "tail")

    def address(self, what: str) -> Address:
        semi_octets, type_octet = self.take(2, what)
        if semi_octets > MAX_ADDRESS_SEMI_OCTETS:
            raise _UnreadableError(f"{what} of {semi_octets} semi-octets, limit 20")
        return Address(type_octet, semi_octets, self.take((semi_octets + 1) // 2, what))

    def smsc(self) -> Address | None:
        length = self.octet("service centre")
        if length == 0:
            return None
        if length > MAX_SMSC_OCTETS:
            raise _UnreadableError(f"service centre of {length} octets, limit {MAX_SMSC_OCTETS}")
        type_octet, *digits = self.take(length, "service centre")
        odd = bool(digits) and digits[-1] >> 4 == 0xF  # the filler
        return Address(type_octet, 2 * len(digits) - odd, bytes(digits))

    def timestamp(self, what: str) -> Timestamp:
        return Timestamp(self.take(TIMESTAMP_OCTETS, what))

    def user_data(self, dcs: int, first: int) -> UserData:
        if not (rest := self.rest()):
            raise _UnreadableError("ends in user data length")
        made = decode_user_data(rest, alphabet_of(dcs), has_header=bool(first & _UDHI))
        if isinstance(made, str):
            raise _UnreadableError(made)
        return made


def _decode(reader: _Reader) -> Pdu:
    smsc = reader.smsc()
    first = reader.octet("first octet")
    kind = first & 3
    if kind == _MTI_DELIVER:
        sender = reader.address("originating address")
        pid, dcs = reader.take(2, "data coding")
        time = reader.timestamp("time stamp")
        return Deliver(
            smsc=smsc, sender=sender, pid=pid, dcs=dcs, time=time, user_data=reader.user_data(dcs, first),
            no_more=bool(first & 0x04), loop_prevention=bool(first & 0x08),
            status_report_wanted=bool(first & 0x20), reply_path=bool(first & 0x80),
        )  # fmt: skip
    if kind == _MTI_SUBMIT:
        reference = reader.octet("reference")
        destination = reader.address("destination address")
        pid, dcs = reader.take(2, "data coding")
        form = ValidityFormat(first >> 3 & 3)
        validity = Validity(form, reader.take(form.size_octets, "validity")) if form else None
        return Submit(
            smsc=smsc, reference=reference, destination=destination, pid=pid, dcs=dcs, validity=validity,
            user_data=reader.user_data(dcs, first), reject_duplicates=bool(first & 0x04),
            status_report=bool(first & 0x20), reply_path=bool(first & 0x80),
        )  # fmt: skip
    if kind == _MTI_STATUS:
        return StatusReport(
            smsc=smsc, reference=reader.octet("reference"), recipient=reader.address("recipient address"),
            time=reader.timestamp("time stamp"), discharge=reader.timestamp("discharge time"),
            status=reader.octet("status"), tail=reader.rest(), flags=first & 0xFC,
        )  # fmt: skip
    raise _UnreadableError("message type 3 is reserved")


def _octet(what: str, value: int) -> int:
    if not 0 <= value <= 0xFF:
        raise LocalProtocolError(f"{what} {value} does not fit an octet")
    return value


def _encode_address(address: Address) -> bytes:
    if len(address.value) != (address.semi_octets + 1) // 2 or address.semi_octets > MAX_ADDRESS_SEMI_OCTETS:
        raise LocalProtocolError(
            f"address of {address.semi_octets} semi-octets in {len(address.value)} octets"
        )
    return bytes([address.semi_octets, address.type_octet]) + address.value


def _encode_smsc(smsc: Address) -> bytes:
    if len(smsc.value) >= MAX_SMSC_OCTETS:
        raise LocalProtocolError("service centre address too long")
    return bytes([1 + len(smsc.value), smsc.type_octet]) + smsc.value
