"""One conversation with an AT terminal: one command in flight, lines out of turn handed on, time-outs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from drivers.base import ByteStream, DriverEnv, StreamLostError
from drivers.waiting import until
from protocols.at import CTRL_Z, ESCAPE, Decoder, Echo, Garbage, Line, Prompt, Result

READ_OCTETS = 4096
"""Octets taken from the port at once: the buffer of a Linux serial line."""

MAX_ANSWER_LINES = 600
"""Lines of one answer that are kept: a full store of 255 messages fits; a flood does not grow it."""

SETTLE_S = 0.3
"""Quiet after a time-out before the next command, so that a late answer is not taken for another's."""

WRITE_TIMEOUT_S = 10.0
"""A port that takes nothing for this long is as good as gone (flow control that never lets go)."""


class NoAnswerError(Exception):
    """The terminal did not answer in time, or started anew before it could. `written` tells if a PDU was."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, and the information lines before it."""

    result: Result
    lines: tuple[Line, ...]

    def find(self, name: str) -> Line | None:
        """Return the last line called `name`."""
        return next((line for line in reversed(self.lines) if line.name == name), None)


@dataclass(slots=True)
class _Pending:
    done: asyncio.Future[Result]
    prompt: asyncio.Future[None] | None = None
    lines: list[Line] = field(default_factory=list)


class Session:
    """Owns an open port. `on_line` gets every line, asked for or not, before the command that asked."""

    def __init__(
        self, name: str, stream: ByteStream, env: DriverEnv, on_line: Callable[[Line], None]
    ) -> None:
        self.garbage_octets = 0
        self.stray_results = 0
        self._name = name
        self._stream = stream
        self._env = env
        self._on_line = on_line
        self._decoder = Decoder()
        self._lock = asyncio.Lock()
        self._pending: _Pending | None = None

    @property
    def busy(self) -> bool:
        """Whether a command is in flight."""
        return self._lock.locked()

    async def read(self) -> None:
        """Read and hand on until the port is gone."""
        while data := await self._stream.read(READ_OCTETS):
            self._env.trace.record(self._name, "rx", data)
            for event in self._decoder.feed(data):
                self._dispatch(event)

    async def command(self, text: str, timeout_s: float) -> Answer:
        """Send one command and wait for its end; raises NoAnswerError or StreamLostError."""
        async with self._lock, self._expecting() as pending:
            await self._write(text.encode("ascii") + b"\r")
            return await self._answer(pending, timeout_s)

    async def escape(self) -> None:
        """Leave a PDU entry that somebody before us left open; harmless elsewhere."""
        async with self._lock:
            await self._write(ESCAPE)
            await self._env.clock.sleep(SETTLE_S)

    @asynccontextmanager
    async def prompted(
        self, command: str, timeout_s: float, begin: Callable[[], None]
    ) -> AsyncGenerator[Prompted]:
        """Send `AT+CMGS=n` and hold the terminal until the context is left; `begin` is called first."""
        async with self._lock, self._expecting() as pending:
            pending.prompt = asyncio.get_running_loop().create_future()
            begin()
            await self._write(command.encode("ascii") + b"\r")
            try:
                async with asyncio.timeout(timeout_s):
                    await asyncio.wait((pending.prompt, pending.done), return_when=asyncio.FIRST_COMPLETED)
            except TimeoutError:
                await self._write(ESCAPE)
                await self._env.clock.sleep(SETTLE_S)
                raise NoAnswerError("no prompt") from None
            yield Prompted(self, pending)

    async def cancel_prompt(self, pending: _Pending, timeout_s: float) -> None:
        """Take the terminal out of PDU entry."""
        await self._write(ESCAPE)
        await self._answer(pending, timeout_s)

    async def finish(self, pending: _Pending, pdu: bytes, timeout_s: float) -> Answer:
        """Send the PDU and wait for the network's answer."""
        await self._write(pdu.hex().upper().encode("ascii") + CTRL_Z)
        return await self._answer(pending, timeout_s)

    def interrupt(self, reason: str) -> None:
        """Give up waiting: the terminal has started anew, or is gone."""
        if self._pending is not None and not self._pending.done.done():
            self._pending.done.set_exception(NoAnswerError(reason))

    @asynccontextmanager
    async def _expecting(self) -> AsyncGenerator[_Pending]:
        self._pending = pending = _Pending(asyncio.get_running_loop().create_future())
        try:
            yield pending
        finally:
            self._pending = None
            if pending.done.done() and not pending.done.cancelled():
                pending.done.exception()  # an interruption nobody waited for is no error
            if pending.prompt is not None:
                pending.prompt.cancel()

    async def _answer(self, pending: _Pending, timeout_s: float) -> Answer:
        if not await until(pending.done, timeout_s):
            self._env.hooks.probe("at_modem.no_answer")
            await self._env.clock.sleep(SETTLE_S)
            raise NoAnswerError("no answer")
        return Answer(pending.done.result(), tuple(pending.lines))

    async def _write(self, data: bytes) -> None:
        self._env.trace.record(self._name, "tx", data)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._stream.write(data)
        except TimeoutError as error:
            raise StreamLostError("the port takes nothing", "端口不接收数据") from error

    def _dispatch(self, event: Echo | Result | Prompt | Garbage | Line) -> None:
        pending = self._pending
        if isinstance(event, Garbage):
            self.garbage_octets += event.size_octets
        elif isinstance(event, Prompt):
            if pending is not None and pending.prompt is not None and not pending.prompt.done():
                pending.prompt.set_result(None)
        elif isinstance(event, Result):
            if pending is None or pending.done.done():
                self.stray_results += 1
            else:
                pending.done.set_result(event)
        elif isinstance(event, Line):
            if pending is not None and len(pending.lines) < MAX_ANSWER_LINES:
                pending.lines.append(event)
            self._on_line(event)


class Prompted:
    """The terminal waits for a PDU, or has refused: `refused` is its answer then."""

    def __init__(self, session: Session, pending: _Pending) -> None:
        self._session = session
        self._pending = pending

    @property
    def refused(self) -> Result | None:
        """The result, if one came instead of the prompt."""
        prompt = self._pending.prompt
        return None if prompt is not None and prompt.done() else self._pending.done.result()

    async def give_up(self, timeout_s: float) -> None:
        """Leave without sending."""
        await self._session.cancel_prompt(self._pending, timeout_s)

    async def send(self, pdu: bytes, timeout_s: float) -> Answer:
        """Send the PDU; raises NoAnswerError, after which nobody knows whether it went."""
        return await self._session.finish(self._pending, pdu, timeout_s)
