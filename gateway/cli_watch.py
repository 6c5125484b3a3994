"""`fieldgate alarms`, `events` and `quarantine`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from types import MappingProxyType

from gateway.cli_http import (
    BAD_INPUT,
    OK,
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
from gateway.columns import table
from gateway.words import say, say_reason

HEAD = {
    "zh": ("时间", "告警", "台站", "详情", "位置", "确认人", "键"),
    "en": ("time", "alarm", "station", "detail", "position", "acknowledged", "key"),
}
ACTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"ack": ("acknowledge", "acknowledged_by"), "clear": ("clear", "cleared_by")}
)
"""What can be done to an alarm: the API's word, and the key that says who did it."""
QUARANTINE_HEAD = {
    "zh": ("时间", "承载", "地址", "正文"),
    "en": ("time", "bearer", "address", "text"),
}


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `alarms`, `events` and `quarantine`."""
    alarms = subparsers.add_parser(
        "alarms", parents=[client_options()], help="list, acknowledge or clear alarms 告警"
    )
    alarms.add_argument(
        "act", nargs="?", choices=tuple(ACTS), help="acknowledge, or end it; none: list 确认、解除告警"
    )
    alarms.add_argument("key", nargs="?", metavar="KEY", help="the alarm's key 告警键")
    alarms.add_argument("--all", action="store_true", help="also old ones 包括历史")
    alarms.set_defaults(run=runs(run_alarms))
    events = subparsers.add_parser(
        "events", parents=[client_options()], help="what happened, one JSON object a line 事件"
    )
    events.add_argument("--follow", action="store_true", help="go on until Ctrl-C 持续")
    events.add_argument(
        "--cursor", type=int, metavar="N", help="events after this one 起始游标 (0: all kept)"
    )
    events.set_defaults(run=runs(run_events))
    quarantine = subparsers.add_parser(
        "quarantine", parents=[client_options()], help="texts from unknown addresses 名册外地址的文字"
    )
    quarantine.set_defaults(run=runs(run_quarantine))


def run_alarms(client: Client, args: argparse.Namespace) -> int:
    """List alarms, newest first, or acknowledge or clear one."""
    if args.act:
        return _act(client, args)
    answer = client.get("alarms", active=0 if args.all else 1)
    if args.json:
        print_json(answer)
        return OK
    names = Names(client)
    print_lines(table(HEAD[args.lang], [_row(one, names, args.lang) for one in answer["alarms"]]))
    return OK


def _act(client: Client, args: argparse.Namespace) -> int:
    if not args.key:
        words = (f"alarms {args.act}: KEY is missing", f"alarms {args.act}：缺少告警键")
        raise ClientError(BAD_INPUT, *words)
    verb, by = ACTS[args.act]
    alarm = client.post(f"alarms/{part(args.key)}/{verb}")
    if args.json:
        print_json(alarm)
    else:
        print_lines([f"{alarm['key']}  {alarm[by]}"])
    return OK


def run_events(client: Client, args: argparse.Namespace) -> int:
    """Print events; without --follow those that are there now, from --cursor or from the beginning."""
    if args.follow:
        for event in client.follow(args.cursor):
            print_json(event)
    cursor, more = args.cursor or 0, True
    while more:
        answer = client.get("events", cursor=cursor)
        if answer["gap"] is not None:
            print_json({"type": "gap", **answer["gap"]})
        for event in answer["events"]:
            print_json(event)
        cursor, more = answer["cursor"], bool(answer["events"])
    return OK


def run_quarantine(client: Client, args: argparse.Namespace) -> int:
    """List texts from addresses not in the roster."""
    answer = client.get("quarantine")
    if args.json:
        print_json(answer)
        return OK
    rows = [
        (
            clock_time(one["heard_unix_ms"]),
            say(one["bearer"] or one["link"], args.lang),
            one["address"],
            one["text"],
        )
        for one in answer["quarantine"]
    ]
    print_lines(table(QUARANTINE_HEAD[args.lang], rows))
    return OK


def _row(one: Json, names: Names, lang: str) -> tuple[str, ...]:
    place = one["position"]
    mark = ("未认证 " if lang == "zh" else "unauthenticated ") if one["unauthenticated"] else ""
    exercise = ("【演练】" if lang == "zh" else "[EXERCISE] ") if one["exercise"] else ""
    return (
        clock_time(one["raised_unix_ms"]),
        exercise + say(one["kind"], lang),
        names.sign(one["station"]),
        mark + say_reason(one["detail"], lang),
        "-" if place is None else f"{place['latitude_deg']:.5f},{place['longitude_deg']:.5f}",
        one["acknowledged_by"] or "-",
        one["key"],
    )
