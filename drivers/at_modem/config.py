"""Configuration of the driver `at_modem`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from drivers.at_modem.dialects import load_dialect


class AtModemConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of one `[[link]]` table whose driver is `at_modem`.

    `smsc` empty leaves the service centre of the card. `validity_s` is how long the centre keeps trying.
    `send_timeout_s` is how long the network may take to answer one short message; 60 s or more on satellite.
    """

    device: Annotated[str, Meta(min_length=1)]
    baud_bps: Annotated[int, Meta(ge=1_200, le=921_600)] = 115_200
    dialect: str = "tiantong"
    smsc: Annotated[str, Meta(pattern=r"^(\+?[0-9]{3,20})?$")] = ""
    text_max_parts: Annotated[int, Meta(ge=1, le=20)] = 6
    status_reports: bool = True
    validity_s: Annotated[float, Meta(ge=300, le=38_102_400)] = 86_400.0
    command_timeout_s: Annotated[float, Meta(ge=1, le=60)] = 5.0
    send_timeout_s: Annotated[float, Meta(ge=60, le=600)] = 60.0
    poll_interval_s: Annotated[float, Meta(ge=2, le=3_600)] = 10.0
    fen_per_sms: Annotated[int, Meta(ge=0, le=100_000)] = 0

    def __post_init__(self) -> None:
        """Refuse a dialect that there is not; raises BadInputError."""
        load_dialect(self.dialect)
