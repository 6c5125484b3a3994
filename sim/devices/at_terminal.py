"""The serial side of an AT terminal: byte-wise echo, command lines, prompt, results, unsolicited lines."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from typing_extensions import override

from sim.device import SerialDevice
from sim.later import after

PROCESS_S = 0.02
"""What a module takes to answer a plain command."""

MAX_COMMAND_OCTETS = 1024
"""Longest command line a module takes; the rest is lost."""

MAX_HELD_LINES = 100
"""Unsolicited lines held back while a PDU is typed; more are lost, as on a module's small queue."""

CR, LF, BACKSPACE, CTRL_Z, ESC = 13, 10, 8, 26, 27


@dataclass(slots=True)
class ModemFaults:
    """What can be wrong with a module; every one may be switched while it runs."""

    error_forever: bool = False
    """Answer ERROR to everything."""
    deaf: bool = False
    """Neither echo nor answer."""
    no_prompt: bool = False
    """Take `AT+CMGS` but never send the prompt."""
    mute_after_pdu: bool = False
    """Submit the message, and never say so."""
    rude: bool = False
    """Send unsolicited lines even between prompt and PDU."""
    boot_garbage: bytes = b""
    """Sent when the module starts, before `^SIMST`."""


class AtError(Exception):
    """A command failed; `family` CME or CMS with a number, or empty for a plain ERROR."""

    def __init__(self, family: str = "", code: int = 0) -> None:
        super().__init__(f"{family} {code}")
        self.family = family
        self.code = code


class AtTerminal(SerialDevice):
    """Collects command lines and gives each command to `command`; a subclass knows what they do."""

    def __init__(self) -> None:
        super().__init__()
        self.faults = ModemFaults()
        self.powered = True
        self.commands: list[str] = []
        self.echo = True
        self.error_level = 0
        self._generation = 0
        self._line = bytearray()
        self._busy = False
        self._on_pdu: Callable[[bytes], None] | None = None
        self._held: list[str] = []
        self._saying: bytearray | None = None
        """What is said at once, while a command is answered or octets are echoed."""

    @abstractmethod
    def command(self, name: str, kind: str, argument: str) -> Iterator[str] | list[str] | None:
        """Do one command; return its information lines, or None if the result comes later.

        `kind` is "run", "set" (`=`), "read" (`?`) or "test" (`=?`). Raises AtError.
        """

    @override
    def receive(self, data: bytes) -> None:
        """Take octets from the host."""
        with self._at_once():
            for octet in data:
                if self.powered and not self.faults.deaf and not self._busy:
                    self._octet(octet)

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Put on the line in one run what is said meanwhile."""
        self._saying = bytearray()
        try:
            yield
        finally:
            said, self._saying = self._saying, None
            if said:
                self.write(bytes(said))

    def later(self, delay_s: float, act: Callable[[], None]) -> None:
        """Do something later, unless the module starts anew before."""
        after(delay_s, self._now, (self._generation, act))

    def _now(self, due: tuple[int, Callable[[], None]]) -> None:
        generation, act = due
        if generation == self._generation and self.powered:
            act()

    def restart_line(self) -> None:
        """Forget everything that a start forgets."""
        self._generation += 1
        self._line.clear()
        self._busy = False
        self._on_pdu = None
        self._held.clear()
        self.echo = True
        self.error_level = 0

    def urc(self, text: str) -> None:
        """Say something unasked; while a PDU is typed it waits, unless the module is rude."""
        if not self.powered or self.faults.deaf:
            return
        if self._on_pdu is not None and not self.faults.rude:
            if len(self._held) < MAX_HELD_LINES:
                self._held.append(text)
            return
        self.say(text)

    def say(self, text: str) -> None:
        """Send one line between CR LF."""
        line = f"\r\n{text}\r\n".encode("utf-8", "replace")
        self._put(line)

    def _put(self, octets: bytes) -> None:
        if self._saying is None:
            self.write(octets)
        else:
            self._saying += octets

    def want_pdu(self, act: Callable[[bytes], None]) -> None:
        """Prompt for a PDU; `act` gets it and must call `finish` in the end."""
        self._on_pdu = act
        self._busy = False
        if not self.faults.no_prompt:
            self._put(b"\r\n> ")

    def finish(self, error: AtError | None = None) -> None:
        """End the running command."""
        self._busy = False
        if self.faults.deaf:
            return
        if error is None:
            self.say("OK")
        elif not error.family or (error.family == "CME" and self.error_level == 0):
            self.say("ERROR")
        else:
            self.say(f"+{error.family} ERROR: {error.code}")
        held, self._held = self._held, []
        for text in held:
            self.say(text)

    def _octet(self, octet: int) -> None:
        if self.echo:
            self._put(bytes([octet]))
        if self._on_pdu is not None:
            self._pdu_octet(octet)
        elif octet == CR:
            line = self._line.decode("latin-1")
            self._line.clear()
            if "AT" in line.upper():
                self._busy = True
                self.later(PROCESS_S, partial(self._answer, line))
        elif octet == BACKSPACE:
            del self._line[-1:]
        elif octet not in (LF, ESC) and len(self._line) < MAX_COMMAND_OCTETS:
            self._line.append(octet)

    def _pdu_octet(self, octet: int) -> None:
        if octet == ESC:
            self._on_pdu = None
            self._line.clear()
            self._busy = True
            self.later(PROCESS_S, self.finish)
        elif octet == CTRL_Z:
            act, self._on_pdu = self._on_pdu, None
            text = self._line.decode("latin-1").strip()
            self._line.clear()
            self._busy = True
            if not re.fullmatch("([0-9A-Fa-f]{2})+", text) or act is None:
                self.later(PROCESS_S, lambda: self.finish(AtError("CMS", 304)))
            else:
                act(bytes.fromhex(text))
        elif len(self._line) < MAX_COMMAND_OCTETS:
            self._line.append(octet)

    def _answer(self, line: str) -> None:
        with self._at_once():
            self._run(line)

    def _run(self, line: str) -> None:
        self.commands.append(line)
        del self.commands[:-MAX_COMMAND_OCTETS]
        if self.faults.error_forever:
            self.finish(AtError())
            return
        try:
            for name, kind, argument in split_commands(line[line.upper().index("AT") + 2 :]):
                lines = self.command(name, kind, argument)
                if lines is None:
                    return
                for text in lines:
                    self.say(text)
        except AtError as error:
            self.finish(error)
        else:
            self.finish()


def split_commands(body: str) -> Iterator[tuple[str, str, str]]:
    """Cut a command line at `;` outside quotes and between basic commands: name, kind, argument."""
    basic = re.compile(r"\s*(&?[A-Za-z])(\d*);?")
    extended = re.compile(r'\s*([+^$*%][A-Za-z0-9]+)\s*(=\?|\?|=((?:"[^"]*"|[^";])*))?\s*;?')
    while body.strip():
        if found := extended.match(body):
            suffix = found[2] or ""
            kind = {"": "run", "?": "read", "=?": "test"}.get(suffix, "set")
            yield found[1].upper(), kind, (found[3] or "").strip()
        elif found := basic.match(body):
            yield found[1].upper(), "run", found[2]
        else:
            raise AtError
        body = body[found.end() :]
