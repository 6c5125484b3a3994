"""The command set of a simulated Tiantong module: what 27.007/27.005 hosts ask for, and `^` of its own."""

# ruff: noqa: PLR2004  # modes and formats as numbered in the standards

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from typing_extensions import override

from sim.devices.at_terminal import AtError, AtTerminal
from sim.devices.tiantong_stores import ALL, READ, UNREAD, UNSENT, Stores

NOT_REGISTERED, HOME, SEARCHING, DENIED = 0, 1, 2, 3
BASIC: Final = frozenset({"E", "Z", "&F", "V", "Q", "X", "H"})
IDENTITY: Final = MappingProxyType(
    {
        "+CGMI": "SIMULATED", "+GMI": "SIMULATED", "+CGMM": "TT-SIM", "+GMM": "TT-SIM", "+CGMR": "1.0",
        "+GMR": "1.0", "+CGSN": "860000000000017", "+GSN": "860000000000017", "+CIMI": "460110000000017",
        "I": "TT-SIM",
    }
)  # fmt: skip
READS: Final = MappingProxyType(
    {
        "+CSCS=?": '+CSCS: ("GSM","IRA","UCS2")', "+CPMS=?": '+CPMS: ("ME","SM"),("ME","SM"),("ME","SM")',
        "+CNMI=?": "+CNMI: (0-2),(0-2),(0),(0-2),(0)", "+CMGF=?": "+CMGF: (0)", "+CMGF?": "+CMGF: 0",
        "+CMGL=?": "+CMGL: (0-4)", "+CREG=?": "+CREG: (0-2)", "+CGREG=?": "+CGREG: (0-2)",
        "+CMEE=?": "+CMEE: (0,1)", "+CFUN=?": "+CFUN: (0,1)", "+CGATT?": "+CGATT: 1", "+CFUN?": "+CFUN: 1",
        "+CPAS": "+CPAS: 0", "^TETYPE?": "^TETYPE: 6", "^VOICERATE?": "^VOICERATE: 5",
        "+CSMS?": "+CSMS: 0,1,1,1", "+CMMS?": "+CMMS: 0",
        "+COPS=?": '+COPS: (2,"TIANTONG","TT","46011")',
    }
)  # fmt: skip
ACCEPTED: Final = frozenset(
    {
        "+CSMS",
        "+CMMS",
        "+CSMP",
        "+CSDH",
        "+CLIP",
        "+CRC",
        "+CGATT",
        "^TETYPE",
        "^VOICERATE",
        "^VOICEMODE",
        "+CHLD",
    }
)
"""Settings taken without effect here."""


class TiantongCommands(AtTerminal):
    """Settings and stores of a module, and the commands on them; the radio side is a subclass."""

    def __init__(self, smsc: str, storage_size: int) -> None:
        super().__init__()
        self.smsc = smsc
        self._sim_present = True
        self.registration = NOT_REGISTERED
        self.stores = Stores(storage_size)
        self.set_back()

    @property
    def sim_present(self) -> bool:
        """Whether a card is in. Settable."""
        return self._sim_present

    @sim_present.setter
    def sim_present(self, value: bool) -> None:
        self._sim_present = value
        self._look_again()

    @abstractmethod
    def _look_again(self) -> None:
        """Something about the sky or the card changed."""

    @abstractmethod
    def signal_line(self) -> str:
        """What `^SATSIGNAL` says now."""

    @abstractmethod
    def level(self) -> int:
        """The level of `+CSQ`, 99 if not known."""

    @abstractmethod
    def submit(self, pdu: bytes, length_octets: int) -> None:
        """Send a message to the network; ends with `finish`."""

    @abstractmethod
    def room_again(self) -> None:
        """Tell the centre that a place was freed."""

    def set_back(self) -> None:
        """Set back what every start sets back."""
        self._cnmi = [0, 0, 0, 0, 0]
        self._registration_reports = {"+CREG": 0, "+CGREG": 0}
        self._charset = "GSM"
        self._operator_format = 0

    @override
    def command(self, name: str, kind: str, argument: str) -> list[str] | None:
        if name in IDENTITY and kind == "run":
            return [IDENTITY[name]]
        if (fixed := READS.get(name + {"read": "?", "test": "=?", "run": "", "set": "="}[kind])) is not None:
            return [fixed]
        if name in ACCEPTED and kind == "set":
            return []
        if name in BASIC:
            return self._basic(name, argument)
        if name in self._registration_reports:
            return self._creg(name, kind, argument)
        handlers: dict[str, Callable[[str, str], list[str] | None]] = {
            "+CPIN": self._pin, "+CMEE": self._error_level, "^SATSIGNAL": self._sky, "+CSQ": self._csq,
            "+COPS": self._operator, "+CSCS": self._charset_command, "+CFUN": self._function,
            "+CMGF": self._format, "+CSCA": self._centre_number, "+CPMS": self._choose_stores,
            "+CNMI": self._indications, "+CMGL": self._list, "+CMGR": self._read, "+CMGD": self._delete,
            "+CMGW": self._store, "+CMGS": self._send,
        }  # fmt: skip
        if name not in handlers:
            raise AtError
        return handlers[name](kind, argument)

    def _basic(self, name: str, argument: str) -> list[str]:
        if name == "E":
            self.echo = argument == "1"
        elif name in ("Z", "&F"):
            self.set_back()
        return []

    def _pin(self, kind: str, _argument: str) -> list[str]:
        if not self.sim_present:
            raise AtError("CME", 10)
        if kind != "read":
            raise AtError("CME", 3)
        return ["+CPIN: READY"]

    def _error_level(self, kind: str, argument: str) -> list[str]:
        if kind == "read":
            return [f"+CMEE: {self.error_level}"]
        self.error_level = min(_numbers(argument)[0], 1)
        return []

    def _sky(self, _kind: str, _argument: str) -> list[str]:
        return [self.signal_line()]

    def _csq(self, _kind: str, _argument: str) -> list[str]:
        return [f"+CSQ: {self.level()},99"]

    def _creg(self, name: str, kind: str, argument: str) -> list[str]:
        if kind == "set":
            self._registration_reports[name] = _numbers(argument)[0]
            return []
        level = self._registration_reports[name]
        cell = ',"2A01","0001"' if level == 2 and self.registration == HOME else ""
        return [f"{name}: {level},{self.registration}{cell}"]

    def _operator(self, kind: str, argument: str) -> list[str]:
        if kind == "set":
            chosen = _numbers(argument)
            self._operator_format = chosen[1] if len(chosen) > 1 and chosen[0] == 3 else self._operator_format
            return []
        if self.registration != HOME:
            return ["+COPS: 0"]
        name = ("TIANTONG", "TT", "46011")[self._operator_format]
        name = name.encode("utf-16-be").hex().upper() if self._charset == "UCS2" else name
        return [f'+COPS: 0,{self._operator_format},"{name}"']

    def _charset_command(self, kind: str, argument: str) -> list[str]:
        if kind == "read":
            return [f'+CSCS: "{self._charset}"']
        if argument.strip('"') not in ("GSM", "IRA", "UCS2"):
            raise AtError
        self._charset = argument.strip('"')
        return []

    def _function(self, _kind: str, _argument: str) -> list[str]:
        return []

    def _format(self, _kind: str, argument: str) -> list[str]:
        if argument != "0":
            raise AtError("CMS", 303)
        return []

    def _centre_number(self, kind: str, argument: str) -> list[str]:
        if kind == "read":
            return [f'+CSCA: "{self.smsc}",145']
        self.smsc = argument.split(",", maxsplit=1)[0].strip('"')
        return []

    def _choose_stores(self, kind: str, argument: str) -> list[str]:
        if kind == "read":
            return [f"+CPMS: {self.stores.numbers(named=True)}"]
        if not self.stores.choose([name.strip().strip('"') for name in argument.split(",")]):
            raise AtError("CMS", 302)
        return [f"+CPMS: {self.stores.numbers(named=False)}"]

    def _indications(self, kind: str, argument: str) -> list[str]:
        if kind == "read":
            return [f"+CNMI: {','.join(map(str, self._cnmi))}"]
        given = _numbers(argument)
        self._cnmi[: len(given)] = given[:5]
        return []

    def _list(self, kind: str, argument: str) -> list[str]:
        wanted = _numbers(argument)[0] if kind == "set" else UNREAD
        lines = []
        for index, slot in sorted(self.stores.reading.slots.items()):
            if wanted in (ALL, slot.status):
                lines.append(
                    f"+CMGL: {index},{slot.status},,{_counted(slot.pdu)}\r\n{slot.pdu.hex().upper()}"
                )
                slot.status = READ if slot.status == UNREAD else slot.status
        return lines

    def _read(self, _kind: str, argument: str) -> list[str]:
        index = _numbers(argument)[0]
        slot = self.stores.reading.slots.get(index)
        if slot is None:
            raise AtError("CMS", 321)
        line = f"+CMGR: {slot.status},,{_counted(slot.pdu)}\r\n{slot.pdu.hex().upper()}"
        slot.status = READ if slot.status == UNREAD else slot.status
        return [line]

    def _delete(self, kind: str, argument: str) -> list[str]:
        if kind == "test":
            places = ",".join(map(str, sorted(self.stores.reading.slots)))
            return [f"+CMGD: ({places}),(0-4)"]
        index, flag = [*_numbers(argument), 0][:2]
        if not self.stores.delete(index, flag):
            raise AtError("CMS", 321)
        self.room_again()
        return []

    def _store(self, _kind: str, argument: str) -> list[str] | None:
        _numbers(argument)

        def store(pdu: bytes) -> None:
            index = self.stores.writing.put(pdu, UNSENT)
            if index is None:
                self.finish(AtError("CMS", 322))
            else:
                self.say(f"+CMGW: {index}")
                self.finish()

        self.want_pdu(store)
        return None

    def _send(self, _kind: str, argument: str) -> list[str] | None:
        length = _numbers(argument)[0]
        self.want_pdu(lambda pdu: self.submit(pdu, length))
        return None


def _counted(pdu: bytes) -> int:
    return len(pdu) - 1 - pdu[0]


def _numbers(argument: str) -> list[int]:
    try:
        return [int(part) for part in argument.split(",")]
    except ValueError as error:
        raise AtError("CMS", 304) from error
