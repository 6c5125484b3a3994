"""The command line against a gateway on loopback: exit status, tables, JSON, languages."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import cli
from gateway.api.app import build, serve
from gateway.api.settings import TokenConfig, Tokens, hash_token
from gateway.columns import width
from gateway.domain import Evidence, LinkState, MessageId, RecipientState
from tests import api_scene
from tests.api_backend import LoopClock, MemoryBackend

pytestmark = pytest.mark.real

Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
async def gateway(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[MemoryBackend]:
    backend = api_scene.busy(LoopClock())
    config = api_scene.config(bind="127.0.0.1:0")
    async with serve(
        build(backend, api_scene.tokens(), config, backend.clock, api_scene.log()), config
    ) as url:
        monkeypatch.setenv("FIELDGATE_URL", url)
        monkeypatch.setenv("FIELDGATE_TOKEN", api_scene.TOKEN)
        for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        yield backend


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    async def command(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = await asyncio.to_thread(cli.main, words)
        except SystemExit as end:
            status = int(end.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


async def test_send_prints_the_id_and_ends_with_0(gateway: MemoryBackend, run: Run) -> None:
    """`send` answers with the id of what the gateway now holds."""
    status, out, _ = await run(
        "send", "VEH-1", "PD-01", "--text", "收到请回", "--precedence", "特急", "--ack"
    )

    message = gateway.stored[out.splitlines()[0]]
    assert status == 0
    assert (message.text, message.precedence.name, message.ack_wanted) == ("收到请回", "IMMEDIATE", True)
    assert [one.station for one in message.recipients] == [21, 301]


async def test_send_reads_standard_input(
    gateway: MemoryBackend, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--text -` takes the text from standard input."""
    source = tmp_path / "text"
    source.write_text("第一行\n第二行\n", encoding="utf-8")
    with source.open(encoding="utf-8") as lines:
        monkeypatch.setattr("sys.stdin", lines)
        status, out, _ = await run("send", "VEH-1", "--text", "-")

    assert status == 0
    assert gateway.stored[out.splitlines()[0]].text == "第一行\n第二行"


async def test_send_with_a_key_never_sends_twice(gateway: MemoryBackend, run: Run) -> None:
    """The same --key gives the same id, and the gateway holds one message more."""
    before = len(gateway.stored)
    outs = [(await run("send", "VEH-1", "--text", "x", "--key", "k1"))[1] for _ in range(2)]

    assert outs[0].splitlines()[0] == outs[1].splitlines()[0]
    assert len(gateway.stored) == before + 1


async def test_send_waits_until_it_is_delivered(gateway: MemoryBackend, run: Run) -> None:
    """`--wait` ends with 0 as soon as every recipient is reached."""
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(_command(run, "send", "VEH-1", "--text", "x", "--wait", "60"))
        message_id = str(MessageId(1, 0x3FA2, len(gateway.stored) + 1))
        while message_id not in gateway.stored:  # noqa: ASYNC110 - the command is another thread
            await asyncio.sleep(0)
        message = gateway.stored[message_id]
        reached = replace(message.recipients[0], state=RecipientState.DELIVERED, evidence=Evidence.PROTOCOL)
        await gateway.put(replace(message, recipients=(reached,)))

    status, out, _ = sending.result()
    assert status == 0
    assert "已送达 [协议]" in out


async def _command(run: Run, *words: str) -> tuple[int, str, str]:
    return await run(*words)


BAD = [
    (("send", "NOBODY", "--text", "x"), 2, "NOBODY"),
    (("send", "VEH-1", "--text", "字" * 500), 1, "1200"),
    (("send", "VEH-1", "--text", "x", "--precedence", "FLASH"), 4, "特急"),
    (("send", "VEH-1", "--text", "x", "--precedence", "LOUD"), 2, "LOUD"),
    (("send", "VEH-1", "--text", "x", "--lifetime", "soon"), 2, "soon"),
    (("send", "VEH-1", "--text", "x", "--lifetime", "0"), 2, "lifetime_s"),
    (("send",), 2, "TO"),
    (("messages", "1-3fa2-999"), 2, "1-3fa2-999"),
    (("messages", "--limit", "9999"), 2, "500"),
    (("links", "--ask"), 2, "--station"),
    (("quiet", "bd1"), 2, "on"),
    (("quiet", "nolink", "on"), 2, "nolink"),
    (("alarms", "ack"), 2, "告警键"),
    (("alarms", "clear"), 2, "告警键"),
    (("alarms", "clear", "sos:9"), 2, "sos:9"),
    (("rollcall", "report", "none"), 2, "none"),
    (("rollcall", "mark", "1-r4", "PD-01", "gone"), 2, "gone"),
    (("links", "--url", "http://127.0.0.1:1"), 3, "127.0.0.1:1"),
    (("links", "--url", "ftp://x"), 2, "ftp"),
    (("links", "--token-file", "/nowhere/token"), 2, "/nowhere/token"),
]


@pytest.mark.parametrize(("words", "expected", "said"), BAD)
async def test_failures_end_with_their_own_status(
    gateway: MemoryBackend, run: Run, words: tuple[str, ...], expected: int, said: str
) -> None:
    """1 refused, 2 bad input, 3 unreachable, 4 not allowed; the reason is on standard error only."""
    before = dict(gateway.stored)
    status, out, err = await run(*words)

    assert (status, out) == (expected, "")
    assert said in err
    assert gateway.stored == before


async def test_missing_token_is_4_and_says_where_to_put_it(
    gateway: MemoryBackend, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a token the command names the variable and the option."""
    monkeypatch.delenv("FIELDGATE_TOKEN")
    status, _, err = await run("links", "--lang", "en")

    assert status == 4
    assert "FIELDGATE_TOKEN" in err
    assert "--token-file" in err
    assert gateway.acts == []


async def test_token_comes_from_a_file(
    gateway: MemoryBackend, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--token-file` reads the token, so that it stands in no process list."""
    monkeypatch.delenv("FIELDGATE_TOKEN")
    file = tmp_path / "token"
    file.write_text(f"{api_scene.VIEWER}\n", encoding="utf-8")
    status, out, _ = await run("quiet", "--token-file", str(file))

    assert status == 0
    assert all(link in out for link in gateway.silent)


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        (("links",), "中断", "down"),
        (("stations",), "张建国", "call sign"),
        (("messages",), "已到网络", "at network"),
        (("messages", "1-3fa2-41", "--why"), "结果未知", "unknown"),
        (("rollcall", "list"), "进行中", "running"),
        (("rollcall", "report"), "缺席", "absent"),
        (("alarms",), "失联", "lost contact"),
        (("quiet",), "已停发", "stopped"),
        (("quarantine",), "天通", "tiantong"),
    ],
)
async def test_everything_is_said_in_both_languages(
    gateway: MemoryBackend, run: Run, words: tuple[str, ...], zh: str, en: str
) -> None:
    """Chinese without a hint, English when LANG or --lang says so."""
    chinese, english = await run(*words), await run(*words, "--lang", "en")

    assert (chinese[0], english[0]) == (0, 0)
    assert zh in chinese[1]
    assert en in english[1]
    assert gateway.acts == []


async def test_table_is_straight(gateway: MemoryBackend, run: Run) -> None:
    """Every row of the link table starts its last column at the same cell."""
    _, out, _ = await run("links")
    head, rule, *rows = out.splitlines()
    column = width(rule.rpartition("  ")[0])

    assert len(rows) == len(gateway.reports)
    assert width(head.rpartition("  ")[0].rstrip()) <= column
    for row in rows:
        cells, text = 0, ""
        for character in row:
            if cells >= column:
                text += character
            cells += width(character)
        assert text == "" or text.startswith("  ")


async def test_json_is_what_the_gateway_said(gateway: MemoryBackend, run: Run) -> None:
    """`--json` prints the answer on one line; errors too."""
    status, out, _ = await run("links", "--station", "VEH-3", "--json")
    failed, error, _ = await run("messages", "nope", "--json")

    assert status == 0
    assert [one["station"] for one in json.loads(out)["links"]] == [23, 23, 23]
    assert (failed, json.loads(error)["error"]["code"]) == (2, "not_found")
    assert gateway.acts == []


async def test_acts_reach_the_gateway(gateway: MemoryBackend, run: Run) -> None:
    """Asking, stopping, acknowledging, marking and calling the roll do what they say."""
    statuses = [
        (await run("links", "--station", "VEH-3", "--ask"))[0],
        (await run("quiet", "all", "on"))[0],
        (await run("alarms", "ack", "sos:305"))[0],
        (await run("alarms", "clear", "lost:23"))[0],
        (await run("rollcall", "mark", "1-r4", "PD-09", "excused", "--note", "轮休"))[0],
        (await run("rollcall", "start", "vehicles", "--title", "抽查", "--deadline", "60"))[0],
    ]

    assert statuses == [0, 0, 0, 0, 0, 0]
    assert gateway.asked == ["VEH-3"]
    assert all(gateway.silent.values())
    assert gateway.rung["sos:305"].acknowledged_by == "值班员甲"
    assert gateway.rung["sos:305"].cleared_by == ""
    assert gateway.rung["lost:23"].cleared_by == "值班员甲"
    assert [call["title"] for call in gateway.calls.values()] == ["断网点名", "抽查"]


async def test_watch_follows_a_roll_call_to_its_end(gateway: MemoryBackend, run: Run) -> None:
    """`rollcall watch` prints every station's change and the counts, and ends with the call."""
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(_command(run, "rollcall", "watch"))
        gateway.rung.clear()
        call = gateway.calls["1-r4"]
        while not gateway.waiting:  # noqa: ASYNC110 - the command is another thread
            await asyncio.sleep(0)
        call["entries"] = [gateway.entry(310, "answered", bearer="pdt")]
        call["state"] = "ended"
        await gateway.tell("rollcall.ended", id="1-r4")

    status, out, _ = watching.result()
    lines = out.splitlines()
    assert status == 0
    assert "PD-10 陈志强  待答" in lines
    assert lines[-2:] == ["PD-10 陈志强  已到 PDT电台", "应到 1  已到 1"]


async def test_watched_links_are_shown_again_on_change(gateway: MemoryBackend) -> None:
    """`links --watch` prints the table now and on every change, and Ctrl-C ends it with 130."""
    command = "import sys; from gateway.cli import main; sys.exit(main())"
    words = ("links", "--station", "VEH-3", "--watch", "--json")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", command, *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    first = json.loads(await process.stdout.readline())
    while not gateway.waiting:  # noqa: ASYNC110 - the command is another process
        await asyncio.sleep(0)
    gateway.reports = [replace(report, state=LinkState.UP) for report in gateway.reports]
    await gateway.tell("link.changed", station=23)
    second = json.loads(await process.stdout.readline())
    process.send_signal(signal.SIGINT)

    assert await process.wait() == 130
    assert [one["state"] for one in first["links"]] == ["down", "absent", "up"]
    assert [one["state"] for one in second["links"]] == ["up", "up", "up"]


async def test_events_are_one_object_a_line(gateway: MemoryBackend, run: Run) -> None:
    """`events` prints what is kept and ends; a gap is said in its own line."""
    gateway.events_kept = 3
    gateway.emit("link.changed", station=1)
    status, out, _ = await run("events", "--cursor", "0")
    lines = [json.loads(line) for line in out.splitlines()]

    assert status == 0
    assert [line["type"] for line in lines] == ["gap", "event", "event", "event"]
    assert lines[-1]["cursor"] == gateway.newest


async def test_new_token_lets_its_holder_in(run: Run) -> None:
    """`token new` prints a token and the table that knows it; no two are alike."""
    _, out, _ = await run("token", "new", "值班员乙", "--role", "viewer")
    _, other, _ = await run("token", "new", "值班员乙", "--role", "viewer")
    token, *table = out.splitlines()

    assert token != other.splitlines()[0]
    assert f'sha256 = "{hash_token(token)}"' in table
    assert Tokens((TokenConfig(name="n", sha256=hash_token(token)),)).find(token) is not None


def test_a_command_starts_without_the_daemon(tmp_path: Path) -> None:
    """Sending imports neither aiohttp nor msgspec nor cryptography: it must be quick on a small box."""
    script = "import sys; from gateway import cli; cli.build('send'); print(*sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-P", "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path
    ).stdout.split()

    assert "gateway.cli_messages" in modules
    assert not {"aiohttp", "msgspec", "cryptography", "asyncio", "importlib.metadata"} & set(modules)


async def test_help_lists_every_command(run: Run) -> None:
    """`fieldgate --help` names our own and other packages' commands and every exit status."""
    status, out, _ = await run("--help")

    assert status == 0
    assert {"run", "check", "send", "messages", "links", "rollcall", "quiet", "keys", "decode"} <= set(
        out.split()
    )
    for number in range(5):
        assert f"\n  {number}  " in out


async def test_unknown_command_is_bad_usage(run: Run) -> None:
    """A misspelt command ends with 2 and the known ones."""
    status, _, err = await run("sned")

    assert status == 2
    assert "send" in err
