"""What the gateway sees of any device: links, limits, events, and the world handed to a driver."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, NewType, Protocol, TypeVar

from drivers.errors import LinkBusyError as LinkBusyError
from drivers.errors import LinkDownError as LinkDownError
from drivers.errors import LinkRefusedError as LinkRefusedError
from drivers.errors import PortUnavailableError as PortUnavailableError
from drivers.errors import StreamLostError as StreamLostError

ConfigT_contra = TypeVar("ConfigT_contra", contravariant=True)

Handle = NewType("Handle", int)
"""The caller's number for one attempt to send; unique in a ledger's lifetime (it is the attempt's row)."""


class Precedence(IntEnum):
    """How urgent; greater is more urgent. The same number on the air (3 bits), in API and ledger."""

    __hash__ = int.__hash__

    DEFERRED = 0
    ROUTINE = 1
    PRIORITY = 2
    IMMEDIATE = 3
    FLASH = 4
    SOS = 5


class Bearer(StrEnum):
    """A kind of carriage."""

    __hash__ = str.__hash__

    PDT = "pdt"
    BEIDOU = "beidou"
    TIANTONG = "tiantong"
    IRIDIUM = "iridium"
    VSAT = "vsat"
    MESH = "mesh"
    CELLULAR = "cellular"
    LAN = "lan"


class Service(StrEnum):
    """What a link can carry: opaque frames between gateways, native text, or a status enquiry."""

    __hash__ = str.__hash__

    DATA = "data"
    TEXT = "text"
    STATUS = "status"


class LinkState(StrEnum):
    """What a link is, by its evidence."""

    __hash__ = str.__hash__

    ABSENT = "absent"
    STARTING = "starting"
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    RECOVERING = "recovering"
    BLOCKED = "blocked"


class Stage(StrEnum):
    """How far one attempt got. UNKNOWN means no answer came; it is never a failure.

    DELIVERED exists for native recipients only: their own network reported it (SMS status report,
    TMP result 0 of a private text, Beidou receipt).
    """

    __hash__ = str.__hash__

    AT_MODEM = "at_modem"
    ON_AIR = "on_air"
    AT_NETWORK = "at_network"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


class TextEncoding(StrEnum):
    """How a link counts native text against its limit."""

    UTF16 = "utf-16-le"
    UCS2_SMS = "ucs2-sms"
    GB18030 = "gb18030"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """What one transmission costs; 0 is free. Money in fen (1/100 yuan)."""

    fen_per_frame: int = 0
    fen_per_kilooctet: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a link promises now; may change with StateChanged (a Beidou card tells its period and size)."""

    bearer: Bearer
    services: frozenset[Service]
    mtu_octets: int
    """Largest sealed frame on the data service; 0 where there is none."""
    text_max_octets: int = 0
    """Largest native text in `text_encoding`; 0 where there is none."""
    text_encoding: TextEncoding = TextEncoding.UTF16
    nominal_bps: int
    half_duplex: bool = False
    broadcast: bool = False
    min_interval_s: float = 0.0
    """Service interval between two transmissions (a Beidou card's period)."""
    latency_s: float = 1.0
    """Expected one-way delivery time, for planning and for time-outs."""
    cost: CostModel = field(default_factory=CostModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """One thing to send now: a sealed frame, a native text, or a status enquiry.

    `destination` is a bearer address in the link's own numbering (dial number, phone number, card number,
    `host:port`); empty means everyone the link reaches. `payload` is for DATA, `text` for TEXT.
    """

    handle: Handle
    service: Service
    destination: str
    precedence: Precedence
    payload: bytes = b""
    text: str = ""
    group: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """WGS 84 degrees; `fix_age_s` seconds since the fix, None when the device did not say."""

    latitude_deg: float
    longitude_deg: float
    fix_age_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Something came in. After the gateway's commit it calls `Link.confirm(receipt)` (0: nothing to confirm).

    `native_ref` identifies a native text for de-duplication: equal source and reference = the same message
    sent again by the device. `group` is the group address it was sent to, empty for us alone.
    """

    service: Service
    source: str
    payload: bytes = b""
    text: str = ""
    native_ref: str = ""
    group: str = ""
    receipt: int = 0
    rssi_dbm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """An attempt moved. `handle` is None when only `device_ref` is known (a report after a restart)."""

    handle: Handle | None
    stage: Stage
    device_ref: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """The device's state changed. `until_s` is monotonic, for BLOCKED only. People read `reason`."""

    state: LinkState
    reason: str
    until_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A measurement of the link; only what the device told is set."""

    rssi_dbm: float | None = None
    snr_db: float | None = None
    quality_pct: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Station `address` was heard; `how` names the evidence (`registration`, `online_check`, `text`)."""

    address: str
    how: str
    online: bool = True
    handle: Handle | None = None
    """Set when this answers a STATUS enquiry of ours."""
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """Somebody pressed the emergency button (`active`), or it was cancelled."""

    address: str
    active: bool = True
    position: Position | None = None
    ref: str = ""
    """Equal for repeats of the same alarm, as the device tells them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelBusy:
    """Voice or other traffic holds the channel (True), or it is free again."""

    busy: bool
    voice: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A fact worth showing to an operator or counting; `event` is snake_case and past tense."""

    event: str
    detail: str = ""


LinkEvent = Received | Progress | StateChanged | Quality | Heard | Emergency | ChannelBusy | Notice


class Link(Protocol):
    """One configured way out of this gateway."""

    @property
    def name(self) -> str:
        """The link's name in the configuration."""

    @property
    def capabilities(self) -> Capabilities:
        """What the link promises now."""

    async def send(self, transmission: Transmission) -> Handle:
        """Return the transmission's handle when the device took it; one call at a time per link.

        Raises LinkDownError, LinkBusyError or LinkRefusedError. Progress events tell the rest. If the call
        is cancelled, the outcome is reported as UNKNOWN unless nothing was written.
        """

    def events(self) -> AsyncGenerator[LinkEvent]:
        """Yield events in order; one reader. Ends when the driver's context is left."""

    async def confirm(self, receipt: int) -> None:
        """Release what the far device waits for: the received thing is on disk. Ignores unknown receipts."""

    async def probe(self) -> None:
        """Spend as little as possible to find out whether the far end is there; answers arrive as events."""


class Driver(Protocol[ConfigT_contra]):
    """A device family; what an entry point of group `fieldgate.drivers` names."""

    config_type: type[Any]
    """A frozen msgspec.Struct with forbid_unknown_fields; not the keys `name`, `driver`, common to all."""

    def open(self, name: str, config: ConfigT_contra, env: DriverEnv) -> AbstractAsyncContextManager[Link]:
        """Own the device until the context is left, however it is left; frees everything.

        A device that is missing or vanishes is a StateChanged event (ABSENT, with the reason), after which
        the driver tries again by itself with back-off; it is not an error of the context.
        """


class Clock(Protocol):
    """Time, injected. `monotonic_s` only for differences; `unix_ms` may jump by years."""

    def monotonic_s(self) -> float:
        """Seconds that never go back."""

    def unix_ms(self) -> int:
        """Milliseconds since 1970 as this box believes."""

    async def sleep(self, delay_s: float) -> None:
        """Return after `delay_s`."""


class ByteStream(Protocol):
    """An open port. The in-memory twin of the simulator behaves the same."""

    async def read(self, max_octets: int) -> bytes:
        """Return what is there, at least one octet; b"" once the port is gone or closed."""

    async def write(self, data: bytes) -> None:
        """Return when all octets were handed to the port; raise StreamLostError after loss."""

    async def aclose(self) -> None:
        """Free the port; safe to repeat."""


class Datagrams(Protocol):
    """A bound UDP socket."""

    @property
    def local(self) -> tuple[str, int]:
        """Host and port it is bound to."""

    async def receive(self) -> tuple[bytes, tuple[str, int]]:
        """Return one datagram and where it came from; raises StreamLostError once closed."""

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Hand over one datagram; a full buffer or an unreachable host drops it, as networks do."""

    async def aclose(self) -> None:
        """Free the socket; safe to repeat."""


class Connector(Protocol):
    """The one door to ports and sockets."""

    async def open_serial(self, device: str, *, baud_bps: int) -> ByteStream:
        """Open exclusively, 8N1, DTR and RTS low before the open; raises PortUnavailableError."""

    async def open_tcp(self, host: str, port: int) -> ByteStream:
        """Connect; raises PortUnavailableError."""

    async def open_udp(self, host: str, port: int) -> Datagrams:
        """Bind (port 0: any); raises PortUnavailableError."""


class DriverMemory(Protocol):
    """A link's own durable notes (sequence numbers, next allowed transmission); survive a power cut."""

    async def load(self) -> dict[str, str]:
        """All notes of this link."""

    async def save(self, notes: dict[str, str]) -> None:
        """Merge these notes; on disk when it returns. Empty values are removed."""


class Log(Protocol):
    """structlog's shape: an event name and fixed keys."""

    def debug(self, event: str, **keys: object) -> object:
        """Log a fact for developers."""

    def info(self, event: str, **keys: object) -> object:
        """Log a fact for operators."""

    def warning(self, event: str, **keys: object) -> object:
        """Log a fact that somebody should look at."""

    def error(self, event: str, **keys: object) -> object:
        """Log a fact that stops something."""


class Trace(Protocol):
    """Takes every frame and line that passes a port; a no-op unless asked for."""

    def record(self, link: str, direction: str, data: bytes, note: str = "") -> None:
        """`direction` is "rx" or "tx"."""


class Hooks(Protocol):
    """Where the simulator looks in; no-ops elsewhere."""

    def probe(self, name: str) -> None:
        """Note that a rare path was reached."""

    def buggify(self, name: str) -> bool:
        """Whether to be nasty here; always False outside the simulator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverEnv:
    """The outside world as one driver instance sees it."""

    clock: Clock
    random: random.Random
    connector: Connector
    memory: DriverMemory
    log: Log
    trace: Trace
    hooks: Hooks
    may_transmit: Callable[[], bool] = lambda: True
    """False while an operator has stopped transmitting: nothing that goes on the air by itself either
    (heartbeats, registration answers, acknowledgements); receiving goes on."""
