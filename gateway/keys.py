"""Key files: one per gateway station, and the master that stays at headquarters. Never a key in an error."""

from __future__ import annotations

import hashlib
import os
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from gateway.toml_errors import convert
from protocols.air import KEY_OCTETS, STATION_MAX, KeyRing, derive_net_key, derive_pair_key
from protocols.errors import BadInputError

FILE_MAX_OCTETS = 2_000_000
"""Largest key file read: 65535 pair keys would need 5 MB, a province of 10 000 gateways 0.8 MB."""

FINGERPRINT_OCTETS = 6
"""Enough to tell two keys apart by eye; says nothing about the key."""

MASTER_FILE = "master.toml"

Number32 = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
Station = Annotated[int, msgspec.Meta(ge=1, le=STATION_MAX)]


FileT = TypeVar("FileT")


class StationFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A station's key file; keys in hexadecimal, pair keys by the other station's number."""

    station: Station
    net_id: Number32
    epoch: Number32
    net_key: str
    pair: dict[str, str]


class MasterFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The master's file, from which every key of the net can be derived again."""

    net_id: Number32
    epoch: Number32
    master_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """What headquarters keeps in its safe."""

    net_id: int
    epoch: int
    key: bytes = field(repr=False)

    def ring(self, own: int, gateways: Iterable[int]) -> KeyRing:
        """Derive the keys of station `own` with every other gateway."""
        pairs = {
            other: derive_pair_key(self.key, own, other, self.epoch) for other in gateways if other != own
        }
        net_key = derive_net_key(self.key, self.net_id, self.epoch)
        return KeyRing(own=own, net_id=self.net_id, epoch=self.epoch, net_key=net_key, pairs=pairs)


def new_master(random_octets: Callable[[int], bytes]) -> Master:
    """Draw a fresh master and net number; `random_octets` must be the system's source of secrets."""
    return Master(net_id=int.from_bytes(random_octets(4), "big"), epoch=0, key=random_octets(KEY_OCTETS))


def station_file_name(number: int) -> str:
    """Name a station's key file inside the directory of `keys new`."""
    return f"station-{number}.toml"


def write_all(master: Master, gateways: Iterable[int], directory: Path) -> list[Path]:
    """Write the master file and one file per gateway station, each 0600; never touches existing ones."""
    numbers = sorted(set(gateways))
    texts = {MASTER_FILE: _master_text(master)}
    texts |= {station_file_name(number): _ring_text(master.ring(number, numbers)) for number in numbers}
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in texts:
        if (directory / name).exists():
            raise BadInputError(
                "out",
                limit="a directory without key files",
                found=str(directory / name),
                en="existing keys are never overwritten",
                zh="不会覆盖已有密钥",
            )
    for name, text in texts.items():
        write_private(directory / name, text)
    return [directory / name for name in texts]


def write_private(path: Path, text: str) -> None:
    """Write atomically with mode 0600 from the first octet: whole or not at all, also after a power cut."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def load_keys(path: Path) -> KeyRing | Master:
    """Read a station's or the master's key file; raises BadInputError naming file, field and limit."""
    table = _private_table(path)
    if "master_key" in table:
        master = _checked(table, MasterFile, path)
        key = _key(master.master_key, path, "master_key")
        return Master(net_id=master.net_id, epoch=master.epoch, key=key)
    file = _checked(table, StationFile, path)
    pairs = {
        _other(name, file.station, path): _key(text, path, f"pair.{name}") for name, text in file.pair.items()
    }
    net_key = _key(file.net_key, path, "net_key")
    return KeyRing(own=file.station, net_id=file.net_id, epoch=file.epoch, net_key=net_key, pairs=pairs)


def load_station_keys(path: Path) -> KeyRing:
    """Read a gateway's key file; the master's is refused, it has no business on a vehicle."""
    keys = load_keys(path)
    if isinstance(keys, Master):
        raise BadInputError(
            str(path),
            limit="a station's key file",
            found="the master key file",
            en="the master key stays at headquarters and runs no gateway",
            zh="主密钥应留在指挥中心，不能用于运行网关",
        )
    return keys


def fingerprint(key: bytes) -> str:
    """Return twelve hexadecimal digits that tell keys apart and reveal nothing."""
    digest = hashlib.sha256(b"fieldgate key fingerprint" + key).hexdigest()[: 2 * FINGERPRINT_OCTETS]
    return "-".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def describe(keys: KeyRing | Master, *, secret: bool) -> Mapping[str, Any]:
    """Return what `keys show` prints: fingerprints, or the keys themselves if `secret`."""
    show = bytes.hex if secret else fingerprint
    if isinstance(keys, Master):
        return {"net_id": keys.net_id, "epoch": keys.epoch, "master_key": show(keys.key)}
    pairs = {str(number): show(key) for number, key in sorted(keys.pairs.items())}
    head = {"station": keys.own, "net_id": keys.net_id, "epoch": keys.epoch, "net_key": show(keys.net_key)}
    return {**head, "pair": pairs}


def _private_table(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            octets = file.read(FILE_MAX_OCTETS + 1)
    except OSError as error:
        raise BadInputError(
            str(path), limit="a readable file", found=error.strerror, zh="无法读取密钥文件"
        ) from error
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise BadInputError(
            str(path),
            limit="mode 0600: nobody but its owner may read a key file",
            found=f"{mode:04o}",
            zh="密钥文件权限过宽，应为 0600",
        )
    if len(octets) > FILE_MAX_OCTETS:
        raise BadInputError(
            str(path), limit=f"{FILE_MAX_OCTETS} octets", found=f"{status.st_size} octets", zh="密钥文件过大"
        )
    try:
        return tomllib.loads(octets.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # The parser's words may quote the line: only where it is may be said.
        raise BadInputError(
            str(path), limit="TOML in UTF-8", found=type(error).__name__, zh="密钥文件不是有效的 TOML"
        ) from None


def _checked(table: dict[str, Any], kind: type[FileT], path: Path) -> FileT:
    try:
        return convert(table, kind, where=str(path))
    except BadInputError as error:
        limit = error.limit
        field = error.field
    # What was found may be a key in the wrong place: it is not repeated, nor is the error that holds it.
    raise BadInputError(field, limit=limit, found="not shown", zh="密钥文件内容不正确")


def _key(text: str, path: Path, name: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_OCTETS or len(set(key)) == 1:
        raise BadInputError(
            f"{path}: {name}",
            limit=f"{2 * KEY_OCTETS} hexadecimal digits, not all alike",
            found=f"{len(text)} characters",
            zh="密钥格式不正确",
        )
    return key


def _other(name: str, own: int, path: Path) -> int:
    number = int(name) if name.isascii() and name.isdecimal() and len(name) <= len(str(STATION_MAX)) else 0
    if not 1 <= number <= STATION_MAX or number == own:
        raise BadInputError(
            f"{path}: pair.{name[:10]}",
            limit=f"another station's number, 1..{STATION_MAX}",
            found=name,
            zh="台站号不正确",
        )
    return number


def _master_text(master: Master) -> str:
    lines = [
        "# fieldgate 主密钥：只存放在指挥中心。Master key: stays at headquarters, on no vehicle.",
        f"net_id = {master.net_id}",
        f"epoch = {master.epoch}",
        f'master_key = "{master.key.hex()}"',
    ]
    return "\n".join(lines) + "\n"


def _ring_text(ring: KeyRing) -> str:
    lines = [
        f"# fieldgate 台站 {ring.own} 密钥，不得外传。Keys of station {ring.own}: secret.",
        f"station = {ring.own}",
        f"net_id = {ring.net_id}",
        f"epoch = {ring.epoch}",
        f'net_key = "{ring.net_key.hex()}"',
        "[pair]",
        *(f'{number} = "{key.hex()}"' for number, key in sorted(ring.pairs.items())),
    ]
    return "\n".join(lines) + "\n"
