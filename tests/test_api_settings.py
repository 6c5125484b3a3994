"""The configuration's `[api]` and `[[token]]` tables are checked before anything listens."""

from __future__ import annotations

import socket

import msgspec
import pytest

from gateway.api.app import BindError, build, serve
from gateway.api.backend import Role
from gateway.api.settings import MAX_TOKENS, ApiConfig, TokenConfig, Tokens, hash_token
from gateway.domain import Precedence
from protocols.errors import BadInputError
from tests import api_scene
from tests.api_backend import LoopClock


@pytest.mark.parametrize(
    ("bind", "address"),
    [
        ("127.0.0.1:7380", ("127.0.0.1", 7380)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:80", ("localhost", 80)),
    ],
)
def test_bind_is_address_and_port(bind: str, address: tuple[str, int]) -> None:
    """`bind` takes IPv4, IPv6 in brackets and names."""
    assert ApiConfig(bind=bind).address() == address


@pytest.mark.parametrize("bind", ["7380", "::1:80", "host:", ":80", "host:99999", "host:-1", "host:x", ""])
def test_bad_bind_names_key_and_limit(bind: str) -> None:
    """A bind that is none is refused by name."""
    with pytest.raises(BadInputError, match=r"api\.bind.*brackets"):
        ApiConfig(bind=bind).address()


def test_api_listens_on_this_box_only_unless_told() -> None:
    """The default address is the loopback one."""
    assert ApiConfig().address()[0] == "127.0.0.1"


def test_token_is_found_by_plain_and_salted_hash() -> None:
    """Both forms of `sha256` let their token in with its name, role and ceiling."""
    tokens = api_scene.tokens()
    operator, viewer = tokens.find(api_scene.TOKEN), tokens.find(api_scene.VIEWER)

    assert operator is not None
    assert viewer is not None
    assert (operator.name, operator.role, operator.ceiling) == (
        "值班员甲",
        Role.OPERATOR,
        Precedence.IMMEDIATE,
    )
    assert viewer.role is Role.VIEWER
    assert tokens.find("") is None
    assert tokens.find(hash_token(api_scene.TOKEN)) is None


@pytest.mark.parametrize(
    "sha256", ["", "secret-token", "0" * 63, "g" * 64, f"${'0' * 64}", f"a b${'0' * 64}"]
)
def test_hash_that_is_none_is_refused_without_repeating_it(sha256: str) -> None:
    """Who puts the token itself into the file is told so, and the token is not repeated."""
    with pytest.raises(BadInputError, match="64 hex digits") as refused:
        Tokens((TokenConfig(name="n", sha256=sha256),))

    assert not sha256 or sha256 not in str(refused.value)


@pytest.mark.parametrize(
    "tables",
    [
        (TokenConfig(name="a", sha256="0" * 64), TokenConfig(name="a", sha256="1" * 64)),
        (TokenConfig(name="", sha256="0" * 64),),
        tuple(TokenConfig(name=str(n), sha256="0" * 64) for n in range(MAX_TOKENS + 1)),
    ],
)
def test_names_are_unique_and_bounded(tables: tuple[TokenConfig, ...]) -> None:
    """A name stands for one person in the record; too many tables are refused."""
    with pytest.raises(BadInputError, match="token"):
        Tokens(tables)


@pytest.mark.parametrize(
    "table",
    [{"name": "a", "sha256": "0", "rol": "x"}, {"name": "a", "sha256": "0", "role": "boss"}, {"sha256": "0"}],
)
def test_misspelt_key_or_role_is_refused(table: dict[str, str]) -> None:
    """Unknown keys, unknown roles and missing names do not pass."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, TokenConfig)


@pytest.mark.real
async def test_port_in_use_is_an_error_that_names_it() -> None:
    """A taken port is one clear error, not a traceback of a task."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = ApiConfig(bind=f"127.0.0.1:{taken.getsockname()[1]}")
        backend = api_scene.empty(LoopClock())
        app = build(backend, api_scene.tokens(), config, backend.clock, api_scene.log())
        with pytest.raises(BindError, match=r"api\.bind"):
            async with serve(app, config):
                pass
