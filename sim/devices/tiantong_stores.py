"""Where a module keeps messages: the stores of `AT+CPMS`, with places that can be full (TS 27.005)."""

from __future__ import annotations

from dataclasses import dataclass

UNREAD, READ, UNSENT, SENT, ALL = 0, 1, 2, 3, 4


@dataclass(slots=True)
class Slot:
    """One stored message: status as in `+CMGL`, service centre and TPDU."""

    status: int
    pdu: bytes


class Store:
    """Numbered places, from 1."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.slots: dict[int, Slot] = {}

    def put(self, pdu: bytes, status: int) -> int | None:
        """Store at the first free place and return it; None when full."""
        for index in range(1, self.size + 1):
            if index not in self.slots:
                self.slots[index] = Slot(status, pdu)
                return index
        return None


class Stores:
    """The stores and which of them read, write and receive; `used` gives `+CPMS` its numbers."""

    def __init__(self, size: int) -> None:
        self.by_name = {"ME": Store(size), "SM": Store(size)}
        self.chosen = ["ME", "ME", "ME"]

    @property
    def reading(self) -> Store:
        """The store that `+CMGL`, `+CMGR` and `+CMGD` work on."""
        return self.by_name[self.chosen[0]]

    @property
    def writing(self) -> Store:
        """The store of `+CMGW`."""
        return self.by_name[self.chosen[1]]

    @property
    def receiving(self) -> Store:
        """Where what arrives is stored."""
        return self.by_name[self.chosen[2]]

    def choose(self, names: list[str]) -> bool:
        """Choose one to three stores; False, with nothing changed, for one that is not there."""
        if not 1 <= len(names) <= len(self.chosen) or set(names) - set(self.by_name):
            return False
        self.chosen[: len(names)] = names
        return True

    def numbers(self, *, named: bool) -> str:
        """Places used and there, of all three."""
        parts = []
        for name in self.chosen:
            store = self.by_name[name]
            parts.append((f'"{name}",' if named else "") + f"{len(store.slots)},{store.size}")
        return ",".join(parts)

    def delete(self, index: int, flag: int) -> bool:
        """Delete as `+CMGD=index,flag` does; False for a place that is not there."""
        store = self.reading
        doomed = {1: {READ}, 2: {READ, SENT}, 3: {READ, SENT, UNSENT}, 4: {UNREAD, READ, SENT, UNSENT}}
        if flag:
            kinds = doomed.get(flag, set())
            store.slots = {i: slot for i, slot in store.slots.items() if slot.status not in kinds}
            return bool(kinds)
        store.slots.pop(index, None)
        return 1 <= index <= store.size
