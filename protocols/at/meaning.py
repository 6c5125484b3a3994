"""Typed meaning of the lines of 27.007/27.005 terminals, the Tiantong module's own (`^`, `+RI`) included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from protocols.at.lines import Line

NOT_KNOWN = 99
"""Signal quality value of `+CSQ` for "not known or not detectable" (TS 27.007 clause 8.5)."""

CALL_STATES = ("active", "held", "dialling", "alerting", "incoming", "waiting", "ended")
"""States 0 to 6 of `+CLCC` and of the Tiantong module's `^DSCI`."""

REGISTERED = frozenset({1, 5})
"""Home and roaming."""

REGISTRATION_DENIED = 3

POOR_SNR_DB = 5.0
"""Below this, three times running, the satellite link is poor (rule of a module maker's design document)."""

_LEVELS = (("strong", -70.0), ("mid", -85.0), ("weak", -100.0))
_QUALITIES = (("excellent", 20.0), ("good", 10.0), ("low", POOR_SNR_DB))


@dataclass(frozen=True, slots=True)
class SimReady:
    """`^SIMST`: the card is ready, or not. Sent once after every start of the module."""

    ready: bool


@dataclass(frozen=True, slots=True)
class PinState:
    """`+CPIN`: `READY`, `SIM PIN`, `SIM PUK` and so on (TS 27.007 clause 8.3)."""

    state: str


@dataclass(frozen=True, slots=True)
class Registration:
    """`+CREG`, `+CGREG`, `+CEREG`: 0 not, 1 home, 2 searching, 3 denied, 4 unknown, 5 roaming.

    `mode` is set in the answer to a query only. `area` and `cell` are hexadecimal as sent.
    """

    domain: str
    status: int
    mode: int | None = None
    area: str = ""
    cell: str = ""

    @property
    def registered(self) -> bool:
        """Home or roaming."""
        return self.status in REGISTERED


@dataclass(frozen=True, slots=True)
class SatelliteSignal:
    """`^SATSIGNAL`: level and signal-to-noise ratio."""

    rssi_dbm: float
    snr_db: float

    @property
    def level(self) -> str:
        """`strong` from -70 dBm, `mid` from -85, `weak` from -100, else `none`."""
        return next((word for word, limit in _LEVELS if self.rssi_dbm >= limit), "none")

    @property
    def quality(self) -> str:
        """`excellent` from 20 dB, `good` from 10, `low` from 5, else `poor`."""
        return next((word for word, limit in _QUALITIES if self.snr_db >= limit), "poor")


@dataclass(frozen=True, slots=True)
class CellSignal:
    """`+CSQ`: level 0 to 31 and bit error class 0 to 7, each 99 if not known."""

    rssi: int
    ber: int

    @property
    def rssi_dbm(self) -> int | None:
        """-113 to -51 dBm; None if not known."""
        return None if self.rssi == NOT_KNOWN else -113 + 2 * self.rssi


@dataclass(frozen=True, slots=True)
class Stored:
    """`+CMTI`, or (`report`) `+CDSI`: something arrived and lies in `memory` at `index`."""

    memory: str
    index: int
    report: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """`+CMT`, or (`report`) `+CDS`: the PDU itself; `pdu` None if its line did not come."""

    length_octets: int
    pdu: str | None
    report: bool = False


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message of `+CMGL` (`index` set) or `+CMGR`: status 0 unread, 1 read, 2 unsent, 3 sent."""

    index: int | None
    status: int
    length_octets: int
    pdu: str | None


@dataclass(frozen=True, slots=True)
class SentReference:
    """`+CMGS`: the network took the message and calls it `reference` in its status report."""

    reference: int


@dataclass(frozen=True, slots=True)
class Storage:
    """`+CPMS`: places used and there, of the first store (the one read and deleted from)."""

    used: int
    total: int
    memory: str = ""


@dataclass(frozen=True, slots=True)
class SocketEvent:
    """`+RIURC`: something happened to a socket of the module."""

    kind: str
    socket: int


@dataclass(frozen=True, slots=True)
class PacketEvent:
    """`+CGEV`: packet domain event; `active` True or False where it says so."""

    words: str
    active: bool | None


@dataclass(frozen=True, slots=True)
class Call:
    """`+CLCC`, or `^DSCI` (field order of the latter after its field list; no capture was found)."""

    index: int
    incoming: bool
    state: int
    number: str = ""
    mode: int | None = None
    multiparty: int | None = None
    number_type: int | None = None

    @property
    def state_text(self) -> str:
        """The state as a word."""
        return CALL_STATES[self.state] if 0 <= self.state < len(CALL_STATES) else "unknown"


@dataclass(frozen=True, slots=True)
class Setting:
    """A line with one number, such as `^TETYPE: 6`."""

    name: str
    value: int


Meaning = (
    SimReady
    | PinState
    | Registration
    | SatelliteSignal
    | CellSignal
    | Stored
    | Pushed
    | StoredMessage
    | SentReference
    | Storage
    | SocketEvent
    | PacketEvent
    | Call
    | Setting
)


def interpret(line: Line) -> Meaning | None:
    """Return what a line means; None if we do not know it or its parameters are not as they should be."""
    reader = _READERS.get(line.name)
    if reader is not None:
        return reader(line)
    value = line.number(0)
    if line.name and value is not None and len(line.parameters) == 1:
        return Setting(line.name, value)
    return None


def _sim(line: Line) -> SimReady | None:
    value = line.number(0)
    return None if value is None else SimReady(value == 1)


def _pin(line: Line) -> PinState | None:
    text = line.text(0)
    return PinState(text) if text else None


def _registration(line: Line) -> Registration | None:
    first, second = line.number(0), line.number(1)
    if first is None:
        return None
    status, mode, rest = (first, None, 1) if second is None else (second, first, 2)
    domain = {"+CREG": "CS", "+CGREG": "PS", "+CEREG": "EPS"}[line.name]
    return Registration(domain, status, mode, line.text(rest) or "", line.text(rest + 1) or "")


def _satellite(line: Line) -> SatelliteSignal | None:
    levels = [parameter.decimal for parameter in line.parameters[:2]]
    if len(levels) != 2 or levels[0] is None or levels[1] is None:  # noqa: PLR2004
        return None
    return SatelliteSignal(levels[0], levels[1])


def _cell(line: Line) -> CellSignal | None:
    rssi, ber = line.number(0), line.number(1)
    return None if rssi is None or ber is None else CellSignal(rssi, ber)


def _stored(line: Line) -> Stored | None:
    memory, index = line.text(0), line.number(1)
    return None if not memory or index is None else Stored(memory, index, line.name == "+CDSI")


def _pushed(line: Line) -> Pushed | None:
    length = line.parameters[-1].number
    return None if length is None else Pushed(length, line.pdu, line.name == "+CDS")


def _listed(line: Line) -> StoredMessage | None:
    index, status, length = line.number(0), line.number(1), line.parameters[-1].number
    if index is None or status is None or length is None:
        return None
    return StoredMessage(index, status, length, line.pdu)


def _read(line: Line) -> StoredMessage | None:
    status, length = line.number(0), line.parameters[-1].number
    return None if status is None or length is None else StoredMessage(None, status, length, line.pdu)


def _sent(line: Line) -> SentReference | None:
    reference = line.number(0)
    return None if reference is None else SentReference(reference)


def _storage(line: Line) -> Storage | None:
    named = bool(line.parameters) and line.parameters[0].quoted
    used, total = line.number(int(named)), line.number(1 + int(named))
    if used is None or total is None:
        return None
    return Storage(used, total, (line.text(0) or "") if named else "")


def _socket(line: Line) -> SocketEvent | None:
    kind, socket = line.text(0), line.number(1)
    return None if not kind or socket is None else SocketEvent(kind, socket)


def _packet(line: Line) -> PacketEvent:
    words = line.raw.partition(":")[2].strip()
    listed = words.replace(",", " ").split()
    active = True if "ACT" in listed else False if {"DEACT", "DETACH"} & set(listed) else None
    return PacketEvent(words, active)


def _call(line: Line) -> Call | None:
    index, direction, state = line.number(0), line.number(1), line.number(2)
    if index is None or direction is None or state is None:
        return None
    return Call(
        index, direction == 1, state, line.text(5) or "", line.number(3), line.number(4), line.number(6)
    )


_READERS: Mapping[str, Callable[[Line], Meaning | None]] = MappingProxyType(
    {
        "^SIMST": _sim,
        "+CPIN": _pin,
        "+CREG": _registration,
        "+CGREG": _registration,
        "+CEREG": _registration,
        "^SATSIGNAL": _satellite,
        "+CSQ": _cell,
        "+CMTI": _stored,
        "+CDSI": _stored,
        "+CMT": _pushed,
        "+CDS": _pushed,
        "+CMGL": _listed,
        "+CMGR": _read,
        "+CMGS": _sent,
        "+CPMS": _storage,
        "+RIURC": _socket,
        "+CGEV": _packet,
        "+CLCC": _call,
        "^DSCI": _call,
    }
)
