"""Serial ports: pyserial opens and sets them, our own transport moves the octets."""

from __future__ import annotations

import asyncio
import errno
import termios
from typing import Final

import serial

from drivers.base import ByteStream, PortUnavailableError
from drivers.io.descriptor import DescriptorStream

FLUSH_MAX_S: Final = 0.25
"""How long closing waits for the line to take what was written: 288 octets at 9 600 bit/s, a goodbye."""

FLUSH_STEP_S: Final = 0.01
"""How often closing looks whether the line has taken it: about ten octets at 9 600 bit/s."""

REASONS: Final = {
    errno.ENOENT: ("absent", "不存在"),
    errno.ENODEV: ("absent", "不存在"),
    errno.ENXIO: ("absent", "不存在"),
    errno.EIO: ("absent", "不存在"),
    errno.EBUSY: ("in use", "被占用"),
    errno.EAGAIN: ("in use", "被占用"),
    errno.EACCES: ("no permission", "没有权限"),
    errno.EPERM: ("no permission", "没有权限"),
    errno.ENOTTY: ("not a serial port", "不是串口"),
}
"""What an errno of opening means to the operator."""


async def open_serial(device: str, *, baud_bps: int) -> ByteStream:
    """Open `device` exclusively (flock), 8N1, without flow control; raises PortUnavailableError.

    DTR and RTS are set low with the very first settings, so that no radio is keyed by accident (the kernel
    itself raises them for the moment between; wire PTT to a line that the radio debounces).
    """
    if "://" in device:
        raise PortUnavailableError(
            device, "remote ports are not supported; name a device", "不支持远程串口，请填写本机设备"
        )
    port = serial.Serial()
    port.port = device
    port.timeout = 0
    port.exclusive = True
    port.dtr = False
    port.rts = False
    try:
        port.baudrate = baud_bps
        port.open()
    except ValueError as error:
        raise PortUnavailableError(
            device, f"{baud_bps} bit/s is not possible", f"不支持波特率 {baud_bps}"
        ) from error
    except OSError as error:
        reason, zh = _reason(error)
        raise PortUnavailableError(device, reason, zh) from error

    async def flush() -> None:
        await _flush(port)

    return DescriptorStream(port.fileno(), device, close=port.close, flush=flush)


def _reason(error: OSError) -> tuple[str, str]:
    cause = error.__context__
    number = error.errno
    if number is None and isinstance(cause, termios.error):
        number = cause.args[0]
    return REASONS.get(number or 0, (str(error), str(error)))


async def _flush(port: serial.Serial) -> None:
    """Let the line take what was written, then drop the rest: closing a stuck tty blocks for 30 s."""
    waited_s = 0.0
    try:
        while port.out_waiting and waited_s < FLUSH_MAX_S:
            await asyncio.sleep(FLUSH_STEP_S)
            waited_s += FLUSH_STEP_S
        port.reset_output_buffer()
    except (OSError, termios.error):
        return  # unplugged meanwhile: nothing left to flush
