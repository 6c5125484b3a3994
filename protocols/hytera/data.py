"""TP telemetry, DTP file transfer and DDS delivery states (reference page, sections 1.7 and 1.9)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from protocols.hytera.wire import COUNTED_TEXT, IP, REST, TEXT, U8, U16, Pdu

SLICE_OCTETS = 448
"""Largest DTP slice a radio takes; only the last may be shorter."""
MAX_NAME_OCTETS = 256
"""Longest DTP file name, UTF-16LE, extension included."""


class DdsResult(IntEnum):
    """What became of a service's request on the air."""

    OK = 0
    FAIL = 1
    LIMITED_TIMEOUT = 4
    NO_ACK = 5
    ERROR_ACK = 6
    WAKEUP_FAIL = 7
    TX_INTERRUPTED = 8
    TX_DENY = 9
    INVALID_PARAMS = 10


@dataclass(frozen=True, slots=True)
class Telemetry(Pdu):
    """What every TP message begins with: `pc_flag` 1 = an application, `vio_select` = VIO1..VIO6."""

    source: IP
    target: IP
    pc_flag: U8
    call_type: U8
    vio_select: U8


@dataclass(frozen=True, slots=True)
class StandardStatusRequest(Telemetry):
    """Ask how the inputs stand."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA001,)


@dataclass(frozen=True, slots=True)
class StandardStatusReport(Telemetry):
    """Inputs: 0 effective, 1 ineffective."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA081,)
    result: U8


@dataclass(frozen=True, slots=True)
class ExtendedStatusReport(Telemetry):
    """Inputs, with the words configured for them."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA082,)
    result: U8
    message: COUNTED_TEXT


@dataclass(frozen=True, slots=True)
class RemoteControlRequest(Telemetry):
    """Set one output: 0 ineffective, 1 effective, 2 reverse, 3 one pulse."""

    opcodes: ClassVar[tuple[int, ...]] = (0xB001,)
    operation: U8


@dataclass(frozen=True, slots=True)
class RemoteControlAnswer(Telemetry):
    """Result 0 done, 1 failed."""

    opcodes: ClassVar[tuple[int, ...]] = (0xB081,)
    result: U8


@dataclass(frozen=True, slots=True)
class Transfer(Pdu):
    """What every DTP message begins with."""

    destination: IP
    source: IP


@dataclass(frozen=True, slots=True)
class DtpRequest(Transfer):
    """Ask to send a file of `file_size` octets (at most 65 535)."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA001,)
    file_size: U16
    file_name: TEXT


@dataclass(frozen=True, slots=True)
class DtpAnswer(Transfer):
    """Result 0 go on, 1 refused."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA011,)
    result: U8


@dataclass(frozen=True, slots=True)
class DataSliceTransmit(Transfer):
    """Slice `block_number` (from 1) of SLICE_OCTETS."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA002,)
    block_number: U16
    file_data: REST


@dataclass(frozen=True, slots=True)
class DataSliceAnswer(Transfer):
    """The slice arrived (0) or not (1)."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA012,)
    block_number: U16
    result: U8


@dataclass(frozen=True, slots=True)
class LastDataSlice(Transfer):
    """That was all; wants an answer."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA003,)


@dataclass(frozen=True, slots=True)
class LastDataSliceAnswer(Transfer):
    """The file is whole (0) or not (1)."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA013,)
    result: U8


@dataclass(frozen=True, slots=True)
class DeliveryState(Pdu):
    """What became of a request on the air; the opcode names its service, `result` is as in DdsResult."""

    opcodes: ClassVar[tuple[int, ...]] = (0x0008, 0x0009, 0x0011, 0x0012, 0x0013)
    radio: IP
    protocol_opcode: U16
    result: U8


TP_PDUS: tuple[type[Pdu], ...] = (
    StandardStatusRequest,
    StandardStatusReport,
    ExtendedStatusReport,
    RemoteControlRequest,
    RemoteControlAnswer,
)
DTP_PDUS: tuple[type[Pdu], ...] = (
    DtpRequest,
    DtpAnswer,
    DataSliceTransmit,
    DataSliceAnswer,
    LastDataSlice,
    LastDataSliceAnswer,
)
DDS_PDUS: tuple[type[Pdu], ...] = (DeliveryState,)
