"""sd_notify without a library: READY, STATUS, WATCHDOG, STOPPING (sd_notify(3)); a no-op outside systemd."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Tells the service manager; every failure is ignored, as sd_notify(3) asks."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        path = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        watchdog_usec = environ.get("WATCHDOG_USEC", "")
        self.watchdog_interval_s: float | None = (
            int(watchdog_usec) / 3e6 if watchdog_usec.isdecimal() and int(watchdog_usec) else None
        )
        """A third of the manager's limit: two beats may be late; None: no watchdog wanted."""

    def send(self, **facts: str) -> None:
        """Send facts such as `READY="1"`, `STATUS="4 links up"`."""
        if not self._address:
            return
        message = "\n".join(f"{key}={value}" for key, value in facts.items()).encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(0)
            try:
                sender.sendto(message, self._address)
            except OSError:
                return
