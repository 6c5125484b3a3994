"""`fieldgate links`, `stations` and `quiet`."""

from __future__ import annotations

import argparse

from gateway.cli_http import (
    BAD_INPUT,
    OK,
    Client,
    ClientError,
    Json,
    client_options,
    print_json,
    print_lines,
    runs,
)
from gateway.cli_names import Names
from gateway.columns import age, table
from gateway.words import say, say_reason

LINKS_HEAD = {
    "zh": ("网关", "链路", "承载", "状态", "依据", "时效", "质量", "获知途径", "原因"),
    "en": ("gateway", "link", "bearer", "state", "evidence", "age", "quality", "learnt by", "reason"),
}
STATIONS_HEAD = {
    "zh": ("台号", "呼号", "名称", "单位", "最后听到", "承载", "方式", "经由", "位置"),
    "en": ("no.", "call sign", "name", "unit", "last heard", "bearer", "how", "via", "position"),
}
QUIET_HEAD = {"zh": ("链路", "发射"), "en": ("link", "transmitting")}


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `links`, `stations` and `quiet`."""
    links = subparsers.add_parser(
        "links", parents=[client_options()], help="links of all gateways 各网关链路"
    )
    links.add_argument("--station", metavar="CALL", help="only this gateway's 指定网关")
    links.add_argument("--ask", action="store_true", help="ask it for a fresh report 询问最新状态")
    links.add_argument("--watch", action="store_true", help="again on every change, until Ctrl-C 持续显示")
    links.set_defaults(run=runs(run_links))
    stations = subparsers.add_parser(
        "stations", parents=[client_options()], help="roster and presence 台站与在线"
    )
    stations.set_defaults(run=runs(run_stations))
    quiet = subparsers.add_parser(
        "quiet",
        parents=[client_options()],
        help="stop or resume transmitting 停止或恢复发射",
        description="Receiving goes on; kept over a restart. 停止发射，接收照常，重启后保持。",
    )
    quiet.add_argument("link", nargs="?", metavar="LINK|all", help="none: show 不填则显示")
    quiet.add_argument("switch", nargs="?", choices=("on", "off"), help="on: stop transmitting 停发")
    quiet.set_defaults(run=runs(run_quiet))


def run_links(client: Client, args: argparse.Namespace) -> int:
    """Show links; with --ask after sending the request, with --watch again on every change."""
    if args.ask:
        if not args.station:
            raise ClientError(BAD_INPUT, "--ask: needs --station", "--ask：须同时给出 --station")
        client.post("links/ask", {"station": args.station})
    newest = client.get("health")["events"]["newest"] if args.watch else 0
    _show_links(client, args)
    if args.watch:
        for event in client.follow(newest):
            if event["type"] == "gap" or event["kind"].startswith(("link", "quiet")):
                if not args.json:
                    print_lines([""])
                _show_links(client, args)
    return OK


def _show_links(client: Client, args: argparse.Namespace) -> None:
    answer = client.get("links", station=args.station)
    if args.json:
        print_json(answer)
        return
    names = Names(client)
    rows = [_link(one, names, args.lang) for one in answer["links"]]
    print_lines(table(LINKS_HEAD[args.lang], rows))


def _link(one: Json, names: Names, lang: str) -> tuple[str, ...]:
    learnt = "-" if one["learnt_by"] is None else say(one["learnt_by"], lang)
    return (
        names.sign(one["station"]),
        one["link"],
        say(one["bearer"], lang),
        say(one["state"], lang),
        say(one["evidence"], lang),
        age(one["age_s"], lang),
        "-" if one["quality_pct"] is None else f"{one['quality_pct']}%",
        learnt,
        say_reason(one["reason"], lang),
    )


def run_stations(client: Client, args: argparse.Namespace) -> int:
    """Show the roster with who was heard when, over what."""
    if args.json:
        print_json(client.get("stations"))
        return OK
    names, now = Names(client), client.get("health")["unix_ms"]
    rows = [_station(one, names, now, args.lang) for one in names.stations]
    print_lines(table(STATIONS_HEAD[args.lang], rows))
    return OK


def _station(one: Json, names: Names, now_unix_ms: int, lang: str) -> tuple[str, ...]:
    heard, place = one["heard"], one["position"]
    last = ("-", "-", "-", "-")
    if heard is not None:
        seen = age((now_unix_ms - heard["unix_ms"]) / 1000, lang)
        offline = (" 离线" if lang == "zh" else " offline") if not heard["online"] else ""
        via = names.sign(heard["via"]) if heard["via"] else "-"
        last = (seen + offline, say(heard["bearer"], lang), say(heard["how"], lang), via)
    where = "-" if place is None else f"{place['latitude_deg']:.5f},{place['longitude_deg']:.5f}"
    return (str(one["number"]), one["call_sign"], one["name"], one["path"] or "-", *last, where)


def run_quiet(client: Client, args: argparse.Namespace) -> int:
    """Show or set who may transmit."""
    if args.link and not args.switch:
        raise ClientError(BAD_INPUT, "quiet: on or off is missing", "quiet：缺少 on 或 off")
    if args.link:
        answer = client.post("quiet", {"link": args.link, "on": args.switch == "on"})
    else:
        answer = client.get("quiet")
    if args.json:
        print_json(answer)
        return OK
    words = ("已停发", "可发射") if args.lang == "zh" else ("stopped", "may transmit")
    rows = [(link, words[0 if on else 1]) for link, on in answer["quiet"].items()]
    print_lines(table(QUIET_HEAD[args.lang], rows))
    return OK
