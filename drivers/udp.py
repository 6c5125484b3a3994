"""IP path between gateways (4G/5G, VSAT, IP mesh, LAN): sealed frames and adaptive heartbeats in UDP."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf

from drivers.base import (
    Bearer,
    Capabilities,
    CostModel,
    Datagrams,
    DriverEnv,
    Handle,
    Heard,
    Link,
    LinkBusyError,
    LinkDownError,
    LinkEvent,
    LinkRefusedError,
    LinkState,
    Notice,
    PortUnavailableError,
    Progress,
    Quality,
    Received,
    Service,
    Stage,
    StateChanged,
    StreamLostError,
    Transmission,
)
from drivers.udp_config import LATENCY_S, NOMINAL_BPS, UdpConfig, address_text, normal_address, parse_address
from drivers.udp_peers import Peer, Peers
from drivers.waiting import Bell
from protocols.air.datagram import DATA_MAX_OCTETS, Data, Heartbeat, HeartbeatReply, decode, encode
from protocols.air.frame import Garbage

EVENTS_MAX = 1024
"""Events waiting for the gateway; beyond, received frames are dropped as a full socket drops them (the far
gateway repeats them), and counted. Changes of state are never dropped: there are few."""

TELL_EVERY_S = 30.0
"""A peer that goes on answering is reported heard, with its round trip, this often: enough for presence."""

TELL_CHANGE_PCT = 5
"""A quality that moved this much is told at once: one heartbeat lost in the twenty that are remembered."""

STRANGERS_PER_S = 50
"""Datagrams a second taken from addresses not known to be alive; a flood beyond is counted and dropped."""

YIELD_EVERY = 64
"""Datagrams taken before the other tasks of the process get their turn: some 2 ms of a flood."""

REOPEN_MIN_S, REOPEN_MAX_S = 1.0, 30.0
"""Back-off of binding again: an address that comes with an interface is there in seconds, or not for long."""

_QUIET_RETRY_S = 5.0
_WAKE_MIN_S = 0.001


class UdpLink:
    """One bound socket and the peers behind it."""

    def __init__(self, name: str, config: UdpConfig, env: DriverEnv) -> None:
        self.name = name
        self._config = config
        self._env = env
        self._peers = Peers(config.pace)
        self._bind = parse_address(config.bind, "bind", any_port=True)
        self._socket: Datagrams | None = None
        self._state = LinkState.STARTING
        self._events: deque[LinkEvent] = deque()
        self._wake = asyncio.Event()
        self._sooner = Bell()
        self._asleep_until_s = 0.0
        self._closed = False
        self._junk = 0
        self._overflow = 0
        self._told_pct = 0
        self._strangers = (0, 0)
        self._told_junk_s = env.clock.monotonic_s()

        self._capabilities = Capabilities(
            bearer=Bearer(config.bearer),
            services=frozenset({Service.DATA}),
            mtu_octets=config.mtu_octets or DATA_MAX_OCTETS,
            nominal_bps=config.nominal_bps or NOMINAL_BPS[config.bearer],
            broadcast=True,
            latency_s=config.latency_s or LATENCY_S[config.bearer],
            cost=CostModel(fen_per_kilooctet=config.fen_per_kilooctet),
        )

    @property
    def capabilities(self) -> Capabilities:
        """What the link promises; fixed by its configuration."""
        return self._capabilities

    async def send(self, transmission: Transmission) -> Handle:
        """Hand one frame to the network: on air at once; whether it arrived only the far gateway can say."""
        targets = self._targets(transmission)
        if not self._env.may_transmit():
            raise LinkBusyError(
                self.name, retry_after_s=_QUIET_RETRY_S, reason="transmitting is stopped", zh="发射已停止"
            )
        if self._socket is None or self._state is not LinkState.UP:
            raise LinkDownError(self.name, "no peer answers" if self._socket else "no socket")
        octets = encode(Data(transmission.payload))
        for peer in targets:
            self._transmit(octets, peer.to)
            peer.sent_data(self._peers.pace)
            self._watch_for(peer)
        self._emit(Progress(handle=transmission.handle, stage=Stage.ON_AIR))
        return transmission.handle

    async def events(self) -> AsyncGenerator[LinkEvent]:
        """Yield events until the driver's context is left."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self._closed:
                return
            self._wake.clear()
            await self._wake.wait()

    async def confirm(self, receipt: int) -> None:
        """Nothing to release: acknowledgement is the air protocol's."""

    async def probe(self) -> None:
        """Ask every peer now; the replies come as events."""
        for peer in self._peers.all():
            self._ask(peer)
            self._watch_for(peer)

    def close(self) -> None:
        """End the event stream."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Keep the socket open, listen and ask until cancelled."""
        delay_s = REOPEN_MIN_S
        self._change(LinkState.STARTING, "opening", force=True)
        while True:
            try:
                self._socket = await self._env.connector.open_udp(*self._bind)
            except PortUnavailableError as error:
                self._change(LinkState.ABSENT, error.reason)
                await self._env.clock.sleep(delay_s * (1 + self._env.random.random() / 4))
                delay_s = min(2 * delay_s, REOPEN_MAX_S)
                continue
            delay_s = REOPEN_MIN_S
            await self._serve(self._socket)
            await self._env.clock.sleep(REOPEN_MIN_S)

    async def _serve(self, socket: Datagrams) -> None:
        now_s = self._env.clock.monotonic_s()
        self._peers = Peers(self._config.pace)
        for text in self._config.peers:
            host, port = parse_address(text, "peers")
            peer = self._peers.add(address_text(host, port), (host, port), now_s, configured=True)
            self._peers.watch(peer)
        self._change(LinkState.STARTING, "waiting for a peer")
        try:
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(self._watch(), name=f"{self.name}.heartbeat")
                await self._listen(socket)
                asking.cancel()
        finally:
            self._socket = None
            await socket.aclose()
        for peer in self._peers.all():
            if peer.online:
                self._emit(Heard(address=peer.address, how="socket", online=False))
        self._change(LinkState.ABSENT, "the socket was lost")

    async def _listen(self, socket: Datagrams) -> None:
        for count in itertools.count(1):
            if count % YIELD_EVERY == 0:
                await self._env.clock.sleep(0)
            try:
                octets, (host, port) = await socket.receive()
            except StreamLostError:
                return
            self._env.trace.record(self.name, "rx", octets, address_text(host, port))
            self._take(octets, host, port)

    def _take(self, octets: bytes, host: str, port: int) -> None:
        now_s = self._env.clock.monotonic_s()
        address = address_text(host, port)
        datagram = decode(octets)
        peer = self._peers.get(address)
        if isinstance(datagram, Garbage) or (peer is None and not self._admit(now_s)):
            self._count_junk(now_s)
            return
        if isinstance(datagram, HeartbeatReply):
            if peer is None or not peer.replied(datagram.nonce, now_s, self._peers.pace):
                self._count_junk(now_s)
                return
            self._evidence(peer, now_s, "heartbeat")
            self._watch_for(peer)
            return
        if peer is None:
            peer = self._peers.add(address, (host, port), now_s, configured=False)
        if isinstance(datagram, Heartbeat):
            if self._env.may_transmit():
                self._transmit(encode(HeartbeatReply(datagram.nonce)), peer.to)
            if datagram.heard or not peer.online:
                self._sign(peer, now_s)
            self._watch_for(peer)
            return
        self._sign(peer, now_s)
        self._watch_for(peer)
        if len(self._events) >= EVENTS_MAX or self._env.hooks.buggify("udp.queue_full"):
            self._overflow += 1
            self._sooner.ring()
            return
        self._emit(Received(service=Service.DATA, source=address, payload=datagram.frame))

    def _sign(self, peer: Peer, now_s: float) -> None:
        # A source address can be invented, a reply to our nonce cannot: only a reply brings a peer up.
        if peer.online:
            self._evidence(peer, now_s, "datagram")
        elif peer.asked_s is None or now_s - peer.asked_s >= self._peers.pace.heartbeat_min_s:
            self._ask(peer)

    def _evidence(self, peer: Peer, now_s: float, how: str) -> None:
        news = peer.heard(now_s, self._peers.pace, self._env.random.random())
        if news or peer.told_s is None or now_s - peer.told_s >= TELL_EVERY_S:
            peer.told_s = now_s
            self._emit(Heard(address=peer.address, how=how))
            self._tell_quality(peer, now_s, changed_only=False)
        elif how == "heartbeat":
            self._tell_quality(peer, now_s, changed_only=True)
        self._change(LinkState.UP, f"{peer.address} answers")

    def _tell_quality(self, peer: Peer, now_s: float, *, changed_only: bool) -> None:
        answered, asked = self._peers.answers(now_s)
        if not asked or peer.rtt_s is None:
            return
        percent = round(100 * answered / asked)
        if changed_only and abs(percent - self._told_pct) < TELL_CHANGE_PCT:
            return
        self._told_pct = percent
        rtt = f"{peer.address} rtt {1000 * peer.rtt_s:.0f} ms"
        self._emit(Quality(quality_pct=percent, detail=f"{answered} of {asked} heartbeats answered, {rtt}"))

    async def _watch(self) -> None:
        while True:
            now_s = self._env.clock.monotonic_s()
            for peer in self._peers.due(now_s):
                self._look_after(peer, now_s)
                if self._peers.get(peer.address) is peer:
                    self._peers.watch(peer)
            self._tell_losses()
            due_s = self._peers.next_look_s(now_s)
            if self._overflow:
                wait_s = min(due_s - now_s, self._peers.pace.heartbeat_min_s)
                await self._sooner.wait(max(wait_s, _WAKE_MIN_S))
                continue
            self._asleep_until_s = due_s
            await self._sooner.wait(
                None if due_s == inf else max(due_s - now_s, _WAKE_MIN_S), self._sleep_on_s
            )
            self._asleep_until_s = 0.0

    def _sleep_on_s(self) -> float:
        """How much longer nobody has to be looked after: whoever was heard meanwhile can wait."""
        now_s = self._env.clock.monotonic_s()
        due_s = self._peers.next_look_s(now_s)
        self._asleep_until_s = due_s
        return 0.0 if due_s == inf else due_s - now_s

    def _watch_for(self, peer: Peer) -> None:
        """Look after it earlier than planned if need be, after anything that happened to it."""
        self._peers.watch(peer)
        if peer.look_at_s < self._asleep_until_s:
            self._sooner.ring()

    def _look_after(self, peer: Peer, now_s: float) -> None:
        pace = self._peers.pace
        if peer.lost(now_s, pace):
            self._env.hooks.probe("udp.peer_lost")
            if peer.told_s is not None:
                self._emit(Heard(address=peer.address, how="heartbeat", online=False))
            if not peer.configured:
                self._peers.forget(peer)
            if not self._peers.any_online:
                self._told_pct = 0
                self._emit(Quality(quality_pct=0, detail="no peer answers"))
                self._change(LinkState.DOWN, "no peer answers")
        elif (peer.configured or peer.online) and now_s >= peer.ask_at_s(pace):
            self._ask(peer)

    def _tell_losses(self) -> None:
        if not len(self._peers):
            self._change(LinkState.DOWN, "no peer known")
        if self._overflow and len(self._events) < EVENTS_MAX:
            self._emit(Notice(event="frames_dropped", detail=f"{self._overflow} while the gateway was busy"))
            self._overflow = 0

    def _ask(self, peer: Peer) -> None:
        now_s = self._env.clock.monotonic_s()
        if not self._env.may_transmit():
            peer.asked_s = now_s  # its turn is over: nobody is asked while transmitting is stopped
            return
        nonce, heard = self._env.random.getrandbits(32), bool(peer.online)
        peer.asked(nonce, now_s, self._peers.pace)
        self._transmit(encode(Heartbeat(nonce, heard)), peer.to)

    def _transmit(self, octets: bytes, to: tuple[str, int]) -> None:
        if self._socket is not None:
            self._env.trace.record(self.name, "tx", octets, address_text(*to))
            self._socket.send(octets, to)

    def _targets(self, transmission: Transmission) -> list[Peer]:
        if transmission.service is not Service.DATA:
            raise LinkRefusedError(self.name, f"no {transmission.service} service", "不支持此业务")
        size = len(transmission.payload)
        longest = self._capabilities.mtu_octets
        if not 1 <= size <= longest:
            raise LinkRefusedError(
                self.name,
                f"frame of {size} octets, limit 1..{longest}",
                f"帧长 {size} 字节，限制 1..{longest}",
            )
        if not transmission.destination:
            return self._peers.all()
        peer = self._peers.get(normal_address(transmission.destination))
        if peer is None:
            where = transmission.destination[:80]
            raise LinkRefusedError(self.name, f"unknown destination {where}", f"未知目的地址 {where}")
        return [peer]

    def _admit(self, now_s: float) -> bool:
        second, count = self._strangers
        count = count + 1 if int(now_s) == second else 1
        self._strangers = (int(now_s), count)
        return count <= STRANGERS_PER_S

    def _count_junk(self, now_s: float) -> None:
        self._env.hooks.probe("udp.junk")
        self._junk += 1
        if now_s - self._told_junk_s >= TELL_EVERY_S and len(self._events) < EVENTS_MAX:
            self._emit(Notice(event="junk_received", detail=f"{self._junk} datagrams"))
            self._junk, self._told_junk_s = 0, now_s

    def _change(self, state: LinkState, reason: str, *, force: bool = False) -> None:
        if state is not self._state or force:
            self._env.log.info(
                "link_state_changed", link=self.name, old=self._state, new=state, reason=reason
            )
            self._state = state
            self._emit(StateChanged(state=state, reason=reason))

    def _emit(self, event: LinkEvent) -> None:
        self._events.append(event)
        self._wake.set()


class UdpDriver:
    """The `udp` driver."""

    config_type = UdpConfig

    @asynccontextmanager
    async def open(self, name: str, config: UdpConfig, env: DriverEnv) -> AsyncGenerator[Link]:
        """Bind, listen and keep asking until the context is left, however it is left."""
        link = UdpLink(name, config, env)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(link.run(), name=f"{name}.udp")
                yield link
                running.cancel()
        finally:
            link.close()


DRIVER = UdpDriver()
