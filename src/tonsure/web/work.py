"""The queue: a few worker threads, so many photos waiting, and no more."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from .problems import Refused

T = TypeVar("T")

_AGAIN = 0.25  # seconds until a job that goes on is interrupted again
_GRACE = 2.0  # seconds after its time in which a job may end


class Stopped(Exception):
    """The work is of no more use to anybody; raised at a checkpoint of a job."""


class _Interrupt(BaseException):
    """As `Stopped`, between any two steps of a job; no `except Exception` on its way takes it."""


class Job(Generic[T]):
    """One piece of work. `checkpoint` is called by it between its acts."""

    def __init__(
        self,
        act: Callable[[Callable[[], None]], T],
        deadline: float,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._act, self.deadline, self.after = act, deadline, after
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self._loop.create_future()
        self.dropped = threading.Event()
        self._ident: int | None = None  # of the thread, while it is in the act
        self._lock = threading.Lock()

    def checkpoint(self) -> None:
        if self.dropped.is_set() or time.monotonic() > self.deadline:
            raise Stopped

    def run(self) -> None:
        """In a worker: do it and hand the outcome to the event loop."""
        how: Callable[[Any], None] = self.future.set_exception
        what: Any = None
        while True:
            try:
                if what is None:
                    what = Stopped()  # for an interruption before there is anything else
                    self.checkpoint()
                    self._ident = threading.get_ident()
                    what = self._act(self.checkpoint)
                    how = self.future.set_result
            except _Interrupt:
                continue
            except BaseException as error:  # whatever it is, somebody waits for it
                what = error
            try:
                self._settle()
                break
            except _Interrupt:
                continue
        self._hand(how, what)

    def _settle(self) -> None:
        """From here on nothing interrupts this thread any more."""
        with self._lock:
            if self._ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._ident), None)
            self._ident = None

    def interrupt(self) -> bool:
        """Have the act end at its next step in Python; whether it was still at work.

        A call into a library goes on until it returns, which is why this is asked more than once.
        Locks that are taken by `with` are given back on the way out, as for any error.
        """
        with self._lock:
            if self._ident is None:
                return False
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._ident), ctypes.py_object(_Interrupt)
            )
            return True

    def _hand(self, how: Callable[[Any], None], what: Any) -> None:
        def settle() -> None:
            if not self.future.done():
                how(what)

        # a closed loop: the server was told twice to stop
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(settle)


class Work:
    """Workers and what waits for them.

    `seconds` is how long a photo took lately: from it Retry-After is told, and so is that a photo
    would wait too long to be done in time, which is refused at once instead.
    """

    def __init__(self, workers: int, queue: int, limit_seconds: float) -> None:
        self.workers, self.queue, self.limit_seconds = workers, queue, limit_seconds
        self.done, self.dropped = 0, 0
        self.seconds = 0.0
        self.draining = False
        self._waiting: deque[Job[Any]] = deque()
        self._running: list[Job[Any]] = []
        self._change = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"tonsure-{k}", daemon=True)
            for k in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def stuck(self) -> bool:
        """Whether every worker is at a photo that should have been done long ago.

        Each has been told to stop for `_GRACE` seconds, and none has.
        """
        late = time.monotonic() - _GRACE
        running = list(self._running)
        return len(running) == self.workers and all(job.deadline < late for job in running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        return self.running == 0 and not self._waiting

    def check(self) -> None:
        """Raise `Refused` if nothing can be taken now."""
        if self.draining:
            raise Refused("draining", "The server is stopping; try another one.", Retry_After="5")
        ahead = self.running + self.waiting
        too_late = self.waiting > 0 and ahead * self.seconds / self.workers > self.limit_seconds / 2
        if ahead >= self.workers + self.queue or too_late:
            raise Refused(
                "busy", "All workers are busy and the queue is full; try again soon.",
                Retry_After=str(self.retry_after()),
            )  # fmt: skip

    def retry_after(self) -> int:
        """Whole seconds until there should be room."""
        return max(1, min(60, round((self.seconds or 0.5) * (self.waiting + 1) / self.workers / 2)))

    async def do(
        self,
        act: Callable[[Callable[[], None]], T],
        gone: Callable[[], Awaitable[None]],
        began: float | None = None,
        after: Callable[[], None] = lambda: None,
        seconds: float | None = None,
    ) -> T:
        """Run `act(checkpoint)` in a worker; `gone()` ends when the client has left.

        `after()` is called by the worker when the act has ended, however; `seconds` is the limit of
        this act, by default that of all.

        Raises `Refused` (busy, draining, too late), `Stopped` (nobody is there any more), and what
        `act` raises.
        """
        self.check()
        most = seconds or self.limit_seconds
        deadline = (began or time.monotonic()) + most
        job = Job(act, deadline, after)
        with self._change:
            self._waiting.append(job)
            self._change.notify()
        left = asyncio.ensure_future(gone())
        try:
            waited: set[asyncio.Future[Any]] = {job.future, left}
            await asyncio.wait(
                waited,
                timeout=max(0.0, deadline - time.monotonic()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if job.future.done():
                return job.future.result()
            if left.done():
                raise Stopped
            raise Refused(
                "timed_out",
                f"The photo took more than {most:g} s; send a smaller one.",
                Retry_After=str(self.retry_after()),
            )
        except Stopped:
            self.dropped += 1
            if time.monotonic() >= deadline:
                raise Refused(
                    "timed_out",
                    f"The photo took more than {most:g} s; send a smaller one.",
                    Retry_After=str(self.retry_after()),
                ) from None
            raise
        finally:
            left.cancel()
            self._drop(job)

    def close(self) -> None:
        """End the workers; what waits is not begun, what runs ends at its next step."""
        with self._change:
            self._closed = True
            self._waiting.clear()
            running = list(self._running)
            self._change.notify_all()
        for job in running:
            job.interrupt()
        for thread in self._threads:
            thread.join(timeout=2)

    def _drop(self, job: Job[Any]) -> None:
        """Let go of a job that is done or that nobody waits for."""
        job.dropped.set()
        if job.future.done() and not job.future.cancelled():
            job.future.exception()  # it was seen
        job.future.cancel()
        with self._change:
            if job in self._waiting:
                self._waiting.remove(job)
        self._insist(job)

    def _insist(self, job: Job[Any]) -> None:
        """Interrupt a job until it ends; one that has ended already is left alone."""
        if job.interrupt():
            loop = asyncio.get_running_loop()
            loop.call_later(_AGAIN, self._insist, job)

    def _serve(self) -> None:
        while True:
            with self._change:
                while not self._waiting and not self._closed:
                    self._change.wait()
                if self._closed:
                    return
                job = self._waiting.popleft()
                self._running.append(job)
            began = time.perf_counter()
            with contextlib.suppress(_Interrupt):
                job.run()
            job.after()
            with self._change:
                self._running.remove(job)
                self.done += 1
                took = min(time.perf_counter() - began, self.limit_seconds)  # clips take longer
                self.seconds += (0.2 if self.seconds else 1.0) * (took - self.seconds)
            del job  # and with it the photo, before the next one comes
