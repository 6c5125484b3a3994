"""Call signs for station numbers, and times as people read them, for the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from gateway.cli_http import Client

CHINA = timezone(timedelta(hours=8))
"""One time zone holds for the whole country."""


class Names:
    """The roster's call signs, fetched once."""

    def __init__(self, client: Client) -> None:
        self.stations = client.get("stations")["stations"]
        self._signs = {one["number"]: one["call_sign"] for one in self.stations}

    def sign(self, number: int) -> str:
        """Return the call sign, or `#number` for a station not in the roster."""
        return str(self._signs.get(number, f"#{number}"))


def clock_time(unix_ms: int) -> str:
    """Return month, day and time in China; `-` for not yet."""
    if unix_ms <= 0:
        return "-"
    return datetime.fromtimestamp(unix_ms // 1000, UTC).astimezone(CHINA).strftime("%m-%d %H:%M:%S")
