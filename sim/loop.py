"""The virtual-time event loop: asyncio unchanged, except that waiting costs nothing and order is exact."""

from __future__ import annotations

import asyncio
import itertools
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Any, Final, NoReturn, TypeVar, TypeVarTuple

from typing_extensions import override

from protocols.errors import FieldgateError
from sim.futures import NumberedLoop, SimFuture, SimTask
from sim.pace import Pace
from sim.posts import Post
from sim.standing import what_waits

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

NS_PER_S: Final = 1_000_000_000

NEUTRAL: Final = Context()
"""The context of what belongs to no box: lines, channels, devices. They go on while a box is paused."""

BOX: Final[ContextVar[str]] = ContextVar("box", default="")
"""The box whose process runs: tasks and timers inherit it. Set it in a box's outermost task."""

NEVER_NS: Final = 1 << 63
"""Later than any run."""

REBUILD_MIN_TIMERS: Final = 64
"""Below this many timers a cancelled one is left for its time to come: rebuilding would cost more."""


class DeadlockError(FieldgateError):
    """Nothing is ready and no timer is set: whoever still waits would wait for ever."""


class VirtualTimeLimitError(FieldgateError):
    """The next timer lies behind the limit of virtual time that was given to the loop."""


class FenceError(FieldgateError):
    """Something reached for the real world (sockets, processes, signals, threads) inside virtual time."""


class VirtualExecutor(Executor, ABC):
    """An executor whose work takes virtual time: hand one to `run_in_executor`."""

    @abstractmethod
    def start(self, work: Callable[[], T], done: asyncio.Future[T]) -> None:
        """Do the work now, and let `done` know when its time is over; nothing if `done` was cancelled."""

    @override
    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> NoReturn:
        """Only a loop may hand work over."""
        raise _fence_error("submit of a virtual executor")


class _Soon(asyncio.Handle):
    """A handle made without asking for debug mode: making them is most of what a loop does."""

    __slots__ = ()

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None


class _Timer(asyncio.TimerHandle):
    """A timer that knows whether it stands in the heap."""

    __slots__ = ("queued",)

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context | None,
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None
        self._when = when
        self._scheduled = False
        self.queued = True


class VirtualLoop(NumberedLoop):
    """An event loop whose clock starts at 0 and jumps to the next timer as soon as nothing is ready.

    Time is an integer of nanoseconds; timers of one instant run in the order they were set. Work given to
    an executor runs inline at its own step. Sockets, processes, signals and other threads raise FenceError.
    `limit_s` ends a run that would otherwise go on for ever with VirtualTimeLimitError.
    """

    _ready: deque[asyncio.Handle | Post]
    _stopping: bool
    _closed: bool

    def __init__(self, *, limit_s: float | None = None, pace: Pace | None = None) -> None:
        super().__init__()
        self._now_ns = 0
        self._limit_ns = None if limit_s is None else round(limit_s * NS_PER_S)
        self._last_ns = NEVER_NS if self._limit_ns is None else self._limit_ns
        self._heap: list[tuple[int, int, _Timer | Post]] = []
        self._cancelled_count = 0
        self._timer_numbers = itertools.count()
        self._task_numbers = itertools.count(1)
        self._owner_thread = threading.get_ident()
        self._pace = pace
        self._paused: dict[str, list[asyncio.Handle | Post]] = {}

    def pause(self, box: str) -> None:
        """Run nothing of this box until `resume`, as SIGSTOP does; its timers run late, in order."""
        self._paused.setdefault(box, [])

    def resume(self, box: str) -> None:
        """Run what became due meanwhile, and go on."""
        self._ready.extend(self._paused.pop(box, ()))

    @override
    def time(self) -> float:
        return self._now_ns / NS_PER_S

    @property
    def now_ns(self) -> int:
        """Nanoseconds since the loop was made."""
        return self._now_ns

    @property
    def timer_count(self) -> int:
        """Timers held in memory, cancelled ones included."""
        return len(self._heap)

    @override
    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        if self._closed:
            raise RuntimeError("Event loop is closed")
        handle = _Soon(callback, args, self, context)
        self._ready.append(handle)
        return handle

    @override
    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        # a wait shorter than the clock can show must still end later, or `deadline - now` never comes to 0
        wait_ns = max(round(delay * NS_PER_S), 1) if delay > 0 else 0
        return self._call_at_ns(self._now_ns + wait_ns, callback, args, context)

    @override
    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self._call_at_ns(round(when * NS_PER_S), callback, args, context)

    def post(self, when_ns: int, callback: Callable[[T], object], argument: T) -> None:
        """Call `callback(argument)` at `when_ns`, in line with the timers; what it raises ends the run.

        Several times cheaper than a timer, because it has no context and cannot be cancelled.
        """
        when_ns = max(when_ns, self._now_ns)
        heappush(self._heap, (when_ns, next(self._timer_numbers), Post(callback, argument)))

    def _call_at_ns(
        self,
        when_ns: int,
        callback: Callable[[*Ts], object],
        args: tuple[*Ts],
        context: Context | None,
    ) -> asyncio.TimerHandle:
        if self._closed:
            raise RuntimeError("Event loop is closed")
        # what is already due keeps its place behind what was set before it for now
        when_ns = max(when_ns, self._now_ns)
        timer = _Timer(when_ns / NS_PER_S, callback, args, self, context)
        heappush(self._heap, (when_ns, next(self._timer_numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Asyncio's own notice that a timer was cancelled."""
        if isinstance(handle, _Timer) and handle.queued:
            self._cancelled_count += 1
            if len(self._heap) > REBUILD_MIN_TIMERS and self._cancelled_count * 2 > len(self._heap):
                self._heap[:] = [entry for entry in self._heap if not entry[2].cancelled()]
                heapify(self._heap)
                self._cancelled_count = 0

    def _run_once(self) -> None:
        """Run what is ready; with nothing ready, let it be as late as the next timer first; until stopped."""
        ready, heap = self._ready, self._heap
        while True:
            if not ready:
                if heap and type(heap[0][2]) is Post:
                    self._run_posts()
                self._drop_cancelled()
                if not ready and not self._stopping:
                    self._advance()
            now_ns = self._now_ns
            while heap and heap[0][0] <= now_ns:
                timer = heappop(heap)[2]
                timer.queued = False
                if timer._cancelled:  # noqa: SLF001 - see _drop_cancelled
                    self._cancelled_count -= 1
                else:
                    ready.append(timer)
            if self._paused:
                self._put_off()
            self._run_ready()
            if self._stopping:
                return

    def _run_ready(self) -> None:
        """Run what is ready now, not what becomes ready by it: what `Handle._run` does, without its calls."""
        popleft = self._ready.popleft
        for _ in range(len(self._ready)):
            handle = popleft()
            if handle._cancelled:  # noqa: SLF001 - see _drop_cancelled
                continue
            if type(handle) is Post:
                handle.callback(handle.argument)
                continue
            try:
                handle._context.run(handle._callback, *handle._args)  # type: ignore[union-attr]  # noqa: SLF001
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - what every event loop does
                self.call_exception_handler(
                    {"message": f"Exception in callback {handle!r}", "exception": error, "handle": handle}
                )

    def _drop_cancelled(self) -> None:
        """Take cancelled timers off the top of the heap."""
        while self._heap and self._heap[0][2]._cancelled:  # noqa: SLF001 - a call costs more than the test
            heappop(self._heap)[2].queued = False
            self._cancelled_count -= 1

    def _put_off(self) -> None:
        """Take what belongs to paused boxes out of what is ready."""
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            waiting = self._paused.get(handle._context.get(BOX, ""))  # type: ignore[union-attr]  # noqa: SLF001
            (self._ready if waiting is None else waiting).append(handle)

    def _run_posts(self) -> None:
        """Run posts as long as each has its instant for itself: what `_run_once` does, without its rounds."""
        heap, ready = self._heap, self._ready
        while heap and not self._stopping:
            when_ns, _, post = heap[0]
            if type(post) is not Post or when_ns > self._last_ns or self._pace is not None:
                return
            heappop(heap)
            self._now_ns = when_ns
            if heap and heap[0][0] <= when_ns:
                ready.append(post)
                return
            post.callback(post.argument)
            if ready:
                return

    def _advance(self) -> None:
        if not self._heap:
            raise _deadlock(self)
        when_ns = self._heap[0][0]
        if self._limit_ns is not None and when_ns > self._limit_ns:
            raise VirtualTimeLimitError(
                f"virtual time is limited to {self._limit_ns / NS_PER_S} s; {what_waits(self)}",
                f"虚拟时间上限为 {self._limit_ns / NS_PER_S} 秒；{what_waits(self)}",
            )
        if self._pace is not None:
            self._pace.until(when_ns)
        self._now_ns = when_ns

    @override
    def create_future(self) -> asyncio.Future[Any]:
        return SimFuture(loop=self)

    @override
    def create_task(
        self,
        coro: Coroutine[Any, Any, T] | Generator[Any, None, T],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        task_name = f"Task-{next(self._task_numbers)}" if name is None else str(name)
        return SimTask(coro, loop=self, name=task_name, context=context)

    @override
    def run_in_executor(self, executor: object, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()
        start = executor.start if isinstance(executor, VirtualExecutor) else _start
        self.call_soon(start, partial(func, *args), done)
        return done

    @override
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Nothing to shut down: there are no threads."""

    def _write_to_self(self) -> None:
        """Wake the loop from another thread, which must not exist in virtual time."""
        if threading.get_ident() != self._owner_thread:
            raise _fence_error("call_soon_threadsafe from another thread")


def _start(work: Callable[[], T], done: asyncio.Future[T]) -> None:
    """Do work that takes no time."""
    if done.done():
        return
    try:
        done.set_result(work())
    except Exception as error:  # noqa: BLE001 - whoever waits is told, as by every executor
        done.set_exception(error)


def run(main: Coroutine[Any, Any, T], *, limit_s: float | None = None, pace: Pace | None = None) -> T:
    """Run `main` in virtual time, from 0, and return its result; `pace` holds it back to real time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(limit_s=limit_s, pace=pace)) as runner:
        return runner.run(main)


def _fence_error(what: str) -> FenceError:
    return FenceError(
        f"{what}: not in virtual time; use the simulator's ports, or mark the test `real`",
        f"{what}：虚拟时间内不可用；请改用模拟端口，或将测试标记为 real",
    )


def _fence(name: str) -> Callable[..., NoReturn]:
    def refuse(*_args: object, **_keys: object) -> NoReturn:
        raise _fence_error(name)

    return refuse


FENCED: Final = (
    *("add_reader", "remove_reader", "add_writer", "remove_writer"),
    *("add_signal_handler", "remove_signal_handler", "subprocess_exec", "subprocess_shell"),
    *("getaddrinfo", "getnameinfo", "create_connection", "create_server", "create_datagram_endpoint"),
    *("create_unix_connection", "create_unix_server", "connect_accepted_socket", "start_tls"),
    *("connect_read_pipe", "connect_write_pipe", "sendfile", "sock_recv", "sock_recv_into", "sock_recvfrom"),
    *("sock_recvfrom_into", "sock_sendall", "sock_sendto", "sock_connect", "sock_accept", "sock_sendfile"),
)
"""Doors of a loop to the real world; whoever uses one in virtual time is told so at once."""

for _name in FENCED:
    setattr(VirtualLoop, _name, _fence(_name))


def _deadlock(loop: VirtualLoop) -> DeadlockError:
    return DeadlockError(
        f"deadlock at {loop.time():.9f} s: nothing is ready and no timer is set; {what_waits(loop)}",
        f"{loop.time():.9f} 秒处死锁：没有可运行的回调，也没有定时器；{what_waits(loop)}",
    )
