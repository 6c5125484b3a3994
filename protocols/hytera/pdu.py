"""From octets to a typed PDU of any HDAP service, and back."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.errors import LocalProtocolError
from protocols.hytera import data, hdap, lp, rcp, rrs, tmp, wire
from protocols.hytera.hdap import Frame, Garbage, Service


@dataclass(frozen=True, slots=True)
class Raw:
    """An opcode without a known layout, or octets that do not fit the known one: kept, never acknowledged."""

    service: Service
    opcode: int
    payload: bytes


Pdu = wire.Pdu | tmp.Text | tmp.ShortData | tmp.Ack | Raw

_TABLES: tuple[tuple[Service, tuple[type[wire.Pdu], ...]], ...] = (
    (Service.RRS, rrs.PDUS),
    (Service.LP, lp.PDUS),
    (Service.RCP, rcp.PDUS),
    (Service.TP, data.TP_PDUS),
    (Service.DTP, data.DTP_PDUS),
    (Service.DDS, data.DDS_PDUS),
)
SERVICE_OF = {cls: service for service, classes in _TABLES for cls in classes}
LAYOUTS = {
    (service, opcode): tuple(cls for cls in classes if opcode in cls.opcodes)
    for service, classes in _TABLES
    for each in classes
    for opcode in each.opcodes
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A frame and what it means."""

    frame: Frame
    pdu: Pdu


def parse(frame: Frame) -> Pdu:
    """Return the typed PDU of a frame, Raw where there is none; never raises."""
    if frame.service is Service.TMP:
        return tmp.unpack(frame.opcode, frame.payload) or Raw(frame.service, frame.opcode, frame.payload)
    for cls in LAYOUTS.get((frame.service, frame.opcode), ()):
        pdu = wire.unpack(cls, frame.payload, hdap.order(frame.service))
        if pdu is not None:
            return pdu
    return Raw(frame.service, frame.opcode, frame.payload)


def decode(octets: bytes, *, strict: bool = True) -> Decoded | Garbage:
    """Read exactly one HDAP frame; never raises."""
    frame = hdap.decode(octets, strict=strict)
    return frame if isinstance(frame, Garbage) else Decoded(frame, parse(frame))


def encode(pdu: Pdu, *, reliable: bool = False, opcode: int | None = None) -> bytes:
    """Build the HDAP frame of a PDU; `opcode` chooses among several (DeliveryState names its service by it).

    Raises LocalProtocolError for a field that does not fit.
    """
    if isinstance(pdu, Raw):
        return hdap.encode(pdu.service, pdu.opcode, pdu.payload, reliable=reliable)
    if isinstance(pdu, tmp.Text | tmp.ShortData | tmp.Ack):
        return hdap.encode(Service.TMP, pdu.opcode, tmp.pack(pdu), reliable=reliable)
    service = SERVICE_OF[type(pdu)]
    number = pdu.opcodes[0] if opcode is None else opcode
    if number not in pdu.opcodes:
        raise LocalProtocolError(f"opcode {number:#06x} is none of {type(pdu).__name__}")
    return hdap.encode(service, number, wire.pack(pdu, hdap.order(service)), reliable=reliable)
