"""What the radio tells: every PDU becomes events, answers and notes. It never writes to the line itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from drivers.base import (
    DriverEnv,
    Heard,
    LinkEvent,
    Notice,
    Position,
    Progress,
    Quality,
    Received,
    Service,
    Stage,
)
from drivers.hytera.address import Numbering
from drivers.hytera.alarms import Alarms
from drivers.hytera.config import HyteraConfig
from drivers.hytera.counters import Counter
from drivers.hytera.inbox import Inbox, clean
from drivers.hytera.outbox import Outbox
from drivers.hytera.voice import VoiceGate
from drivers.hytera.words import dds_words, tmp_stage, tmp_words
from protocols.hytera import lp, pdu, rcp, rrs, tmp
from protocols.hytera.data import DdsResult, DeliveryState
from protocols.hytera.gps import Gps
from protocols.hytera.hdap import Garbage

PduT = TypeVar("PduT")
RSSI, EMERGENCY, MAN_DOWN, LONE_WORKER = 0x0B, 0x09, 0x0E, 0x17
RSSI_STEPS = 4
ALARMS = (rcp.AlertCallWithSenderRequest, rcp.EmergencyAlarmWithSenderRequest)


class Inbound:
    """Handles one PDU at a time; `emit` takes events, `complain` notices that may repeat, `answer` HDAP."""

    def __init__(
        self,
        config: HyteraConfig,
        env: DriverEnv,
        numbering: Numbering,
        outbox: Outbox,
        emit: Callable[[LinkEvent], bool],
        complain: Callable[[str, str], None],
        answer: Callable[[bytes], None],
    ) -> None:
        self._config = config
        self._env = env
        self._numbering = numbering
        self._outbox = outbox
        self._emit = emit
        self._complain = complain
        self._answer = answer
        self.inbox = Inbox()
        self.alarms = Alarms()
        self.voice = VoiceGate(hang_s=config.hang_s, voice_max_s=config.voice_max_s)
        self._alarm_numbers = Counter(env.memory, "alarm_number", bits=32, block=16)
        self._replies: dict[type[pdu.Pdu], asyncio.Future[pdu.Pdu]] = {}
        self.bad_checksums = 0

    def start(self, notes: dict[str, str]) -> None:
        """Take up what the last run noted."""
        self.inbox.start(notes)
        self.alarms.start(notes, self._env.clock.monotonic_s())
        self._alarm_numbers.start(notes, 1)

    def expect(self, reply: type[PduT]) -> asyncio.Future[PduT]:
        """Return a future for the next PDU of a type; one waiter per type."""
        future: asyncio.Future[PduT] = asyncio.get_running_loop().create_future()
        self._replies[reply] = future  # type: ignore[index,assignment]
        return future

    async def frame(self, octets: bytes) -> None:
        """Handle one HDAP frame."""
        decoded = pdu.decode(octets, strict=self._config.strict_checksums)
        if isinstance(decoded, Garbage):
            self._complain("garbage_received", f"HDAP frame: {decoded.reason}")
            return
        if not decoded.frame.checksum_ok:
            self.bad_checksums += 1
            self._env.log.warning("hdap_checksum_was_wrong", service=decoded.frame.service.name)
        known = decoded.pdu
        waiting = self._replies.pop(type(known), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(known)
        elif isinstance(known, tmp.Text | tmp.ShortData):
            self._message(known)
        elif isinstance(known, tmp.Ack):
            self._result(known)
        elif isinstance(known, DeliveryState):
            self._delivery_state(known)
        elif isinstance(known, rcp.ChannelBroadcast):
            self._channel(known)
        elif isinstance(known, rcp.RepeaterBroadcastTransmitStatus):
            self.voice.repeater(known, self._env.clock.monotonic_s())
        elif isinstance(known, rcp.RadioStatusReport):
            self._status(known)
        elif isinstance(known, rcp.RadioIDAndRadioIPQueryReply):
            self._emit(Quality(detail="radio answers"))
        elif not await self._registration(known) and not await self._alarm(known):
            self._location(known)

    def repeat_owed(self, receipt: int) -> None:
        """Acknowledge what the gateway has committed."""
        entry = self.inbox.confirm(receipt)
        if entry is not None:
            self._acknowledge(entry.message)

    def _message(self, message: tmp.Text | tmp.ShortData) -> None:
        taken = self.inbox.take(message, self._env.clock.monotonic_s())
        if taken is None:
            self._complain("message_refused", "too many are unconfirmed")
            return
        entry, new = taken
        if not new:
            self._env.hooks.probe("hytera_repeat_absorbed")
            if entry.confirmed:
                self._acknowledge(message)
            return
        group = message.op in tmp.GROUP_OPS
        native = isinstance(message, tmp.Text)
        event = Received(
            service=Service.TEXT if native else Service.DATA,
            source=self._numbering.address_of(message.source.id),
            text=clean(message.text) if isinstance(message, tmp.Text) else "",
            payload=message.data if isinstance(message, tmp.ShortData) else b"",
            native_ref=entry.native_ref,
            group=self._numbering.address_of(message.destination.id, group=True) if group else "",
            receipt=entry.receipt,
        )
        if self._env.hooks.buggify("hytera.queue_full") or not self._emit(event):
            self._env.hooks.probe("hytera.message_refused")
            self.inbox.refuse(entry)

    def _acknowledge(self, message: tmp.Text | tmp.ShortData) -> None:
        """Answer a private message whether or not it asks; a group's only if it asks, for all hear it."""
        if message.op not in tmp.GROUP_OPS or message.confirmed:
            self._on_air(tmp.acknowledge(message))

    def _on_air(self, answer: pdu.Pdu) -> None:
        """Answer over the air, unless transmitting is stopped: the far end will ask again."""
        if self._env.may_transmit():
            self._answer(pdu.encode(answer))

    def _result(self, ack: tmp.Ack) -> None:
        ref = f"{ack.request_id:08x}"
        attempt = self._outbox.finish(ref)
        stage = tmp_stage(
            ack.result,
            group=ack.op in tmp.GROUP_ACK_OPS,
            native=ack.op in {tmp.Op.PRIVATE_TEXT_ACK, tmp.Op.GROUP_TEXT_ACK},
        )
        self._emit(
            Progress(
                handle=None if attempt is None else attempt.handle,
                stage=stage,
                device_ref=ref,
                reason="" if ack.result == tmp.Result.OK else tmp_words(ack.result),
            )
        )

    def _delivery_state(self, state: DeliveryState) -> None:
        ref = enquiry_ref(state.protocol_opcode, state.radio.id)
        if state.result == DdsResult.OK:
            return
        attempt = self._outbox.finish(ref)
        if attempt is not None:
            words = dds_words(state.result)
            self._emit(Progress(handle=attempt.handle, stage=Stage.FAILED, device_ref=ref, reason=words))

    def _channel(self, told: rcp.ChannelBroadcast) -> None:
        now_s = self._env.clock.monotonic_s()
        own = isinstance(told, rcp.BroadcastTransmitStatus) and now_s < self._outbox.on_air_until_s
        if not own:  # our own data keys the transmitter too
            self.voice.channel(told, now_s)

    def _status(self, report: rcp.RadioStatusReport) -> None:
        if report.target == RSSI:
            self._emit(Quality(quality_pct=min(100, report.value * 100 // RSSI_STEPS)))
        elif report.target in {EMERGENCY, MAN_DOWN, LONE_WORKER} and report.value:
            self._emit(Notice(event="own_radio_raised_alarm", detail=f"status {report.target:#04x}"))

    async def _registration(self, known: pdu.Pdu) -> bool:
        if isinstance(known, rrs.RegistrationRequest):
            notes = self.inbox.registered(known.radio.id)
            if notes:
                await self._env.memory.save(notes)
            self._on_air(rrs.RegistrationAnswer(known.radio, rrs.Result.OK, self._config.renew_s))
            self._heard(known.radio.id, "registration")
        elif isinstance(known, rrs.GoingOffline):
            self._heard(known.radio.id, "registration", online=False)
        elif isinstance(known, rrs.OnlineCheckAnswer):
            online = known.state == rrs.ONLINE
            self._heard(known.radio.id, "online_check", online=online, opcode=0x0002)
        else:
            return False
        return True

    async def _alarm(self, known: pdu.Pdu) -> bool:
        if isinstance(known, lp.EmergencyReport):
            await self._raise(known.radio.id, position_of(known.gps))
        elif isinstance(known, ALARMS):
            await self._raise(known.sender_id & 0xFF_FFFF, None)
        elif isinstance(known, rcp.CancelEmergencyAlarmWithSenderRequest):
            radio = known.sender_id & 0xFF_FFFF
            event, notes = self.alarms.end(radio, self._numbering.address_of(radio))
            if event is not None:
                await self._env.memory.save(notes)
                self._emit(event)
        else:
            return False
        return True

    async def _raise(self, radio: int, position: Position | None) -> None:
        now_s = self._env.clock.monotonic_s()
        if not self.alarms.goes_on(radio, now_s):
            number = await self._alarm_numbers.take()
            await self._env.memory.save(self.alarms.begin(radio, f"{radio}:{number}", now_s))
        event = self.alarms.told(radio, self._numbering.address_of(radio), position, now_s)
        if event is not None:
            self._emit(event)

    def _location(self, known: pdu.Pdu) -> None:
        if isinstance(known, lp.Report):
            position = position_of(known.gps)
            self._heard(known.radio.id, "position", position=position, opcode=0xA001)
        elif isinstance(known, pdu.Raw):
            self._env.log.debug("pdu_was_unknown", service=known.service.name, opcode=f"{known.opcode:#06x}")

    def _heard(
        self, radio: int, how: str, *, online: bool = True, position: Position | None = None, opcode: int = 0
    ) -> None:
        attempt = self._outbox.finish(enquiry_ref(opcode, radio)) if opcode else None
        self._emit(
            Heard(
                address=self._numbering.address_of(radio),
                how=how,
                online=online,
                handle=None if attempt is None else attempt.handle,
                position=position,
            )
        )


def enquiry_ref(opcode: int, radio: int) -> str:
    """Return the reference of a status enquiry: RRS 0002 or LP A001 to one radio."""
    return f"{opcode:04x}:{radio}"


def position_of(gps: Gps) -> Position | None:
    """Return the position of a fix, None without a valid one."""
    degrees = gps.position()
    return None if degrees is None else Position(*degrees)
