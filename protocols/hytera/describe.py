"""What HRNP, HSTRP and HDAP octets mean, as JSON-able values under the names the vector collections use."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from protocols.hytera import data, hdap, pdu, rcp, tmp
from protocols.hytera.gps import Gps
from protocols.hytera.hdap import Frame, Garbage, Service
from protocols.hytera.hrnp import HEAD_OCTETS, Decoder, Packet
from protocols.hytera.hstrp import OPTION_NAMES, Datagram, Kind
from protocols.hytera.hstrp import decode as decode_hstrp
from protocols.hytera.pdu import Pdu, Raw
from protocols.hytera.wire import RadioIp

Described = dict[str, Any]

TMP_NAMES = {
    tmp.Op.PRIVATE_TEXT: "SendPrivateMessage",
    tmp.Op.PRIVATE_TEXT_ACK: "SendPrivateMessageAck",
    tmp.Op.GROUP_TEXT: "SendGroupMessage",
    tmp.Op.GROUP_TEXT_ACK: "SendGroupMessageAck",
    tmp.Op.PRIVATE_DATA: "PrivateShortData",
    tmp.Op.PRIVATE_DATA_ACK: "PrivateShortDataAck",
    tmp.Op.GROUP_DATA: "GroupShortData",
    tmp.Op.GROUP_DATA_ACK: "GroupShortDataAck",
    tmp.Op.WORK_ORDER_REQUEST: "WorkOrderRequest",
    tmp.Op.WORK_ORDER_REPLY: "WorkOrderReply",
    tmp.Op.WORK_ORDER_REPORT: "WorkOrderReport",
    tmp.Op.WORK_ORDER_REPORT_REPLY: "WorkOrderReportReply",
    tmp.Op.GROUP_WORK_ORDER_REQUEST: "GroupWorkOrderRequest",
    tmp.Op.GROUP_WORK_ORDER_REPLY: "GroupWorkOrderReply",
}
IP_NAMES = {"radio": "radio", "destination": "dest", "source": "src", "target": "target"}
FIELD_NAMES = {"renew_s": "renew_seconds", "rssi_dbm": "rssi_s16", "status": "u16_0", "reason": "u16_1"}
"""Where a collection's name of a field differs from ours; `status` and `reason` for B843 and B844 only."""
REPEATER_STATUS_NAMES = (
    "LocalRepeating",
    "LocalCallHangTime",
    "IPRepeating",
    "IPCallHangTime",
    "ChannelHangTime",
    "Sleep",
    "RemotePttTx",
    "RemotePttHangTime",
    "RemotePttTxEnd",
    "RemotePttWaitAck",
    "RemotePttTOT",
    "LocalPttTx",
    "LocalPttHangTime",
    "LocalPttTxEnd",
    "LocalPttWaitAck",
    "LocalPttTOT",
)
BAD_CHECKSUM = "checksum on the wire does not match"


def hdap_frame(octets: bytes) -> Described | Garbage:
    """Describe one HDAP frame, a wrong checksum included."""
    frame = hdap.decode(octets, strict=False)
    if isinstance(frame, Garbage):
        return frame
    return _frame(frame) | _pdu(frame, pdu.parse(frame))


def hrnp_stream(octets: bytes) -> list[Described | Garbage]:
    """Describe every HRNP frame of a stream, and what was dropped between them."""
    decoder = Decoder()
    events = decoder.feed(octets) + decoder.idle()
    return [event if isinstance(event, Garbage) else hrnp_packet(event) for event in events]


def hrnp_packet(packet: Packet) -> Described:
    """Describe one HRNP frame and the HDAP frame inside."""
    length = HEAD_OCTETS + len(packet.payload)
    told: Described = {
        "header": "0x7E",
        "version": packet.version,
        "block": packet.block,
        "opcode": packet.opcode.name,
        "source": packet.source,
        "destination": packet.destination,
        "packet_number": packet.number,
        "length": length,
        "checksum": f"0x{packet.checksum:04X}",
        "checksum_ok": True,
    }
    if packet.payload:
        told["hdap"] = _inner(packet.payload)
    return told


def hstrp_datagram(octets: bytes) -> Described | Garbage:
    """Describe one HSTRP datagram and the HDAP frame inside."""
    datagram = decode_hstrp(octets)
    return datagram if isinstance(datagram, Garbage) else _hstrp(datagram)


def type_name(frame: Frame, known: Pdu) -> str:
    """Name a PDU as the sources do; "(non-standard)" where they have no name."""
    if frame.service is Service.TMP and frame.opcode & 0xFF in TMP_NAMES:
        return TMP_NAMES[tmp.Op(frame.opcode & 0xFF)]
    if not isinstance(known, Raw):
        return type(known).__name__
    return rcp.NAMES.get(frame.opcode, "(non-standard)") if frame.service is Service.RCP else "(non-standard)"


def _hstrp(datagram: Datagram) -> Described:
    kind = datagram.kind
    told: Described = {
        "magic": "2B",
        "version": datagram.version,
        "type": f"0x{kind:02X}",
        "flags": [flag.name.lower() for flag in reversed(Kind) if flag & kind and flag.name],
        "sn": datagram.sn,
    }
    if datagram.options:
        told["options"] = [
            [OPTION_NAMES.get(option.command, option.command), int.from_bytes(option.value, "big")]
            for option in datagram.options
        ]
    if datagram.payload:
        told["hdap"] = _inner(datagram.payload)
    return told


def _inner(octets: bytes) -> Described:
    told = hdap_frame(octets)
    return {"garbage": told.reason, "hex": octets.hex()} if isinstance(told, Garbage) else told


def _frame(frame: Frame) -> Described:
    told: Described = {
        "service": frame.service.name,
        "reliable": frame.reliable,
        "opcode": f"0x{frame.opcode:04X}",
        "payload_len": len(frame.payload),
        "checksum": f"0x{frame.checksum:02X}",
        "checksum_ok": frame.checksum_ok,
        "end": "0x03",
        "total_len": hdap.HEAD_OCTETS + len(frame.payload) + hdap.TAIL_OCTETS,
    }
    return told if frame.checksum_ok else told | {"note": BAD_CHECKSUM}


def _pdu(frame: Frame, known: Pdu) -> Described:
    told: Described = {"type": type_name(frame, known), "payload_hex": frame.payload.hex()}
    if isinstance(known, Raw):
        return told
    if isinstance(known, tmp.Text | tmp.ShortData | tmp.Ack):
        return told | _tmp(known)
    if isinstance(known, data.DeliveryState):
        told["state_of_service"] = _service_name(frame.opcode & 0xFF)
    for item in fields(known):
        told |= _field(known, item.name, getattr(known, item.name))
    return told | _special(known)


def _field(known: Pdu, name: str, value: Any) -> Described:
    if isinstance(value, RadioIp):
        return _ip(IP_NAMES[name], value)
    if isinstance(value, Gps):
        return {name: {item.name: getattr(value, item.name) for item in fields(value)}}
    if isinstance(value, bytes):
        return {f"{name}_hex": value.hex()}
    if isinstance(value, tuple):
        return {name: [list(pair) for pair in value]}
    if name == "protocol_opcode":
        return {name: f"0x{value:04X}"}
    if name in {"status", "reason"} and not isinstance(known, rcp.ChannelBroadcast):
        return {name: value}
    return {FIELD_NAMES.get(name, name): value}


def _special(known: Pdu) -> Described:
    if isinstance(known, rcp.ButtonAndKeyboardOperationRequest) and known.op in {0, 1}:
        return {"op": "press" if known.op else "release"}
    if isinstance(known, rcp.RadioIDAndRadioIPQueryRequest):
        return {"target": _identity(known.target)}
    if isinstance(known, rcp.RadioIDAndRadioIPQueryReply):
        value = str(known.radio_ip) if known.target == rcp.RADIO_IP else known.radio_id
        return {"target": _identity(known.target), "value": value}
    if isinstance(known, rcp.RepeaterBroadcastTransmitStatus) and known.status < len(REPEATER_STATUS_NAMES):
        return {"status_name": REPEATER_STATUS_NAMES[known.status]}
    return {}


def _tmp(message: tmp.Message) -> Described:
    told: Described = {
        "flag_confirmed_bit7": message.confirmed,
        "flag_option_bit6": message.option is not None,
        "flag_low6": message.low_flags,
        "request_id": f"0x{message.request_id:08X}",
    } | _ip("dest", message.destination)
    if message.option is not None:
        told |= {"option_len": len(message.option), "option_hex": message.option.hex()}
    if message.source is not None:
        told |= _ip("src", message.source)
    if isinstance(message, tmp.Text):
        return told | {"text": message.text}
    if isinstance(message, tmp.ShortData):
        return told | {"data_hex": message.data.hex()}
    return told | {"result": message.result}


def _ip(name: str, value: RadioIp) -> Described:
    return {f"{name}_ip": str(value), f"{name}_id": value.id}


def _identity(target: int) -> str | int:
    return {rcp.RADIO_ID: "radio_id", rcp.RADIO_IP: "radio_ip"}.get(target, target)


def _service_name(number: int) -> str | int:
    return Service(number).name if number in hdap.SERVICES else number
