"""The `[api]` table and the `[[token]]` tables of the configuration."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Annotated, Literal

import msgspec

from gateway.api.backend import Caller, Role
from gateway.domain import Precedence
from protocols.errors import BadInputError

DEFAULT_PORT = 7380
"""Port of the API and the page; nothing registered in the field uses it."""

MAX_BODY_OCTETS = 64 * 1024
"""Largest request body by default: 4 000 characters as six-octet JSON escapes, twice over."""

MAX_WS_CLIENTS = 32
"""Event streams open at once by default: every seat of a headquarters, and bounded memory."""

MAX_TOKENS = 64
"""Every request compares all hashes, so that its time tells nothing; bounds that time."""

HASH = re.compile(r"(?:([!-#%-~]{1,64})\$)?([0-9a-f]{64})")
"""`hex` or `salt$hex`: SHA-256 of salt + token in UTF-8."""


class ApiConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of `[api]`."""

    bind: str = f"127.0.0.1:{DEFAULT_PORT}"
    """`address:port`, IPv6 in brackets; port 0 takes a free one."""
    body_limit_octets: Annotated[int, msgspec.Meta(ge=1_024, le=1_048_576)] = MAX_BODY_OCTETS
    ws_clients_max: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = MAX_WS_CLIENTS
    page: bool = True
    """Whether the status page is served beside the API."""

    def address(self) -> tuple[str, int]:
        """Host and port of `bind`; raises BadInputError."""
        host, colon, port = self.bind.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            colon = ""
        if not colon or not host or not port.isdecimal() or int(port) > MAX_PORT:
            raise BadInputError(
                "api.bind", limit="address:port, IPv6 in brackets", found=self.bind, zh="监听地址无效"
            )
        return host, int(port)


class TokenConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of one `[[token]]`: the file holds the hash, never the token."""

    name: str
    role: Literal["viewer", "operator", "admin"] = "viewer"
    ceiling: Literal["DEFERRED", "ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH", "SOS"] = "IMMEDIATE"
    sha256: str

    def caller(self) -> Caller:
        """Return who acts with this token."""
        return Caller(name=self.name, role=Role[self.role.upper()], ceiling=Precedence[self.ceiling])


def hash_token(token: str, salt: str = "") -> str:
    """Return what `sha256` holds for a token: the digest in hex, behind `salt$` if there is a salt."""
    digest = hashlib.sha256((salt + token).encode()).hexdigest()
    return f"{salt}${digest}" if salt else digest


class Tokens:
    """Finds the caller of a token. Raises BadInputError on a malformed table."""

    def __init__(self, configured: tuple[TokenConfig, ...]) -> None:
        if len(configured) > MAX_TOKENS:
            raise BadInputError("token", limit=f"{MAX_TOKENS} tables", found=len(configured), zh="令牌过多")
        names = [token.name for token in configured]
        for name in names:
            if not name or not name.isprintable() or names.count(name) > 1:
                raise BadInputError(
                    "token.name", limit="printable, used once", found=name, zh="令牌名称无效或重复"
                )
        self._known = tuple((*_parse_hash(token), token.caller()) for token in configured)

    def find(self, token: str) -> Caller | None:
        """Return who the token belongs to; takes the same time whether or not it is known."""
        found: Caller | None = None
        for salt, digest, caller in self._known:
            offered = hashlib.sha256((salt + token).encode("utf-8", "replace")).hexdigest()
            if hmac.compare_digest(offered, digest):
                found = caller
        return found


def _parse_hash(token: TokenConfig) -> tuple[str, str]:
    match = HASH.fullmatch(token.sha256.lower() if "$" not in token.sha256 else token.sha256)
    if match is None:
        raise BadInputError(
            f"token.sha256 ({token.name})",
            limit="64 hex digits, or salt$64 hex digits",
            found=f"{len(token.sha256)} characters",
            zh="令牌摘要格式无效（应为 SHA-256 十六进制，不是令牌本身）",
        )
    return match[1] or "", match[2]


MAX_PORT = 65_535
