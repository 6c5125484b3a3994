"""`fieldgate send` and `fieldgate messages`."""

from __future__ import annotations

import argparse
import re
import sys

from gateway.cli_http import (
    BAD_INPUT,
    FAILED,
    OK,
    POLL_S,
    Client,
    ClientError,
    Json,
    client_options,
    part,
    print_json,
    print_lines,
    runs,
)
from gateway.cli_names import Names, clock_time
from gateway.columns import printable, table, width
from gateway.words import ZH, say, say_reason

PRECEDENCES = ("DEFERRED", "ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH", "SOS")
MAX_STDIN_CHARS = 20_000
"""Read from standard input at most: five times the longest message, so that the gateway names its limit."""
TEXT_CELLS = 40
"""Width of a text in the list; `messages ID` shows all of it."""
DEFAULT_WAIT_S = 300
LIFETIME = re.compile(r"(\d{1,8})([smhd]?)")
UNIT_S = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
HEAD = {
    "zh": ("时间", "编号", "等级", "发", "收与状态", "正文"),
    "en": ("time", "id", "precedence", "from", "to and state", "text"),
}
REACHED = frozenset({"delivered", "read", "acknowledged"})


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `send` and `messages`."""
    send = subparsers.add_parser("send", parents=[client_options()], help="send a message 发报")
    send.add_argument(
        "to", nargs="+", metavar="TO", help="call sign, number or group; - reads the text 呼号、台号或组名"
    )
    send.add_argument("--text", help="the text; - or none: standard input 正文；- 表示标准输入")
    send.add_argument(
        "--precedence", type=_precedence, default="ROUTINE", metavar="P", help="0..5, name or 平件…求救"
    )
    send.add_argument("--lifetime", type=_lifetime, metavar="T", help="such as 90s 30m 6h 2d 有效期")
    send.add_argument("--order", action="store_true", help="it is an order 命令")
    send.add_argument("--ack", action="store_true", help="a person must acknowledge 须回复收到")
    send.add_argument("--keep", action="store_true", help="too large: wait for a bigger bearer 过大时留待")
    send.add_argument("--exercise", action="store_true", help="mark as exercise 标记为演练")
    send.add_argument("--key", metavar="KEY", help="Idempotency-Key: the same key never sends twice 防重复键")
    send.add_argument(
        "--wait",
        nargs="?",
        type=int,
        const=DEFAULT_WAIT_S,
        default=0,
        metavar="SECONDS",
        help="until every recipient is reached or given up 等待送达",
    )
    send.set_defaults(run=runs(run_send))
    messages = subparsers.add_parser(
        "messages", parents=[client_options()], help="list or show messages 报文"
    )
    messages.add_argument("id", nargs="?", metavar="ID", help="show this one 报文编号")
    messages.add_argument("--why", action="store_true", help="every attempt with its reason 每次尝试及原因")
    messages.add_argument("--state", help="only with a recipient in this state 状态")
    messages.add_argument("--station", help="only from or to it 台站")
    messages.add_argument("--limit", type=int, default=20, help="rows 行数")
    messages.set_defaults(run=runs(run_messages))


def run_send(client: Client, args: argparse.Namespace) -> int:
    """Send; 0 when accepted (with --wait: when every recipient was reached)."""
    body: Json = {
        "to": [word for word in args.to if word != "-"],
        "text": _text(args),
        "precedence": args.precedence,
        "kind": "order" if args.order else "text",
        "ack_wanted": args.ack,
        "keep": args.keep,
        "exercise": args.exercise,
    }
    if args.lifetime is not None:
        body["lifetime_s"] = args.lifetime
    message = client.post("messages", body, **({"Idempotency_Key": args.key} if args.key else {}))
    if args.wait > 0:
        message = _wait(client, message, args.wait)
    if args.json:
        print_json(message)
    else:
        names = Names(client)
        print_lines([message["id"], *(f"  {line}" for line in _recipients(message, names, args.lang))])
    return OK if args.wait <= 0 or all(one["state"] in REACHED for one in message["recipients"]) else FAILED


def run_messages(client: Client, args: argparse.Namespace) -> int:
    """List messages, newest first, or show one."""
    if args.id:
        message = client.get(f"messages/{part(args.id)}")
        if args.json:
            print_json(message)
        else:
            print_lines(_detail(message, Names(client), args))
        return OK
    answer = client.get(
        "messages",
        limit=args.limit,
        state=args.state,
        station=args.station,
        attempts=1 if args.why else None,
    )
    if args.json:
        print_json(answer)
        return OK
    names = Names(client)
    if args.why:
        for message in answer["messages"]:
            print_lines([*_detail(message, names, args), ""])
        return OK
    rows = [_row(message, names, args.lang) for message in answer["messages"]]
    print_lines(table(HEAD[args.lang], rows))
    return OK


def _wait(client: Client, message: Json, wait_s: int) -> Json:
    """Follow the message until it is settled; the gateway's own uptime is the clock."""
    health = client.get("health")
    end_s, cursor = health["uptime_s"] + wait_s, health["events"]["newest"]
    while True:
        message = client.get(f"messages/{part(message['id'])}")
        left_s = end_s - client.get("health")["uptime_s"]
        if all(one["settled"] for one in message["recipients"]) or left_s <= 0:
            return message
        answer = client.get("events", wait_s=max(1, min(POLL_S, int(left_s))), cursor=cursor)
        cursor = answer["cursor"]


def _text(args: argparse.Namespace) -> str:
    if args.text not in {None, "-"}:
        return str(args.text)
    if args.text is None and "-" not in args.to and sys.stdin.isatty():
        raise ClientError(
            BAD_INPUT, "--text: missing; give it, or - for standard input", "--text：缺少正文；- 表示标准输入"
        )
    return sys.stdin.read(MAX_STDIN_CHARS).rstrip("\n")


def _precedence(word: str) -> int | str:
    if word.isdecimal():
        return int(word)
    for name in PRECEDENCES:
        if word.upper() == name or word == ZH[name]:
            return name
    known = " ".join(f"{number}={name}/{ZH[name]}" for number, name in enumerate(PRECEDENCES))
    raise argparse.ArgumentTypeError(f"{word!r}: {known}")


def _lifetime(word: str) -> int:
    match = LIFETIME.fullmatch(word)
    if match is None:
        raise argparse.ArgumentTypeError(f"{word!r}: 90s, 30m, 6h, 2d")
    return int(match[1]) * UNIT_S[match[2]]


def _row(message: Json, names: Names, lang: str) -> tuple[str, ...]:
    recipients = message["recipients"]
    shown = [f"{names.sign(one['station'])} {say(one['state'], lang)}" for one in recipients[:3]]
    if len(recipients) > len(shown):
        shown.append(f"+{len(recipients) - len(shown)}")
    marks = ("【演练】" if lang == "zh" else "[EXERCISE] ") if message["exercise"] else ""
    return (
        clock_time(message["accepted_unix_ms"]),
        message["id"],
        say(message["precedence_name"], lang),
        message["sender_address"] if not message["sender"] else names.sign(message["sender"]),
        ", ".join(shown),
        cut(marks + message["text"], TEXT_CELLS),
    )


def _recipients(message: Json, names: Names, lang: str) -> list[str]:
    lines = []
    for one in message["recipients"]:
        words = [names.sign(one["station"]), say(one["state"], lang), f"[{say(one['evidence'], lang)}]"]
        more = (one["by"], say_reason(one["detail"], lang))
        lines.append(" ".join([*words, *(printable(word) for word in more if word)]))
    return lines


def _detail(message: Json, names: Names, args: argparse.Namespace) -> list[str]:
    zh = args.lang == "zh"
    flags = [
        ("演练" if zh else "exercise", message["exercise"]),
        ("未认证" if zh else "unauthenticated", message["unauthenticated"]),
        ("须回复收到" if zh else "acknowledgement wanted", message["ack_wanted"]),
    ]
    head = [
        message["id"],
        say(message["precedence_name"], args.lang),
        clock_time(message["accepted_unix_ms"]),
        names.sign(message["sender"]),
        *(word for word, on in flags if on),
    ]
    lines = ["  ".join(head), *printable_lines(message["text"]), *_recipients(message, names, args.lang)]
    if args.why:
        for one in message["attempts"]:
            words = [
                clock_time(one["created_unix_ms"]),
                names.sign(one["station"]),
                one["link"],
                say(one["stage"], args.lang),
                f"{one['octets']} {'字节' if zh else 'octets'}",
                printable(say_reason(one["reason"], args.lang)),
            ]
            lines.append("    " + "  ".join(words).rstrip())
    return lines


def printable_lines(text: str) -> list[str]:
    """Return the text's own lines, safe for a terminal."""
    return [f"  {printable(line)}" for line in text.splitlines()]


def cut(text: str, cells: int) -> str:
    """Return the text on one line, at most `cells` wide."""
    line = printable(text)
    if width(line) <= cells:
        return line
    while width(line) > cells - 1:
        line = line[:-1]
    return line + "…"
