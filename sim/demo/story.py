"""The acts: what happens to the field, what is waited for, and in what time it must happen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from dataclasses import field as item
from typing import Final

from gateway.native import SOS_CLEARED, SOS_PLACED, SOS_RAISED
from protocols.errors import FieldgateError
from sim.demo.cast import CARD_PERIOD_S, HQ, VEHICLE
from sim.demo.counter import Sent
from sim.demo.field import Field
from sim.demo.gateways import GatewayProcess
from sim.demo.narrator import Narrator
from sim.demo.seat import Json, Seat, SeatError

LOOK_S: Final = 0.1
"""How often screens are looked at."""

ASK_S: Final = 0.35
"""How often an API is asked while something is awaited; four requests a second cost little."""

DEADLINE_S: Final = 24
"""Length of the roll call."""

SETS: Final = range(301, 308)
"""Station numbers of the handhelds."""

DARK_S: Final = 2.0
"""How long the vehicle's box is without power."""


class StepError(FieldgateError):
    """A step did not happen in its time."""


@dataclass(slots=True)
class Story:
    """One performance; `sent` is what API clients handed over, `roll_call` the record at the end."""

    field: Field
    hq: Seat
    vehicle: Seat
    base: GatewayProcess
    """Headquarters' process."""
    box: GatewayProcess
    """The vehicle's."""
    narrator: Narrator
    sent: list[Sent] = item(default_factory=list)
    roll_call_id: str = ""
    undelivered_at_kill: int = 0

    async def play(self) -> None:
        """Play all acts; raises StepError naming the step that did not happen."""
        await self.start()
        await self.ip_traffic()
        await self.emergency()
        await self.network_cut()
        await self.tunnel()
        await self.roll_call()
        await self.power_cut()
        await self.heal()

    # --- acts --------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Everything comes up."""
        self.narrator.act(0, "开机", "Power on")
        await self._asked(20, "两台网关启动", "both gateways answer", self._both_alive)
        self.field.switch_on()
        await self._asked(20, "所有链路可用", "all links are up", self._all_up)
        self._good(
            "两台网关就绪：指挥部 3 条链路，指挥车 4 条链路全部可用",
            "both gateways ready: 3 links at headquarters, 4 on the vehicle, all up",
        )
        self._say(
            f"两张北斗卡在 ICI 中报告服务频度 {CARD_PERIOD_S:.0f} 秒（常见民用卡 60 秒，此处缩短以便演示）",
            f"both Beidou cards tell a service period of {CARD_PERIOD_S:.0f} s in their ICI "
            "(60 s on common cards; short here to keep the story short)",
        )

    async def ip_traffic(self) -> None:
        """Both ways over IP, to and from handhelds and a satellite phone."""
        self.narrator.act(1, "公网畅通：双向通信", "The IP path lives: traffic both ways")
        order, report = "请到城北水库东岸集结", "三号车已出发，预计十五分钟到达"
        look, seen, across = "请查看大坝北侧渗水", "已到水库东岸，水位上涨半米", "请打开二号闸门"
        await self._post(self.hq, VEHICLE, order)
        await self._post(self.vehicle, HQ, report)
        await self._post(self.hq, "T-302", look, ack_wanted=True)
        self.field.handhelds["T-301"].type_text(seen)
        self.field.handhelds["T-303"].type_text(f"@S-201 {across}")
        await self._shown(10, self.vehicle, order)
        await self._shown(10, self.hq, report)
        self._good(
            f"指挥部 ⇄ 指挥车：「{order}」「{report}」", "headquarters ⇄ vehicle: an order and a report"
        )
        await self._shown(15, self.hq, seen)
        self._good(
            f"手持台 T-301 键入「{seen}」→ 指挥部", "handheld T-301 types a text; it reaches headquarters"
        )
        await self._on_screen(20, "T-302", look)
        self._good(f"指挥部 → 手持台 T-302「{look}」", "headquarters → the screen of handheld T-302")
        await self._on_screen(20, "S-201", across)
        self._good(
            f"手持台 T-303 用 @S-201 发到卫星电话：「{across}」（PDT → IP → 天通）",
            "handheld T-303 reaches a satellite phone with @S-201 (PDT → IP → Tiantong)",
        )
        await self._asked(20, "T-302 的“收到”", "the acknowledgement of T-302", self._acknowledged)
        self._good(
            "T-302 回复“收到”，指挥部显示：已收到", "T-302 types 收到; headquarters shows: acknowledged"
        )

    async def emergency(self) -> None:
        """The orange button."""
        self.narrator.act(2, "手持台紧急按键", "A handheld's emergency button")
        loop = asyncio.get_running_loop()
        at_s = loop.time()
        self.field.handhelds["T-305"].press_emergency()
        for told in (SOS_RAISED, SOS_PLACED):
            self.sent.append(Sent(sender="T-305", to=HQ, text=told, at_s=at_s))
        await self._asked(
            15, "指挥部收到 T-305 求救及位置", "the SOS with position at headquarters", self._alarm
        )
        alarm = await self._sos()
        place = alarm["position"]
        took_s = loop.time() - at_s
        where = f"{place['latitude_deg']:.5f}, {place['longitude_deg']:.5f}"
        self.narrator.bad(
            f"求救！T-305 救援队舟艇组，位置 {where}，{took_s:.1f} 秒到达指挥部",
            f"SOS! T-305 at {where}, told after {took_s:.1f} s; marked unauthenticated, as radios are",
        )
        await self.hq.post(f"alarms/{alarm['key']}/acknowledge")
        self._good("指挥部值班员已受理告警", "the duty officer has taken the alarm")
        self.field.handhelds["T-305"].cancel_emergency()
        self.sent.append(Sent(sender="T-305", to=HQ, text=SOS_CLEARED, at_s=loop.time()))

    async def network_cut(self) -> None:
        """The IP path is cut: Tiantong carries on."""
        self.narrator.act(3, "断网 → 天通", "Network cut → Tiantong")
        self.field.cut_network()
        self._say("公网中断：指挥部与指挥车之间的 IP 路径已切断", "the IP path between the two is cut")
        first, back = "公网已断，改用天通，请报告水位", "水位一百二十一米，仍在上涨"
        await self._links(20, "cellular", {"down"}, "指挥部得知车载公网中断", "headquarters learns it")
        await self._post(self.hq, VEHICLE, first)
        self.field.handhelds["T-302"].type_text(back)
        await self._shown(20, self.vehicle, first)
        self._good(
            f"密封短信经天通到车：「{first}」", "as sealed short messages over Tiantong to the vehicle"
        )
        await self._shown(20, self.hq, back)
        self._good(
            f"手持台 T-302 →（PDT、天通）→ 指挥部：「{back}」", "and from handheld T-302 to headquarters"
        )

    async def tunnel(self) -> None:
        """Tiantong is hidden: Beidou carries on, at the pace of its card."""
        await self._asked(20, "隧道前报文结清", "all settled before the tunnel", self._vehicle_settled)
        self.narrator.act(4, "进隧道 → 北斗", "Into a tunnel → Beidou")
        self.field.enter_tunnel()
        self._say(
            "指挥车停在隧道口：山体挡住天通卫星，北斗仍有波束",
            "the vehicle stops in a tunnel's mouth: rock hides Tiantong's satellite, some Beidou beams stay",
        )
        await self._asked(20, "车载天通报告无信号", "the vehicle notices the loss", self._tiantong_lost)
        self._good("车载天通失去信号，业务转北斗", "the vehicle has lost Tiantong; traffic moves to Beidou")
        text = "隧道口塌方，车辆暂停，人员安全"
        await self._post(self.vehicle, HQ, text, precedence="PRIORITY")
        await self._shown(40, self.hq, text)
        self._good(f"经北斗短报文到达指挥部：「{text}」", "at headquarters by Beidou short message")
        self._say(
            f"卡的服务频度 {CARD_PERIOD_S:.0f} 秒：链路报告要等到下一次发射",
            f"the card transmits once in {CARD_PERIOD_S:.0f} s: the link report waits for its next turn",
        )
        await self._links(
            30, "tiantong", {"down", "blocked"}, "指挥部得知车载天通中断", "headquarters learns it"
        )
        self.field.leave_tunnel()
        await self._asked(20, "天通恢复", "Tiantong is back", self._tiantong_back)
        self._good("驶出隧道，天通恢复", "out of the tunnel, Tiantong is back")

    async def roll_call(self) -> None:
        """Twelve stations, while the network is still cut."""
        self.narrator.act(5, "断网中点名 12 个台站", "Roll call of twelve stations during the cut")
        call = await self.hq.post("rollcalls", title="汛情点名", deadline_s=DEADLINE_S)
        self.roll_call_id = call["id"]
        self._say(
            f"点名 {DEADLINE_S} 秒：指挥部直呼卫星电话和北斗手持，经天通请指挥车点 PDT 手持台",
            f"{DEADLINE_S} s: headquarters asks phones and a Beidou handset itself, "
            "and has the vehicle ask the handhelds, over Tiantong",
        )
        await asyncio.sleep(DEADLINE_S / 3)
        self.field.handhelds["T-305"].register()
        self._say("T-305 只登记上网，没有应答", "T-305 registers on the net but does not answer")
        await self._asked(DEADLINE_S + 5, "点名结束", "the end of the roll call", self._call_ended)
        self._good("点名到时；S-202 仍欠应答", "time is over; S-202 still owes an answer")

    async def power_cut(self) -> None:
        """The vehicle's box loses power in mid-message."""
        self.narrator.act(
            6, "断电：指挥车网关在报文中途被杀死", "Power cut: the vehicle's gateway dies in mid-message"
        )
        texts = {"T-301": "请撤到高处", "T-304": "请加固堤防三号点"}
        for to, text in texts.items():
            await self._post(self.hq, to, text)
        await self._post(self.hq, VEHICLE, "请清点人员和油料")
        self.field.handhelds["T-302"].type_text("堤坝出现管涌")
        await self._waited(25, "车上有未送达的报文", "something undelivered on the vehicle", self._in_flight)
        self.undelivered_at_kill = len(self._open_copies())
        pid = await self.box.kill()
        self.narrator.bad(
            f"SIGKILL：进程 {pid} 已死，{self.undelivered_at_kill} 条报文正在途中；电台、卫星终端继续开着",
            f"SIGKILL: process {pid} is gone, {self.undelivered_at_kill} messages under way; radios stay on",
        )
        self.field.handhelds["T-303"].type_text("需要沙袋二百个")
        await asyncio.sleep(DARK_S)
        await self.box.start()
        await self._asked(15, "指挥车网关重启", "the vehicle's gateway is back", self.vehicle.alive)
        self._good(
            "指挥车网关已重启，从台账继续", "the vehicle's gateway is back and goes on from its ledger"
        )
        for to, text in texts.items():
            await self._on_screen(45, to, text)
        await self._shown(45, self.vehicle, "请清点人员和油料")
        await self._shown(45, self.hq, "堤坝出现管涌")
        await self._shown(45, self.hq, "需要沙袋二百个")
        self._good(
            "断电前后的报文全部到达，断电期间键入的也到了",
            "everything arrived, also what was typed in the dark",
        )

    async def heal(self) -> None:
        """The IP path is back; queues drain."""
        self.narrator.act(7, "恢复：清空队列", "Heal: queues drain")
        self.field.heal_network()
        await self._links(20, "cellular", {"up"}, "指挥部看到车载公网恢复", "headquarters sees it back")
        await self._asked(30, "所有报文结清", "every message settled at both gateways", self._settled)
        self._good("两端队列已清空", "both queues are empty")
        await self._asked(20, "S-202 的迟到应答", "the late answer of S-202", self._late)

    # --- what is waited for ------------------------------------------------------------------------------

    async def _both_alive(self) -> bool:
        return await self.hq.alive() and await self.vehicle.alive()

    async def _all_up(self) -> bool:
        own = await self.hq.links(HQ)
        far = await self.hq.links(VEHICLE)
        wanted = {"cellular", "tiantong", "beidou"}
        up = {bearer for bearer, row in own.items() if row["state"] == "up"}
        far_up = {bearer for bearer, row in far.items() if row["state"] == "up"}
        on_air = all(h.registered for sign, h in self.field.handhelds.items() if h.powered)
        return wanted <= up and wanted | {"pdt"} <= far_up and on_air

    async def _acknowledged(self) -> bool:
        return any("acknowledged" in states for states in self.hq.states.values())

    async def _sos(self) -> Json:
        alarms = (await self.hq.get("alarms", active=1))["alarms"]
        return next((a for a in alarms if a["kind"] == "sos" and a["station"] == 305), {})  # noqa: PLR2004

    async def _alarm(self) -> bool:
        return bool((await self._sos()).get("position"))

    async def _tiantong_lost(self) -> bool:
        return (await self.vehicle.links(VEHICLE))["tiantong"]["state"] not in {"up", "suspect"}

    async def _tiantong_back(self) -> bool:
        return bool((await self.vehicle.links(VEHICLE))["tiantong"]["state"] == "up")

    async def _call_ended(self) -> bool:
        call = await self.hq.get(f"rollcalls/{self.roll_call_id}")
        return bool(call["state"] == "ended")

    async def _late(self) -> bool:
        call = await self.hq.get(f"rollcalls/{self.roll_call_id}")
        return bool(call["counts"]["late"])

    def _open_copies(self) -> list[tuple[str, int]]:
        """Copies the vehicle has on disk, not its own, whose end it has not reported."""
        settled = {"delivered", "read", "acknowledged", "expired", "refused", "cancelled"}
        return [key for key, states in self.vehicle.states.items() if not settled & set(states)]

    def _in_flight(self) -> bool:
        """Whether the vehicle's radio has just been given a text, so that nobody knows its outcome."""
        return any("at_modem" in self.vehicle.states[key] for key in self._open_copies() if key[1] in SETS)

    async def _vehicle_settled(self) -> bool:
        rows = await self.vehicle.messages()
        return all(recipient["settled"] for row in rows for recipient in row["recipients"])

    async def _settled(self) -> bool:
        rows = [*await self.hq.messages(), *await self.vehicle.messages()]
        return all(recipient["settled"] for row in rows for recipient in row["recipients"])

    # --- waiting -----------------------------------------------------------------------------------------

    async def _shown(self, limit_s: float, seat: Seat, text: str) -> None:
        await self._waited(
            limit_s, f"{seat.sign} 显示「{text}」", f"{seat.sign} shows {text!r}", lambda: seat.has(text)
        )

    async def _on_screen(self, limit_s: float, sign: str, text: str) -> None:
        await self._waited(
            limit_s,
            f"{sign} 屏幕显示「{text}」",
            f"the screen of {sign} shows {text!r}",
            lambda: any(one.where == sign and one.text == text for one in self.field.seen()),
        )

    async def _links(self, limit_s: float, bearer: str, states: set[str], zh: str, en: str) -> None:
        """Wait for the vehicle's link at headquarters, and say by which bearer it was learnt."""
        found: list[Json] = []

        async def right() -> bool:
            row = (await self.hq.links(VEHICLE)).get(bearer)
            if row is not None and row["state"] in states:
                found.append(row)
            return bool(found)

        await self._asked(limit_s, zh, en, right)
        row = found[0]
        self._good(
            f"{zh}：{bearer} {row['state']}（经 {row['learnt_by']} 得知，{row['age_s']:.0f} 秒前）",
            f"{en}: {bearer} {row['state']}, learnt by {row['learnt_by']}, {row['age_s']:.0f} s old",
        )

    async def _waited(self, limit_s: float, zh: str, en: str, happened: Callable[[], bool]) -> None:
        async def look() -> bool:
            return happened()

        await self._asked(limit_s, zh, en, look, every_s=LOOK_S)

    async def _asked(
        self,
        limit_s: float,
        zh: str,
        en: str,
        happened: Callable[[], Awaitable[bool]],
        every_s: float = ASK_S,
    ) -> None:
        """Look until it has happened; StepError after `limit_s`."""
        try:
            async with asyncio.timeout(limit_s):
                while not await _quietly(happened):
                    self._check_processes()
                    await asyncio.sleep(every_s)
        except TimeoutError as error:
            raise StepError(f"not within {limit_s:.0f} s: {en}", f"{limit_s:.0f} 秒内未发生：{zh}") from error

    def _check_processes(self) -> None:
        for process in (self.base, self.box):
            if process.crashed:
                raise StepError(
                    f"a gateway ended by itself; see {process.log}", f"网关自行退出，见 {process.log}"
                )

    async def _post(self, seat: Seat, to: str, text: str, **more: object) -> None:
        at_s = asyncio.get_running_loop().time()
        ref = await seat.send(to, text, **more)
        self.sent.append(Sent(sender=seat.sign, to=to, text=text, at_s=at_s, ref=ref))

    def _say(self, zh: str, en: str) -> None:
        self.narrator.say(zh, en)

    def _good(self, zh: str, en: str) -> None:
        self.narrator.good(zh, en)


async def _quietly(happened: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await happened()
    except SeatError:
        return False  # a gateway that is off says nothing; the time limit judges
