"""What can be done to any device alike: power, a restart, an error for every command."""

from __future__ import annotations

import random
from typing import Final

from sim.channel import Channel
from sim.device import SerialDevice
from sim.devices.beidou import BeidouTerminal
from sim.devices.pdt_net import PdtNet
from sim.devices.pdt_radio import PdtRadio
from sim.devices.rdss import RdssSpace
from sim.devices.sms_centre import SmsCentre
from sim.devices.tiantong import TiantongModem
from sim.world.files import BEIDOU_BASE, PDT_BASE, TIANTONG_BASE

REFUSED: Final = 1
"""A result code of the PDT radio that means: not sent (reference page 370-mhz, section 1.5)."""

SILENCED: Final = 3
"""Why a Beidou terminal does not transmit: radio silence (satellite-terminals §1.3)."""

WRONG_BAUD_BPS: Final = 9_600 * 5
"""A rate no host is set to."""


def make(
    bearer: str,
    number: int,
    *,
    net: PdtNet,
    centre: SmsCentre,
    space: RdssSpace,
    sky: Channel,
    rng: random.Random,
    period_s: float,
) -> SerialDevice:
    """Make the device of a gateway's serial bearer; `sky` lies between a Tiantong modem and its centre."""
    match bearer:
        case "pdt":
            return PdtRadio(PDT_BASE + number, net, rng=rng)
        case "tiantong":
            return TiantongModem(str(TIANTONG_BASE + number), centre, sky, rng=rng)
        case "beidou":
            return BeidouTerminal(BEIDOU_BASE + number, space, rng=rng, period_s=period_s)
        case _:
            raise ValueError(bearer)


def switch(device: SerialDevice, *, on: bool) -> None:
    """Give it power or take it."""
    match device:
        case TiantongModem():
            device.power_on() if on else device.power_off()
        case PdtRadio():
            device.powered = on
        case BeidouTerminal():
            device.hung = not on


def reboot(device: SerialDevice) -> None:
    """Restart it in the middle of whatever, with its boot text."""
    match device:
        case TiantongModem() | BeidouTerminal():
            device.reboot()
        case PdtRadio():
            device.hrnp.reset()
            device.write(b"\x00\xff\x00PDT BOOT\r\n")


def refuse_all(device: SerialDevice, *, on: bool) -> None:
    """Answer every command with an error, or no longer; binary devices every order to transmit."""
    match device:
        case TiantongModem():
            device.faults.error_forever = on
        case PdtRadio():
            device.faults.result = REFUSED if on else None
        case BeidouTerminal():
            device.inhibit = SILENCED if on else 0
