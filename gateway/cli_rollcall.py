"""`fieldgate rollcall start|watch|report|list|mark`."""

from __future__ import annotations

import argparse

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
from gateway.cli_names import clock_time
from gateway.columns import table
from gateway.words import ROLL_CALL_ZH, say, say_roll_call

STATES = ("answered", "substitute", "excused", "maintenance", "wrong_station", "fault", "absent")
LIST_HEAD = {
    "zh": ("编号", "名称", "开始", "状态", "应到", "已到", "缺席", "待答"),
    "en": ("id", "title", "started", "state", "expected", "present", "absent", "pending"),
}


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `rollcall` with its subcommands."""
    rollcall = subparsers.add_parser("rollcall", help="call the roll 点名")
    commands = rollcall.add_subparsers(dest="rollcall_command", required=True, metavar="COMMAND")
    start = commands.add_parser("start", parents=[client_options()], help="begin 开始")
    start.add_argument("stations", nargs="*", metavar="STATION", help="none: whole roster 不填则为全部")
    start.add_argument("--title", default="", help="名称")
    start.add_argument("--exercise", action="store_true", help="演练")
    start.add_argument("--deadline", type=int, metavar="SECONDS", help="时限（秒）")
    start.add_argument("--watch", action="store_true", help="follow it to its end 跟踪到结束")
    start.set_defaults(run=runs(run_start))
    watch = commands.add_parser("watch", parents=[client_options()], help="follow to its end 跟踪")
    watch.add_argument("id", nargs="?", metavar="ID", help="none: the newest 不填则为最近一次")
    watch.set_defaults(run=runs(run_watch))
    report = commands.add_parser("report", parents=[client_options()], help="the record 报告")
    report.add_argument("id", nargs="?", metavar="ID", help="none: the newest 不填则为最近一次")
    report.set_defaults(run=runs(run_report))
    listing = commands.add_parser("list", parents=[client_options()], help="all, newest first 列表")
    listing.add_argument("--limit", type=int, default=20)
    listing.set_defaults(run=runs(run_list))
    mark = commands.add_parser("mark", parents=[client_options()], help="set an entry by hand 人工标记")
    mark.add_argument("id", metavar="ID")
    mark.add_argument("station", metavar="STATION")
    mark.add_argument("state", choices=STATES, help=" ".join(f"{s}={ROLL_CALL_ZH[s]}" for s in STATES))
    mark.add_argument("--note", default="", help="备注")
    mark.set_defaults(run=runs(run_mark))


def run_start(client: Client, args: argparse.Namespace) -> int:
    """Begin a roll call and print its id, or follow it."""
    body: Json = {"stations": args.stations, "title": args.title, "exercise": args.exercise}
    if args.deadline is not None:
        body["deadline_s"] = args.deadline
    call = client.post("rollcalls", body)
    if args.watch:
        return _watch(client, call["id"], args)
    if args.json:
        print_json(call)
    else:
        print_lines([call["id"], counts(call, args.lang)])
    return OK


def run_watch(client: Client, args: argparse.Namespace) -> int:
    """Print every change of a roll call until it has ended."""
    return _watch(client, args.id or _newest(client), args)


def run_report(client: Client, args: argparse.Namespace) -> int:
    """Print the record of a roll call."""
    call_id = args.id or _newest(client)
    if args.json:
        print_json(client.get(f"rollcalls/{part(call_id)}"))
    else:
        print(client.text(f"rollcalls/{part(call_id)}", format="text", lang=args.lang), end="")
    return OK


def run_list(client: Client, args: argparse.Namespace) -> int:
    """List roll calls."""
    answer = client.get("rollcalls", limit=args.limit)
    if args.json:
        print_json(answer)
        return OK
    print_lines(table(LIST_HEAD[args.lang], [_row(call, args.lang) for call in answer["roll_calls"]]))
    return OK


def run_mark(client: Client, args: argparse.Namespace) -> int:
    """Set one entry by hand."""
    path = f"rollcalls/{part(args.id)}/entries/{part(args.station)}"
    call = client.post(path, {"state": args.state, "note": args.note})
    if args.json:
        print_json(call)
    else:
        print_lines([counts(call, args.lang)])
    return OK


def _watch(client: Client, call_id: str, args: argparse.Namespace) -> int:
    newest = client.get("health")["events"]["newest"]
    known: dict[int, str] = {}
    call = client.get(f"rollcalls/{part(call_id)}")
    _show_changes(call, known, args)
    if call["state"] == "running":
        for event in client.follow(newest):
            if event["type"] == "event" and not event["kind"].startswith("rollcall"):
                continue
            call = client.get(f"rollcalls/{part(call_id)}")
            _show_changes(call, known, args)
            if call["state"] != "running":
                break
    if args.json:
        print_json(call)
    else:
        print_lines([counts(call, args.lang)])
    return OK


def _show_changes(call: Json, known: dict[int, str], args: argparse.Namespace) -> None:
    for entry in call["entries"]:
        if known.get(entry["station"]) == entry["state"] or args.json:
            continue
        known[entry["station"]] = entry["state"]
        bearer = f" {say(entry['bearer'], args.lang)}" if entry["bearer"] else ""
        state = say_roll_call(entry["state"], args.lang)
        print_lines([f"{entry['call_sign']} {entry['name']}  {state}{bearer}"])


def _newest(client: Client) -> str:
    calls = client.get("rollcalls", limit=1)["roll_calls"]
    if not calls:
        raise ClientError(BAD_INPUT, "rollcall: there is none yet", "点名：尚未点过名")
    return str(calls[0]["id"])


def _row(call: Json, lang: str) -> tuple[str, ...]:
    number = call["counts"]
    return (
        call["id"],
        (("【演练】" if lang == "zh" else "[EXERCISE] ") if call["exercise"] else "") + call["title"],
        clock_time(call["started_unix_ms"]),
        say(call["state"], lang),
        str(number["expected"]),
        str(number["answered"] + number["inferred"]),
        str(number["absent"]),
        str(number["pending"]),
    )


def counts(call: Json, lang: str) -> str:
    """Return the counts that are not zero, `expected` always, on one line."""
    return "  ".join(
        f"{say_roll_call(name, lang)} {call['counts'][name]}"
        for name in ROLL_CALL_ZH
        if call["counts"][name] or name == "expected"
    )
