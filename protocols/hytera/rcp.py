"""RCP, radio control: calls, keys, broadcasts of status, queries, alarms (reference page, section 1.8).

Little-endian. An opcode whose layout the sources do not give stays raw (protocols.hytera.pdu.Raw).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from protocols.hytera.wire import FOUR, PAIRS, U8, U16, U32, Pdu, RadioIp

TRANSMIT, RECEIVE, REPEATER = 0, 1, 2
"""What BroadcastStatusConfigurationRequest can switch: B843, B844, B845."""
TEXTS, SHORT_DATA, CSBK = 0x01, 0x02, 0x04
"""What BroadcastMessageConfigurationRequest asks the radio to hand to the application."""
RADIO_ID, RADIO_IP = 0, 1


class CallType(IntEnum):
    """Who is called, and how."""

    PRIVATE = 0
    GROUP = 1
    ALL = 2
    EMERGENCY_GROUP = 3
    REMOTE_MONITOR = 4
    EMERGENCY_ALARM = 5


class ChannelStatus(IntEnum):
    """Status word of B843 and B844; 0x0A ends an emergency alarm."""

    IDLE = 0
    STARTED = 1
    HANG_TIME = 2
    ENDED = 3
    EMERGENCY_ENDED = 0x0A


class RepeaterStatus(IntEnum):
    """Status word of B845."""

    LOCAL_REPEATING = 0
    LOCAL_HANG_TIME = 1
    IP_REPEATING = 2
    IP_HANG_TIME = 3
    CHANNEL_HANG_TIME = 4
    SLEEP = 5
    REMOTE_PTT_TX = 6
    REMOTE_PTT_HANG_TIME = 7
    REMOTE_PTT_TX_END = 8
    REMOTE_PTT_WAIT_ACK = 9
    REMOTE_PTT_TOT = 0x0A
    LOCAL_PTT_TX = 0x0B
    LOCAL_PTT_HANG_TIME = 0x0C
    LOCAL_PTT_TX_END = 0x0D
    LOCAL_PTT_WAIT_ACK = 0x0E
    LOCAL_PTT_TOT = 0x0F


VOICE_SERVICE = 1
"""Service word of B845 for voice; 2 TMP, 3 LP, 4 RRS, 5 TP, 6 supplementary."""


@dataclass(frozen=True, slots=True)
class CallRequest(Pdu):
    """Set the call target; `call_type` as in CallType."""

    opcodes: ClassVar[tuple[int, ...]] = (0x0841,)
    call_type: U8
    target_id: U32


@dataclass(frozen=True, slots=True)
class _Result(Pdu):
    """An answer that is only a result: 0 done, 1 failed."""

    result: U8


class CallReply(_Result):
    """Answer to CallRequest."""

    __slots__ = ()
    opcodes = (0x8841,)


@dataclass(frozen=True, slots=True)
class RemoveCallRequest(Pdu):
    """Forget the call target."""

    opcodes: ClassVar[tuple[int, ...]] = (0x0842,)


class RemoveCallReply(_Result):
    """Answer to RemoveCallRequest."""

    __slots__ = ()
    opcodes = (0x8842,)


@dataclass(frozen=True, slots=True)
class ButtonAndKeyboardOperationRequest(Pdu):
    """Press (1) or release (0) a key; PTT is key 3."""

    opcodes: ClassVar[tuple[int, ...]] = (0x0041,)
    key: U8
    op: U8


@dataclass(frozen=True, slots=True)
class ButtonAndKeyboardOperationReply(Pdu):
    """What became of a key."""

    opcodes: ClassVar[tuple[int, ...]] = (0x8041,)
    result: U32
    key: U32
    op: U32


@dataclass(frozen=True, slots=True)
class ChannelBroadcast(Pdu):
    """What the radio does on its channel; `status` as in ChannelStatus, reason 0x0C seen at a time-out."""

    status: U16
    reason: U16
    call_type: U16
    target_id: U32


class BroadcastTransmitStatus(ChannelBroadcast):
    """The radio itself transmits, or has ended."""

    __slots__ = ()
    opcodes = (0xB843,)


class BroadcastReceiveStatus(ChannelBroadcast):
    """The radio hears somebody, or has ceased to."""

    __slots__ = ()
    opcodes = (0xB844,)


@dataclass(frozen=True, slots=True)
class RepeaterBroadcastTransmitStatus(Pdu):
    """What the repeater does; `status` as in RepeaterStatus, `rpt_service` 1 is voice."""

    opcodes: ClassVar[tuple[int, ...]] = (0xB845,)
    mode: U16
    status: U16
    rpt_service: U16
    call_type: U16
    target_id: U32
    sender_id: U32


@dataclass(frozen=True, slots=True)
class BroadcastStatusConfigurationRequest(Pdu):
    """Switch the status broadcasts: pairs of (TRANSMIT, RECEIVE or REPEATER; 1 on)."""

    opcodes: ClassVar[tuple[int, ...]] = (0x10C9,)
    entries: PAIRS


class BroadcastStatusConfigurationReply(_Result):
    """Answer to BroadcastStatusConfigurationRequest."""

    __slots__ = ()
    opcodes = (0x80C9,)


@dataclass(frozen=True, slots=True)
class BroadcastMessageConfigurationRequest(Pdu):
    """Have texts, short data and CSBKs handed to the application; without it a mobile may keep them."""

    opcodes: ClassVar[tuple[int, ...]] = (0x1847,)
    broadcast_type: U32
    reserved: U32 = 0


class BroadcastMessageConfigurationReply(_Result):
    """Answer to BroadcastMessageConfigurationRequest."""

    __slots__ = ()
    opcodes = (0x8847,)


@dataclass(frozen=True, slots=True)
class RadioIDAndRadioIPQueryRequest(Pdu):
    """Ask the radio for its id (0) or its ip (1)."""

    opcodes: ClassVar[tuple[int, ...]] = (0x0452,)
    target: U8


@dataclass(frozen=True, slots=True)
class RadioIDAndRadioIPQueryReply(Pdu):
    """The radio's id (little-endian) or ip (network order)."""

    opcodes: ClassVar[tuple[int, ...]] = (0x8452,)
    result: U8
    target: U8
    value: FOUR

    @property
    def radio_id(self) -> int:
        """The value read as an id."""
        return int.from_bytes(self.value, "little")

    @property
    def radio_ip(self) -> RadioIp:
        """The value read as an ip."""
        return RadioIp.from_octets(self.value)


@dataclass(frozen=True, slots=True)
class StatusChangeNotificationRequest(Pdu):
    """Switch notices: pairs of (target, 1 on); targets as in RadioStatusReport."""

    opcodes: ClassVar[tuple[int, ...]] = (0x10C7,)
    entries: PAIRS


class RadioStatusConfigurationReply(_Result):
    """Answer to StatusChangeNotificationRequest."""

    __slots__ = ()
    opcodes = (0x80C7,)


@dataclass(frozen=True, slots=True)
class RadioStatusReport(Pdu):
    """A notice: 5 zone, 6 channel, 9 emergency, 0x0B RSSI 0..4, 0x0C carrier, 0x0E man down, 0x17 lone."""

    opcodes: ClassVar[tuple[int, ...]] = (0xB0C8,)
    target: U8
    value: U16


@dataclass(frozen=True, slots=True)
class ZoneAndChannelOperationRequest(Pdu):
    """Set (0) or get (1) zone and channel."""

    opcodes: ClassVar[tuple[int, ...]] = (0x00C4,)
    op: U8
    zone: U16
    channel: U16


@dataclass(frozen=True, slots=True)
class ZoneAndChannelOperationReply(Pdu):
    """Where the radio is now."""

    opcodes: ClassVar[tuple[int, ...]] = (0x80C4,)
    result: U32
    op: U8
    zone: U16
    channel: U16


@dataclass(frozen=True, slots=True)
class _WithSender(Pdu):
    """Sender before target: the order of the talker-alias message of the same family; no capture shows it."""

    sender_id: U32
    target_id: U32


class AlertCallWithSenderRequest(_WithSender):
    """A call alert from `sender_id`."""

    __slots__ = ()
    opcodes = (0x0850,)


class EmergencyAlarmWithSenderRequest(_WithSender):
    """The emergency button of `sender_id` was pressed."""

    __slots__ = ()
    opcodes = (0x0851,)


class CancelEmergencyAlarmWithSenderRequest(_WithSender):
    """`sender_id` has ended its emergency."""

    __slots__ = ()
    opcodes = (0x0853,)


PDUS: tuple[type[Pdu], ...] = (
    CallRequest,
    CallReply,
    RemoveCallRequest,
    RemoveCallReply,
    ButtonAndKeyboardOperationRequest,
    ButtonAndKeyboardOperationReply,
    BroadcastTransmitStatus,
    BroadcastReceiveStatus,
    RepeaterBroadcastTransmitStatus,
    BroadcastStatusConfigurationRequest,
    BroadcastStatusConfigurationReply,
    BroadcastMessageConfigurationRequest,
    BroadcastMessageConfigurationReply,
    RadioIDAndRadioIPQueryRequest,
    RadioIDAndRadioIPQueryReply,
    StatusChangeNotificationRequest,
    RadioStatusConfigurationReply,
    RadioStatusReport,
    ZoneAndChannelOperationRequest,
    ZoneAndChannelOperationReply,
    AlertCallWithSenderRequest,
    EmergencyAlarmWithSenderRequest,
    CancelEmergencyAlarmWithSenderRequest,
)

NAMES = {
    0x0456: "PriorityInterruptRequest_MobileAPI",
    0x8456: "PriorityInterruptReply_MobileAPI",
    0xB84D: "BroadcastTransmitStatusWithAlias",
    0xB84E: "BroadcastReceiveStatusWithAlias",
    0xB854: "BroadcastPopupWindow",
    0x1A00: "AnalogBroadcastStatusConfigurationRequest",
    0x8A00: "AnalogBroadcastStatusConfigurationReply",
    0x8850: "AlertCallWithSenderReply",
    0x8851: "EmergencyAlarmWithSenderReply",
    0x0852: "SendTalkerAliasRequest",
    0x8852: "SendTalkerAliasReply",
    0x8853: "CancelEmergencyAlarmWithSenderReply",
    0xBA01: "AnalogBroadcastTransmitReceiveStatus",
    0x0457: "PriorityInterruptRequest_RepeaterAPI",
    0x8457: "PriorityInterruptReply_RepeaterAPI",
    0x084C: "CallRequestWithSender",
    0x884C: "CallReplyWithSender",
    0x0201: "RadioMessageQueryRequest",
    0x8201: "RadioMessageQueryReply",
    0x00E7: "ChannelStatusOrParameterCheckRequest",
    0x80E7: "ChannelStatusOrParameterCheckReply",
    0x0450: "ChannelNumberOfZoneRequest",
    0x8450: "ChannelNumberOfZoneReply",
    0x0134: "RadioCurrentChannelQueryRequest",
    0x8134: "RadioCurrentChannelQueryReply",
    0x00ED: "FunctionStatusCheckRequest",
    0x80ED: "FunctionStatusCheckReply",
    0x00EE: "FunctionEnableDisableRequest",
    0x80EE: "FunctionEnableDisableReply",
    0x0045: "InternalExternalSpeakEnableDisableRequest",
    0x8045: "InternalExternalSpeakEnableDisableReply",
    0x0046: "VolumeCheckControlRequest",
    0x8046: "VolumeCheckControlReply",
    0x00CA: "RadioConnectLoginRequest",
    0x80CA: "RadioConnectLoginReply",
    0x00CB: "RadioConnectLogoutRequest",
    0x80CB: "RadioConnectLogoutReply",
    0x0833: "RadioCheck",
    0x8833: "RadioCheckAck",
    0x0834: "RemoteMonitor",
    0x8834: "RemoteMonitorAck",
    0x0835: "AlertCall",
    0x8835: "AlertCallAck",
    0x0849: "RadioDisable",
    0x8849: "RadioDisableAck",
    0x084A: "RadioEnable",
    0x884A: "RadioEnableAck",
    0x0004: "(non-standard) identification request",
    0x8004: "(non-standard) identification reply",
    0x82D4: "(non-standard) text identification reply",
}
"""Opcodes known by name only (ok-dmrlib); their payload stays raw."""
