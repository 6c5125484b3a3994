"""A byte stream over any descriptor the kernel can poll: a serial port or a TCP socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final

from typing_extensions import override

from drivers.base import ByteStream, StreamLostError

READ_BUFFER_OCTETS: Final = 65_536
"""What we hold for a reader that is busy; beyond it the kernel's own buffer and flow control hold back."""

READ_SLICE_OCTETS: Final = 4_096
"""Octets taken from the kernel at once; a slice of a flooding port must not starve the loop."""


class DescriptorStream(ByteStream):
    """Owns the non-blocking `descriptor` until `aclose`, which awaits `flush` and then calls `close`.

    Loss (end of file, EIO, any other error) ends reads with b"" after what had arrived, and makes writes
    raise StreamLostError, the one that waits included. The descriptor itself stays open until `aclose`, so
    that its number cannot come to mean another file.
    """

    def __init__(
        self, descriptor: int, name: str, *, close: Callable[[], None], flush: Callable[[], Awaitable[None]]
    ) -> None:
        self._descriptor = descriptor
        self._name = name
        self._close = close
        self._flush = flush
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._arrived = asyncio.Event()
        self._write_lock = asyncio.Lock()
        self._writable: asyncio.Future[None] | None = None
        self._reading = False
        self._ended = False
        self._closed = False
        os.set_blocking(descriptor, False)
        self._resume()

    @override
    async def read(self, max_octets: int) -> bytes:
        while not self._received:
            if self._ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._received[:max_octets])
        del self._received[:max_octets]
        if len(self._received) < READ_BUFFER_OCTETS:
            self._resume()
        return data

    @override
    async def write(self, data: bytes) -> None:
        async with self._write_lock:
            left = memoryview(data)
            while left:
                left = left[self._write_some(left) :]
                if left:
                    await self._wait_writable()
            if self._ended:
                raise self._lost()

    @override
    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        was_lost = self._ended
        self._end()
        self._received.clear()
        try:
            if not was_lost:
                await self._flush()
        finally:
            self._close()

    def _write_some(self, data: memoryview) -> int:
        if self._ended:
            raise self._lost()
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._end()
            raise self._lost() from error

    async def _wait_writable(self) -> None:
        self._writable = self._loop.create_future()
        self._loop.add_writer(self._descriptor, self._wake_writer)
        try:
            await self._writable
        finally:
            if not self._ended:
                self._loop.remove_writer(self._descriptor)
            self._writable = None

    def _wake_writer(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def _on_readable(self) -> None:
        try:
            data = os.read(self._descriptor, READ_SLICE_OCTETS)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        self._received += data
        self._arrived.set()
        if len(self._received) >= READ_BUFFER_OCTETS:
            self._reading = False
            self._loop.remove_reader(self._descriptor)

    def _resume(self) -> None:
        if not (self._reading or self._ended):
            self._reading = True
            self._loop.add_reader(self._descriptor, self._on_readable)

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
        self._arrived.set()
        self._wake_writer()

    def _lost(self) -> StreamLostError:
        return StreamLostError(f"{self._name}: the port is gone", f"{self._name}：端口已消失")
