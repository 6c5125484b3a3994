"""A whole process under measurement: when it is ready, what it holds in memory, what it costs in CPU."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

KIB = 1024
NOTIFY_OCTETS = 4096
"""Longest sd_notify datagram looked at; ours are one line."""


class NeverReadyError(RuntimeError):
    """The process ended, or did not say READY=1 in time; the text ends with what it wrote."""


class Process:
    """Start a program as systemd does (Type=notify) and measure it; leaving the context ends it."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fg-")
        notify = Path(self._folder.name) / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind(str(notify))
        self._output = (Path(self._folder.name) / "output").open("w+b")
        variables = dict(os.environ) | dict(environment or {}) | {"NOTIFY_SOCKET": str(notify)}
        self.started_s = time.monotonic()
        self._child = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT
        )

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def output(self) -> str:
        """What it wrote so far, on both streams."""
        return Path(self._output.name).read_text("utf-8", "replace")

    def wait_ready(self, limit_s: float = 30.0) -> float:
        """Return seconds from start to READY=1; raises NeverReadyError."""
        deadline_s = self.started_s + limit_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            self._socket.settimeout(min(left_s, 0.1))
            try:
                facts = self._socket.recv(NOTIFY_OCTETS).decode("utf-8", "replace").splitlines()
            except TimeoutError:
                if self._child.poll() is not None:
                    raise NeverReadyError(f"ended with {self._child.returncode}\n{self.output}") from None
                continue
            if "READY=1" in facts:
                return time.monotonic() - self.started_s
        raise NeverReadyError(f"not ready within {limit_s:g} s\n{self.output}")

    def resident_octets(self) -> int:
        """Memory held in RAM (VmRSS), shared libraries included."""
        for line in Path(f"/proc/{self.pid}/status").read_text("utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * KIB
        raise ProcessLookupError(self.pid)

    def cpu_s(self) -> float:
        """Processor time so far, user and system, threads included."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cpu_share(self, over_s: float) -> float:
        """Return the share of one processor it uses over the next seconds, 0..1 and above with threads."""
        before_s, from_s = self.cpu_s(), time.monotonic()
        time.sleep(over_s)
        return (self.cpu_s() - before_s) / (time.monotonic() - from_s)

    def stop(self, limit_s: float = 10.0) -> float:
        """Send SIGTERM; return seconds until it ended, raise TimeoutExpired after the limit."""
        from_s = time.monotonic()
        self._child.send_signal(signal.SIGTERM)
        self._child.wait(limit_s)
        return time.monotonic() - from_s

    def kill(self) -> None:
        """Send SIGKILL, the power cut of processes, and wait for the end."""
        self._child.kill()
        self._child.wait()

    @property
    def exit_status(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._child.poll()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child.poll() is None:
            self.kill()
        self._socket.close()
        self._output.close()
        self._folder.cleanup()
