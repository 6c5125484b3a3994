"""From a transmission to the HDAP frame that carries it, or the reason why it never can be."""

from __future__ import annotations

from drivers.base import LinkRefusedError, Service, Transmission
from drivers.hytera.address import Numbering
from drivers.hytera.config import HyteraConfig
from drivers.hytera.inbound import enquiry_ref
from drivers.hytera.outbox import Attempt
from protocols.errors import LocalProtocolError
from protocols.hytera import lp, pdu, rrs, tmp
from protocols.hytera.wire import utf16
from protocols.pdt.numbers import AirId

WHERE = "position"
"""Text of a STATUS enquiry that asks for the position instead of whether the station is on line."""


class Composer:
    """Checks and builds; `own_id` is the radio's own, told at every connection."""

    def __init__(self, name: str, config: HyteraConfig, numbering: Numbering) -> None:
        self._name = name
        self._config = config
        self._numbering = numbering
        self.own_id = config.own_id or 0

    def check(self, transmission: Transmission) -> AirId:
        """Return whom it goes to; raise LinkRefusedError for what can never go over this link."""
        service = transmission.service
        if service is Service.TEXT:
            self._check_text(transmission.text)
        elif service is Service.DATA and not 0 < len(transmission.payload) <= self._config.data_mtu_octets:
            found, limit = len(transmission.payload), self._config.data_mtu_octets
            raise LinkRefusedError(
                self._name, f"frame of {found} octets, limit 1..{limit}", f"帧长 {found} 字节，限 1..{limit}"
            )
        elif service is Service.STATUS and transmission.text not in {"", WHERE}:
            raise LinkRefusedError(self._name, f'enquiry "{transmission.text[:20]}": "" or "{WHERE}"')
        if transmission.destination:
            group = transmission.group
            air = self._numbering.id_of(transmission.destination, group=group)
        elif service is Service.DATA and self._config.data_group is not None:
            air = AirId(self._config.data_group, group=True)
        else:
            raise LinkRefusedError(self._name, "no destination", "缺少目的地址")
        if service is Service.STATUS and air.group:
            raise LinkRefusedError(self._name, "a group cannot be enquired after", "组号不可查询状态")
        return air

    def compose(self, transmission: Transmission, air: AirId, request_id: int) -> tuple[bytes, Attempt]:
        """Return frame and attempt of a checked transmission."""
        ref = f"{request_id:08x}"
        target = self._numbering.ip(air)
        if transmission.service is Service.STATUS:
            opcode = 0xA001 if transmission.text == WHERE else 0x0002
            ref = enquiry_ref(opcode, air.id)
            ask: pdu.Pdu = rrs.OnlineCheckRequest(target)
            if transmission.text == WHERE:
                ask = lp.StandardRequest(transmission.handle & 0xFFFF_FFFF, target)
            octets = pdu.encode(ask)
        elif transmission.service is Service.TEXT:
            octets = pdu.encode(
                tmp.Text(
                    op=tmp.Op.GROUP_TEXT if air.group else tmp.Op.PRIVATE_TEXT,
                    request_id=request_id,
                    destination=target,
                    source=self._numbering.ip(AirId(self.own_id, group=False)),
                    text=transmission.text,
                    confirmed=not air.group,
                )
            )
        else:
            octets = pdu.encode(
                tmp.ShortData(
                    op=tmp.Op.GROUP_DATA if air.group else tmp.Op.PRIVATE_DATA,
                    request_id=request_id,
                    destination=target,
                    source=self._numbering.ip(AirId(self.own_id, group=False)),
                    data=transmission.payload,
                    confirmed=not air.group,
                )
            )
        attempt = Attempt(
            handle=transmission.handle,
            service=transmission.service,
            destination=air.id,
            group=air.group,
            ref=ref,
            octets=len(octets),
        )
        return octets, attempt

    def _check_text(self, text: str) -> None:
        """Count in UTF-16 units of two octets, as the radio does."""
        chars, octets = self._config.text_limit_chars, 2 * self._config.text_limit_chars
        size = len(text.encode("utf-16-le", "surrogatepass"))
        if not 0 < size <= octets:
            raise LinkRefusedError(
                self._name,
                f"text of {size} octets ({size // 2} characters), limit 1..{octets} octets ({chars})",
                f"文本 {size} 字节（{size // 2} 字），限 1..{octets} 字节（{chars} 字）",
            )
        try:
            utf16(text)
        except LocalProtocolError as error:
            raise LinkRefusedError(self._name, error.en, "文本含不完整的字符") from error
