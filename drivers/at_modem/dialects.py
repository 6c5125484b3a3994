"""Dialects of AT terminals, as data: one TOML file each beside this module."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec

from drivers.base import Bearer
from protocols.errors import BadInputError


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command of the initialisation; `expect` is a line that must be in its answer."""

    send: str
    expect: str = ""
    needed: bool = True


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What differs between families of 27.007/27.005 terminals.

    `restart_line` names the line by which a terminal tells that it has started; `signal_query` asks for the
    signal. `poor_readings` readings below `poor_snr_db` running make the link suspect, below
    `no_signal_snr_db` blocked. `boot_timeout_s` is how long a terminal may be silent while it starts.
    """

    bearer: Bearer
    nominal_bps: int
    latency_s: float
    min_interval_s: float
    boot_timeout_s: float
    restart_line: str
    signal_query: str
    registration_query: str
    list_command: str
    poor_snr_db: float
    poor_readings: int
    no_signal_snr_db: float
    init: tuple[Step, ...]


def dialect_names() -> tuple[str, ...]:
    """Return what `dialect` may say."""
    found = (entry.name for entry in files(__package__).joinpath("dialects").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


@cache
def load_dialect(name: str) -> Dialect:
    """Read a dialect; raise BadInputError naming those there are."""
    known = dialect_names()
    if name not in known:
        raise BadInputError(
            "dialect", limit=f"one of {', '.join(known)}", found=name, en="no such dialect", zh="没有此方言"
        )
    text = files(__package__).joinpath("dialects", f"{name}.toml").read_bytes()
    return msgspec.toml.decode(text, type=Dialect)
