"""The command line's way to the gateway: the standard library only, so that a command starts at once."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from protocols.errors import FieldgateError

DEFAULT_URL = "http://127.0.0.1:7380"
TIMEOUT_S = 15.0
"""Longest wait for an answer that does not wait itself."""
POLL_S = 50
"""One long poll while following events; below the gateway's limit."""
MAX_ANSWER_OCTETS = 64 * 1024 * 1024
"""Longest answer read: 500 messages with all their recipients are far below."""

OK = 0
FAILED = 1
BAD_INPUT = 2
UNREACHABLE = 3
NOT_ALLOWED = 4

Json = dict[str, Any]


class ClientError(FieldgateError):
    """The command ends with `status`; both languages say why."""

    def __init__(self, status: int, en: str, zh: str, body: Json | None = None) -> None:
        super().__init__(en, zh)
        self.status = status
        self.body = body


class Client:
    """One gateway as the command line sees it. Every method raises ClientError."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ClientError(
                BAD_INPUT, f"--url: not an http address: {url}", f"--url：不是 http 地址：{url}"
            )
        self._parts = parts
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, wait_s: float = 0.0, **query: object) -> Json:
        """Fetch JSON; None values are left out of the query."""
        answer: Json = json.loads(self._request("GET", path, query, wait_s=wait_s))
        return answer

    def text(self, path: str, **query: object) -> str:
        """Fetch a text."""
        return self._request("GET", path, query)

    def post(self, path: str, body: Json | None = None, **headers: str) -> Json:
        """Send JSON, get JSON; header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: Json = json.loads(self._request("POST", path, {}, body=body or {}, headers=named))
        return answer

    def follow(self, cursor: int | None = None) -> Iterator[Json]:
        """Yield events from a cursor (None: from now) for ever; a gap comes as `{"type": "gap", ...}`."""
        epoch: str | None = None
        while True:
            answer = self.get("events", wait_s=POLL_S, cursor=cursor, epoch=epoch)
            cursor, epoch = answer["cursor"], answer["epoch"]
            if answer["gap"] is not None:
                yield {"type": "gap", **answer["gap"]}
            yield from answer["events"]

    def _request(
        self,
        method: str,
        path: str,
        query: dict[str, object],
        *,
        body: Json | None = None,
        headers: dict[str, str] | None = None,
        wait_s: float = 0.0,
    ) -> str:
        asked = {name: value for name, value in query.items() if value is not None}
        if wait_s:
            asked["wait_s"] = int(wait_s)
        target = f"{self._parts.path.rstrip('/')}/api/v1/{path}" + (f"?{urlencode(asked)}" if asked else "")
        sent = {**self._headers, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        make = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = make(self._parts.hostname or "", self._parts.port, timeout=TIMEOUT_S + wait_s)
        try:
            connection.request(method, target, None if body is None else json.dumps(body).encode(), sent)
            response = connection.getresponse()
            data = response.read(MAX_ANSWER_OCTETS).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
            where = f"{self._parts.scheme}://{self._parts.netloc}"
            raise ClientError(
                UNREACHABLE,
                f"cannot reach the gateway at {where} ({error})",
                f"无法连接网关 {where}（{error}）",
            ) from error
        finally:
            connection.close()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise _refusal(response.status, data)
        return data


def _refusal(status: int, data: str) -> ClientError:
    try:
        error = json.loads(data)["error"]
        en, zh = error["en"], error["zh"]
    except (ValueError, KeyError, TypeError):
        return ClientError(FAILED, f"the gateway answered {status}", f"网关返回 {status}")
    exits = {400: BAD_INPUT, 404: BAD_INPUT, 401: NOT_ALLOWED, 403: NOT_ALLOWED}
    return ClientError(exits.get(status, FAILED), en, zh, {"error": error})


def part(text: str) -> str:
    """Quote one part of a path."""
    return quote(text, safe="")


def client_options() -> argparse.ArgumentParser:
    """Return the options that every client command has."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--url",
        default=os.environ.get("FIELDGATE_URL", DEFAULT_URL),
        help=f"the gateway 网关地址 (default {DEFAULT_URL}, env FIELDGATE_URL)",
    )
    options.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="file that holds the token 令牌文件 (otherwise env FIELDGATE_TOKEN)",
    )
    options.add_argument("--json", action="store_true", help="what the gateway answered 输出 JSON")
    options.add_argument(
        "--lang", choices=("zh", "en"), default=language(), help="language 语言 (default from LANG)"
    )
    return options


def language() -> str:
    """Return `en` if the environment asks for English, else `zh`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name, ""):
            return "en" if value.lower().startswith("en") else "zh"
    return "zh"


Handler = Callable[[Client, argparse.Namespace], int]


def runs(handler: Handler) -> Callable[[argparse.Namespace], int]:
    """Return what a parser's `run` is for a command that talks to the gateway."""
    return partial(_run, handler)


def _run(handler: Handler, args: argparse.Namespace) -> int:
    try:
        return handler(Client(args.url, _token(args.token_file)), args)
    except ClientError as error:
        if args.json and error.body is not None:
            print_json(error.body)
        print(error.zh if args.lang == "zh" else error.en, file=sys.stderr)
        if error.status == NOT_ALLOWED and not _token_given(args):
            hint = (
                "未提供令牌：设置环境变量 FIELDGATE_TOKEN 或使用 --token-file",
                "no token given: set FIELDGATE_TOKEN or use --token-file",
            )
            print(hint[args.lang == "en"], file=sys.stderr)
        return error.status


def _token_given(args: argparse.Namespace) -> bool:
    return args.token_file is not None or bool(os.environ.get("FIELDGATE_TOKEN"))


def _token(file: Path | None) -> str:
    if file is None:
        return os.environ.get("FIELDGATE_TOKEN", "").strip()
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ClientError(
            BAD_INPUT,
            f"--token-file: cannot read {file} ({error})",
            f"--token-file：无法读取 {file}（{error}）",
        ) from error
    if not token.isascii() or not token.isprintable():
        raise ClientError(
            BAD_INPUT, f"--token-file: {file} holds no token", f"--token-file：{file} 中没有令牌"
        )
    return token


def print_json(value: object) -> None:
    """Print one JSON value on one line."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_lines(lines: list[str]) -> None:
    """Print lines at once, also into a pipe."""
    print("\n".join(lines), flush=True)
