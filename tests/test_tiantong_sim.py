"""The simulated Tiantong module behaves on its line as the clients in the field expect."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from drivers.base import ByteStream
from sim.devices.sms_wire import Body, read_body, read_submit, write_bodies, write_deliver
from sim.devices.tiantong_stores import UNREAD
from tests.at_modem_scene import HQ, PHONE, PORT, Scene

TRANSCRIPTS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors" / "at_client_transcripts.json").read_text("utf-8")
)
CLIENTS = [name for name, value in TRANSCRIPTS.items() if isinstance(value, list)]
BODY = Body(0x08, has_header=False, udl=2, user_data=b"\x52\x30")
PDU = write_deliver("+8613800100500", PHONE, 1_790_000_000_000, BODY)


class Host:
    """A terminal program on headquarters' module, registered and with its store holding one message."""

    def __init__(self, scene: Scene, stream: ByteStream) -> None:
        self.scene = scene
        self._stream = stream

    async def say(self, text: str, wait_s: float = 1.0) -> str:
        """Type; return what the module said until then."""
        await self._stream.write(text.encode("latin-1"))
        return await self.hear(wait_s)

    async def hear(self, wait_s: float) -> str:
        """Return what the module says within `wait_s`."""
        heard = b""
        try:
            async with asyncio.timeout(wait_s):
                while data := await self._stream.read(4096):
                    heard += data
        except TimeoutError:
            pass
        return heard.decode("utf-8")


async def host(*, storage: int = 20) -> Host:
    """Plug in, wait for registration, drop what was said until then."""
    scene = Scene(storage=storage)
    made = Host(scene, await scene.connector.open_serial(PORT, baud_bps=115_200))
    await made.hear(10)
    return made


def final(heard: str) -> str:
    """Return the last line."""
    return heard.strip().splitlines()[-1] if heard.strip() else ""


def results(heard: str) -> list[str]:
    """Return the result codes among the lines; other lines may come unasked."""
    return [line for line in heard.splitlines() if line == "OK" or "ERROR" in line]


@pytest.mark.parametrize("client", CLIENTS)
async def test_every_command_of_a_real_client_is_answered(client: str) -> None:
    """What clients sent to a terminal gets the class of answer they got there."""
    at = await host()
    for name in ("ME", "SM"):
        at.scene.hq.stores.by_name[name].put(PDU, UNREAD)
    for exchange in TRANSCRIPTS[client]:
        sent, wanted = exchange["send"], exchange["answer"]
        if not re.search("AT|\x1a", sent):
            continue  # an escape before the dialogue: nothing to answer
        heard = await at.say(sent, 8.0)
        if sent.startswith("AT+CMGS="):
            assert heard.endswith("> ")
        elif wanted == "OK-class":
            assert results(heard) == ["OK"], (sent, heard)
        else:
            assert results(heard) in (["OK"], ["ERROR"]), (sent, heard)


async def test_echo_is_bytewise_and_can_be_switched() -> None:
    """Each octet comes back at once; after ATE0 none does."""
    at = await host()
    assert await at.say("A", 0.1) == "A"
    assert (await at.say("T\r")).startswith("T\r\r\nOK")
    await at.say("ATE0\r")
    assert await at.say("AT\r") == "\r\nOK\r\n"


async def test_commands_are_concatenated_and_stop_at_the_first_error() -> None:
    """One result for the line."""
    at = await host()
    heard = await at.say("ATE0\r")
    heard = await at.say("AT+CMEE=1;+CREG?;+CMGR=9;+CSQ\r")
    assert "+CREG: 0,1" in heard
    assert "+CSQ" not in heard
    assert final(heard) == "+CMS ERROR: 321"


async def test_escape_cancels_a_pdu() -> None:
    """OK, and nothing is submitted."""
    at = await host()
    await at.say("AT+CMGS=20\r")
    assert final(await at.say("0011\x1b")) == "OK"
    assert at.scene.hq.submitted == 0


@pytest.mark.parametrize("pdu", ["00", "0011000B817194214365F70000FF09E8329BFD06CDC374", "zz"])
async def test_a_pdu_that_is_not_as_long_as_said_is_refused(pdu: str) -> None:
    """+CMS ERROR 304."""
    at = await host()
    await at.say("AT+CMGS=99\r")
    assert final(await at.say(pdu + "\x1a")) == "+CMS ERROR: 304"


async def test_error_levels() -> None:
    """Plain ERROR at level 0, numbered at level 1."""
    at = await host()
    at.scene.hq.sim_present = False
    assert final(await at.say("AT+CPIN?\r")) == "ERROR"
    await at.say("AT+CMEE=1\r")
    assert final(await at.say("AT+CPIN?\r")) == "+CME ERROR: 10"


async def test_operator_formats_and_character_sets() -> None:
    """Long, short and numeric; in UCS-2 when asked."""
    at = await host()
    for number, name in ((0, "TIANTONG"), (1, "TT"), (2, "46011")):
        assert f'+COPS: 0,{number},"{name}"' in await at.say(f"AT+COPS=3,{number};+COPS?\r")
    assert "00340036003000310031" in await at.say('AT+CSCS="UCS2";+COPS?\r')


async def test_one_to_three_stores_are_chosen() -> None:
    """Reading, writing, receiving; an unknown one is refused and changes nothing."""
    at = await host()
    assert "+CPMS: 0,20,0,20,0,20" in await at.say('AT+CPMS="SM"\r')
    assert '+CPMS: "SM",0,20,"ME",0,20,"ME",0,20' in await at.say("AT+CPMS?\r")
    await at.say('AT+CPMS="ME","SM"\r')
    assert final(await at.say('AT+CPMS="XX"\r')) == "+CMS ERROR: 302"
    assert '+CPMS: "ME",0,20,"SM",0,20,"ME",0,20' in await at.say("AT+CPMS?\r")


async def test_messages_are_listed_read_written_and_deleted() -> None:
    """Unread becomes read by reading; a deleted place is an invalid index."""
    at = await host()
    at.scene.hq.stores.receiving.put(PDU, UNREAD)
    assert f"+CMGL: 1,0,,{len(PDU) - 1 - PDU[0]}" in await at.say("AT+CMGL=0\r")
    assert "+CMGL" not in (await at.say("AT+CMGL=0\r")).replace("AT+CMGL=0", "")
    assert f"+CMGR: 1,,{len(PDU) - 1 - PDU[0]}\r\n{PDU.hex().upper()}" in await at.say("AT+CMGR=1\r")
    await at.say("AT+CMGW=16\r")
    assert "+CMGW: 2" in await at.say("0011000B817194214365F70008FF020041\x1a")
    assert final(await at.say("AT+CMGD=1\r")) == "OK"
    assert final(await at.say("AT+CMGR=1\r")) == "+CMS ERROR: 321"


async def test_a_full_store_makes_the_centre_keep_the_rest() -> None:
    """What finds no place comes when there is one."""
    at = await host(storage=1)
    await at.say("AT+CNMI=2,1,0,0,0\r")
    for text in ("一", "二"):
        at.scene.centre.inject(PHONE, HQ, write_bodies(text, 0)[0])
    assert (await at.hear(60)).count("+CMTI") == 1
    assert at.scene.centre.kept_for(HQ) == 1
    assert '+CMTI: "ME",1' in await at.say("AT+CMGD=1\r", 10)
    assert at.scene.centre.kept_for(HQ) == 0


async def test_a_start_says_garbage_then_that_the_card_is_ready() -> None:
    """And has forgotten its settings: the echo is on again."""
    at = await host()
    await at.say("ATE0\r")
    at.scene.hq.faults.boot_garbage = b"\x00boot\r\n"
    at.scene.hq.reboot()
    heard = await at.hear(20)
    assert heard.startswith("\x00boot\r\n")
    assert "^SIMST: 1" in heard
    assert (await at.say("AT\r")).startswith("AT\r")


async def test_the_sky_shows_in_signal_and_registration() -> None:
    """Blocked: no signal at once, searching after a while; clear: registered again."""
    at = await host()
    await at.say("AT+CREG=1\r")
    at.scene.sky.blocked = True
    heard = await at.hear(30)
    assert "^SATSIGNAL: -118.0,0.0" in heard
    assert "+CREG: 2" in heard
    at.scene.sky.blocked = False
    assert "+CREG: 1" in await at.hear(30)


RECORDS = ["gammu_gsm7", "gammu_ucs2_srr", "gammu_gsm7_c1", "smstools_ucs2", "ref_ucs2_emoji_on_boundary"]


@pytest.mark.parametrize("record", RECORDS)
def test_the_centres_reader_agrees_with_published_pdus(record: str) -> None:
    """The model's own reader, pinned by captures of other programs."""
    vectors = json.loads((Path(__file__).parent / "vectors" / "sms_pdu.json").read_text("utf-8"))["vectors"]
    (found,) = (vector for vector in vectors if vector["name"] == record)
    text = ""
    for part in found.get("parts", [found]):
        submitted, length = read_submit(bytes.fromhex(part["pdu"]))
        assert (length, submitted.to) == (part["cmgs_length"], found["expect"]["to"])
        text += read_body(submitted.body).text
    assert text == found["expect"]["text"]
