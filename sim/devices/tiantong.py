"""A Tiantong module on its serial port: registration, signal, short messages in PDU mode, its faults."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from sim.channel import Channel
from sim.devices.at_terminal import AtError
from sim.devices.sms_centre import SmsCentre
from sim.devices.sms_wire import read_submit
from sim.devices.tiantong_commands import DENIED, HOME, NOT_REGISTERED, SEARCHING, TiantongCommands
from sim.devices.tiantong_stores import UNREAD

BOOT_S: Final = 15.0
"""From power to `^SIMST`: 15 to 45 s until usable."""

TICK_S: Final = 2.0
"""How often the module looks at its sky."""

LOST_AFTER_S: Final = 20.0
"""Without signal for this long the module counts as not registered."""

REGISTER_S: Final = 6.0
"""From signal to registration."""

NETWORK_TIMEOUT_S: Final = 50.0
"""After this long without the network's answer the module gives up on a message (+CMS ERROR: 332)."""

SIGNAL_STEP_DB: Final = 3.0
"""A change of the signal-to-noise ratio by this much is told unasked."""


class TiantongModem(TiantongCommands):
    """One module with a card of `number`; `channel` is its sky, between it and the centre.

    `rssi_dbm`, `snr_db`: its signal under a clear sky; `sim_present`, `denied`, `storage_size`: its state.
    `take` and `reachable` are for the centre.
    """

    def __init__(
        self,
        number: str,
        centre: SmsCentre,
        channel: Channel,
        *,
        rng: random.Random,
        storage_size: int = 20,
    ) -> None:
        self._resting_since_s: float | None = None
        super().__init__(centre.smsc, storage_size)
        self.number = number
        self.channel = channel
        self.rssi_dbm = -82.0
        self._snr_db = 14.0
        self._denied = False
        self.submitted = 0
        self._centre = centre
        self._rng = rng
        self._reference = rng.randrange(256)
        self._ticking = False
        self._told_snr_db = 0.0
        self._dark_s = self._light_s = 0.0
        self._seen = True
        centre.add(self)
        channel.watch(self._look_again)

    @property
    def reachable(self) -> bool:
        """Whether the network has it registered."""
        return self.powered and self.registration == HOME and self.channel.passes

    @property
    def snr_db(self) -> float:
        """Its signal-to-noise ratio under a clear sky. Settable."""
        return self._snr_db

    @snr_db.setter
    def snr_db(self, value: float) -> None:
        self._snr_db = value
        self._look_again()

    @property
    def denied(self) -> bool:
        """Whether the network refuses its card. Settable."""
        return self._denied

    @denied.setter
    def denied(self, value: bool) -> None:
        self._denied = value
        self._look_again()

    @override
    def attach(self, write: Callable[[bytes], None] | None) -> None:
        """Start looking at the sky with the first host: a model is made before a loop runs."""
        super().attach(write)
        if not self._ticking:
            self.power_on(boot_s=0.0)

    def power_on(self, boot_s: float = BOOT_S) -> None:
        """Start: garbage, a while, `^SIMST`."""
        self.powered = True
        self._ticking = True
        self._resting_since_s = None
        self.restart_line()
        self.set_back()
        self.registration = NOT_REGISTERED
        self._dark_s = self._light_s = 0.0
        if self.faults.boot_garbage:
            self.write(self.faults.boot_garbage)
        if boot_s:
            self.later(boot_s, self._started)
        else:
            self._light_s = REGISTER_S
            self._tick()

    def power_off(self) -> None:
        """Go dark at once, in the middle of whatever."""
        self.powered = False
        self._resting_since_s = None
        self.restart_line()

    def reboot(self, boot_s: float = BOOT_S) -> None:
        """Start anew in the middle of whatever; stored messages stay."""
        self.power_off()
        asyncio.get_running_loop().call_soon(self.power_on, boot_s)

    def flood(self, lines: int, period_s: float = 0.001, text: str = "^SATSIGNAL: -82.0,14.0") -> None:
        """Say `text` unasked, `lines` times."""
        for count in range(lines):
            self.later(count * period_s, lambda: self.urc(text))

    def take(self, pdu: bytes) -> bool:
        """Receive from the centre; False when the store is full."""
        mode, kind, _, report, *_ = self._cnmi
        if pdu[1 + pdu[0]] & 3 == 2:  # noqa: PLR2004  # a status report
            return self._take_report(pdu, report if mode else 0)
        if mode and kind == 2:  # noqa: PLR2004  # straight to the host, if there is one
            if not self.attached:
                return False
            self.urc(f"+CMT: ,{len(pdu) - 1 - pdu[0]}\r\n{pdu.hex().upper()}")
            return True
        index = self.stores.receiving.put(pdu, UNREAD)
        if index is not None and mode and kind == 1:
            self.urc(f'+CMTI: "{self.stores.chosen[2]}",{index}')
        return index is not None

    def _take_report(self, pdu: bytes, how: int) -> bool:
        if how == 1:
            self.urc(f"+CDS: {len(pdu) - 1 - pdu[0]}\r\n{pdu.hex().upper()}")
        elif how == 2:  # noqa: PLR2004  # stored
            index = self.stores.receiving.put(pdu, UNREAD)
            if index is None:
                return False
            self.urc(f'+CDSI: "{self.stores.chosen[2]}",{index}')
        return True

    def _started(self) -> None:
        self.urc(f"^SIMST: {int(self.sim_present)}")
        self._tick()

    def _tick(self) -> None:
        """Look at the sky: signal, registration, and tell what changed."""
        self._seen = seen = self.channel.passes
        self._dark_s = 0.0 if seen else self._dark_s + TICK_S
        self._light_s = self._light_s + TICK_S if seen else 0.0
        state = self.registration
        if not self.sim_present:
            state = NOT_REGISTERED
        elif self.denied:
            state = DENIED
        elif self._light_s >= REGISTER_S:
            state = HOME
        elif self._dark_s >= LOST_AFTER_S or state in (NOT_REGISTERED, DENIED):
            state = SEARCHING
        if state != self.registration:
            self.registration = state
            for name, level in self._registration_reports.items():
                if level:
                    self.urc(f"{name}: {state}")
            if state == HOME:
                self._centre.attached(self.number)
        if abs(self._snr() - self._told_snr_db) >= SIGNAL_STEP_DB:
            self._told_snr_db = self._snr()
            self.urc(self.signal_line())
        if state == self._final():
            self._resting_since_s = asyncio.get_running_loop().time()
        else:
            self.later(TICK_S, self._tick)

    def _final(self) -> int:
        """Return the registration that comes of what is, if it stays so."""
        if not self.sim_present:
            return NOT_REGISTERED
        if self.denied:
            return DENIED
        return HOME if self._seen else SEARCHING

    def _look_again(self) -> None:
        """Look at the sky at the next tick: something changed, after ticks at which nothing would have."""
        if self._resting_since_s is None:
            return
        rested_s = asyncio.get_running_loop().time() - self._resting_since_s
        self._resting_since_s = None
        missed = int(rested_s / TICK_S)
        if self._seen:
            self._light_s += missed * TICK_S
        else:
            self._dark_s += missed * TICK_S
        self.later((missed + 1) * TICK_S - rested_s, self._tick)

    def _snr(self) -> float:
        return self.snr_db if self.channel.passes else 0.0

    @override
    def signal_line(self) -> str:
        rssi_dbm = self.rssi_dbm if self.channel.passes else -118.0
        return f"^SATSIGNAL: {rssi_dbm:.1f},{self._snr():.1f}"

    @override
    def level(self) -> int:
        return int((self.rssi_dbm + 113) / 2) if self.channel.passes else 99

    @override
    def room_again(self) -> None:
        self._centre.attached(self.number)

    @override
    def submit(self, pdu: bytes, length_octets: int) -> None:
        try:
            submitted, counted = read_submit(pdu)
        except ValueError:
            counted = -1
        if counted != length_octets:
            self.later(0.02, lambda: self.finish(AtError("CMS", 304)))
            return
        if not self.sim_present or self.registration != HOME:
            self.later(0.02, lambda: self.finish(AtError("CMS", 331 if self.sim_present else 310)))
            return
        self._reference = reference = (self._reference + 1) & 0xFF
        ended = False

        def end(error: AtError | None) -> None:
            nonlocal ended
            if ended or self.faults.mute_after_pdu:
                return
            ended = True
            if error is None:
                self.say(f"+CMGS: {reference}")
            self.finish(error)

        def arrive() -> None:
            taken = self._centre.submit(self.number, reference, submitted)
            self.submitted += taken
            verdict = None if taken else AtError("CMS", 42)
            generation = self._generation
            self.channel.carry(8, lambda: end(verdict) if generation == self._generation else None, back=True)

        self.channel.carry(len(pdu), arrive)
        self.later(NETWORK_TIMEOUT_S, lambda: end(AtError("CMS", 332)))
