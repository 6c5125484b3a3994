"""LP, location: immediate, emergency, triggered and conditional reports (reference page, section 1.7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from protocols.hytera.gps import GPS
from protocols.hytera.wire import IP, REST, S16, SPAN, STAMP, U8, U16, U32, Pdu


class Result(IntEnum):
    """How a request went."""

    OK = 0
    POSITION_METHOD_FAILURE = 6
    FORMAT_ERROR = 105


@dataclass(frozen=True, slots=True)
class Asked(Pdu):
    """What all but the emergency report begin with."""

    request_id: U32
    radio: IP


@dataclass(frozen=True, slots=True)
class StandardRequest(Asked):
    """Where are you now? `extra` is empty; one capture shows 0x01 there."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA001,)
    extra: REST = b""


@dataclass(frozen=True, slots=True)
class StandardReport(Asked):
    """The fix asked for."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA002,)
    result: U16
    gps: GPS


@dataclass(frozen=True, slots=True)
class StandardReportWithRSSI(Asked):
    """The fix and the field strength in dBm; sources disagree on the opcode, the length decides."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA003,)
    result: U16
    gps: GPS
    rssi_dbm: S16


@dataclass(frozen=True, slots=True)
class StandardReportA004(StandardReportWithRSSI):
    """The same layout under the neighbouring opcode."""

    opcodes: ClassVar[tuple[int, ...]] = (0xA004,)


@dataclass(frozen=True, slots=True)
class EmergencyReportStopRequest(Asked):
    """Stop your emergency reports."""

    opcodes: ClassVar[tuple[int, ...]] = (0xB001,)


@dataclass(frozen=True, slots=True)
class EmergencyReportStopAnswer(Asked):
    """Stopped, or why not."""

    opcodes: ClassVar[tuple[int, ...]] = (0xB002,)
    result: U16


@dataclass(frozen=True, slots=True)
class EmergencyReport(Pdu):
    """The emergency button was pressed here; it has no request id."""

    opcodes: ClassVar[tuple[int, ...]] = (0xB003,)
    radio: IP
    emergency_type: U8
    gps: GPS


@dataclass(frozen=True, slots=True)
class TriggeredReportRequest(Asked):
    """Report from start to stop (`yyyyMMddhhmmss`, GMT) every interval (`ddhhmmss`)."""

    opcodes: ClassVar[tuple[int, ...]] = (0xC001,)
    start_time: STAMP
    stop_time: STAMP
    interval: SPAN


@dataclass(frozen=True, slots=True)
class TriggeredReportAnswer(Asked):
    """Accepted, or why not."""

    opcodes: ClassVar[tuple[int, ...]] = (0xC002,)
    result: U16


@dataclass(frozen=True, slots=True)
class TriggeredReport(Asked):
    """One fix of a series, `remaining` (`ddhhmmss`) before its end."""

    opcodes: ClassVar[tuple[int, ...]] = (0xC003,)
    remaining: SPAN
    gps: GPS


@dataclass(frozen=True, slots=True)
class TriggeredReportStopRequest(Asked):
    """End the series."""

    opcodes: ClassVar[tuple[int, ...]] = (0xC004,)


@dataclass(frozen=True, slots=True)
class TriggeredReportStopAnswer(Asked):
    """Ended, or why not."""

    opcodes: ClassVar[tuple[int, ...]] = (0xC005,)
    result: U16


@dataclass(frozen=True, slots=True)
class ConditionReportRequest(Asked):
    """Report on a condition: trigger 0 cancel, 1 distance, 2 time, 3 both, 4 either; distance in metres."""

    opcodes: ClassVar[tuple[int, ...]] = (0xD001,)
    trigger_type: U8
    distance: U32
    start_time: STAMP
    stop_time: STAMP
    interval: SPAN
    max_interval: SPAN


@dataclass(frozen=True, slots=True)
class ConditionReportAnswer(Asked):
    """Accepted, or why not."""

    opcodes: ClassVar[tuple[int, ...]] = (0xD002,)
    trigger_type: U8
    result: U16


@dataclass(frozen=True, slots=True)
class ConditionReport(Asked):
    """One fix of a conditional series."""

    opcodes: ClassVar[tuple[int, ...]] = (0xD003,)
    gps: GPS


@dataclass(frozen=True, slots=True)
class ConditionReportWithRSSI(Asked):
    """One fix of a conditional series, with field strength in dBm."""

    opcodes: ClassVar[tuple[int, ...]] = (0xD004,)
    result: U16
    gps: GPS
    rssi_dbm: S16


@dataclass(frozen=True, slots=True)
class ConditionQuickGPSRequest(Asked):
    """Start quick reporting in turns: `send_step` ms, `channel_use_percentage`, `send_order` = our turn."""

    opcodes: ClassVar[tuple[int, ...]] = (0xD011,)
    cmd_type: U8
    start_time: STAMP
    stop_time: STAMP
    interval: SPAN
    send_step: U16
    channel_use_percentage: U8
    send_order: U16


@dataclass(frozen=True, slots=True)
class ConditionQuickGPSCancel(Asked):
    """End quick reporting: the request with command 0 and nothing behind it."""

    opcodes: ClassVar[tuple[int, ...]] = (0xD011,)
    cmd_type: U8


@dataclass(frozen=True, slots=True)
class ConditionQuickGPSAnswer(Asked):
    """Accepted, or why not."""

    opcodes: ClassVar[tuple[int, ...]] = (0xD012,)
    cmd_type: U8
    result: U16


Report = StandardReport | StandardReportWithRSSI | TriggeredReport | ConditionReport | ConditionReportWithRSSI

PDUS: tuple[type[Pdu], ...] = (
    StandardRequest,
    StandardReport,
    StandardReportWithRSSI,
    StandardReportA004,
    EmergencyReportStopRequest,
    EmergencyReportStopAnswer,
    EmergencyReport,
    TriggeredReportRequest,
    TriggeredReportAnswer,
    TriggeredReport,
    TriggeredReportStopRequest,
    TriggeredReportStopAnswer,
    ConditionReportRequest,
    ConditionReportAnswer,
    ConditionReport,
    ConditionReportWithRSSI,
    ConditionQuickGPSRequest,
    ConditionQuickGPSCancel,
    ConditionQuickGPSAnswer,
)
