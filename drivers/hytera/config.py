"""Keys of one `[[link]]` table with `driver = "hytera"`, and the limits that are not for the operator."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

ACK_TIMEOUT_S: Final = 1.0
"""An HRNP frame is acknowledged within milliseconds; a second covers a busy radio."""
ACK_TRIES: Final = 4
"""Times one HRNP frame is written before the radio counts as silent: found dead 4 s after a write."""
CONNECT_TRIES: Final = 3
"""CONNECTs, 2 s apart, before the port is closed and opened again."""
CONNECT_TIMEOUT_S: Final = 2.0
REPLY_TIMEOUT_S: Final = 3.0
"""Wait for the answer to a query or setting; a radio that lacks it is used without."""
LINE_IDLE_S: Final = 0.3
"""A frame of 1500 octets takes 0.13 s at 115 200 bit/s; a longer silence ends what was begun."""
READ_OCTETS: Final = 4096
MAX_INBOUND: Final = 256
"""Decoded frames waiting to be handled: seconds of a flood; what is dropped is sent again by the radio."""
MAX_JOBS: Final = 128
"""Answers and acknowledgements waiting for the line; beyond, the far end asks again."""
MAX_EVENTS: Final = 1024
"""Events nobody has read yet; beyond, what may be lost (heard, quality, notices, unacknowledged texts) is."""
MAX_RECEIPTS: Final = 256
"""Texts remembered for acknowledging and for absorbing repeats."""
RESEND_WINDOW_S: Final = 120.0
"""As long as a handset repeats an unanswered text; across its renewal it is still the same text."""
MAX_SOURCES: Final = 4096
"""Handsets whose registrations are counted: more than one net holds."""
MAX_ATTEMPTS: Final = 64
"""Messages whose results are awaited; a radio holds fewer."""
DATA_WINDOW: Final = 3
"""Frames to one station whose results are due: a result takes 4 s, a full frame 1.5 s on the air."""
MAX_ALARMS: Final = 64
"""Handsets in emergency at once; beyond, the one silent for longest would be a new alarm on speaking."""
ALARM_QUIET_S: Final = 600.0
"""A button pressed after this silence is another alarm: better loud twice than silent once."""
ALARM_REPEAT_S: Final = 2.0
"""Repeats of an alarm within this time bring nothing new unless they bring a position."""
HANG_MAX_S: Final = 15.0
"""A hang time whose end was never told is over by then; sets allow up to 7 s."""
RETRY_FIRST_S: Final = 0.5
RETRY_MAX_S: Final = 15.0
"""First and longest wait before the port is tried again; an operator who plugs a cable waits no longer."""
NUMBER_BLOCK: Final = 1024
"""HRNP packet numbers reserved at a time, of 65 536."""


class HyteraConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mobile on a serial port. Times in seconds; every one is bounded."""

    device: Annotated[str, Meta(min_length=1, max_length=255)]
    baud_bps: Annotated[int, Meta(ge=1200, le=921_600)] = 115_200
    numbering: Literal["id", "pdt"] = "id"
    """Addresses: decimal radio ids, or PDT dial numbers of the national rule."""
    subnet: Annotated[int, Meta(ge=1, le=255)] = 10
    """First octet of radio addresses on the data side (CAI); 10 and 12 are seen."""
    own_id: Annotated[int, Meta(ge=1, le=0xFF_FFFF)] | None = None
    """Used when the radio does not tell its own id; asked otherwise."""
    data_group: Annotated[int, Meta(ge=1, le=0xFF_FFFF)] | None = None
    """Radio id of the group that carries frames for everyone; without it there is no broadcast."""
    hrnp_version: Literal[0, 3, 4] = 4
    strict_checksums: bool = False
    """Refuse HDAP frames with a wrong inner checksum; the outer one held, and real senders get it wrong."""
    text_limit_chars: Annotated[int, Meta(ge=1, le=500)] = 128
    """UTF-16 units of one text: 256 octets is what sets commonly take."""
    data_mtu_octets: Annotated[int, Meta(ge=20, le=1000)] = 140
    """Largest sealed frame. 140 octets are 1.5 s on the air, so voice and SOS never wait longer for data."""
    renew_s: Annotated[int, Meta(ge=60, le=65_534)] = 1800
    """Handsets register again within this time."""
    result_timeout_s: Annotated[float, Meta(ge=5, le=120)] = 20.0
    """Results come after 4 to 5 s, after 13 s when the radio tried three times."""
    check_timeout_s: Annotated[float, Meta(ge=1, le=60)] = 10.0
    keepalive_s: Annotated[float, Meta(ge=2, le=600)] = 20.0
    """Silence after which the radio is asked for its id."""
    hang_s: Annotated[float, Meta(ge=0, le=15)] = 3.0
    """How long a call holds the channel when the radio does not tell."""
    voice_max_s: Annotated[float, Meta(ge=10, le=600)] = 180.0
    """A call whose end was never told is over by then (time-out timers are 60 to 180 s)."""
