"""The queue: a few worker threads, so many photos waiting, and no more."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from .problems import Refused

T = TypeVar("T")


class Stopped(Exception):
    """The work is of no more use to anybody; raised at a checkpoint of a job."""


class Job(Generic[T]):
    """One piece of work. `checkpoint` is called by it between its acts."""

    def __init__(self, act: Callable[[Callable[[], None]], T], deadline: float) -> None:
        self._act, self._deadline = act, deadline
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self._loop.create_future()
        self.dropped = threading.Event()

    def checkpoint(self) -> None:
        if self.dropped.is_set() or time.monotonic() > self._deadline:
            raise Stopped

    def run(self) -> None:
        """In a worker: do it and hand the outcome to the event loop."""
        try:
            self.checkpoint()
            made = self._act(self.checkpoint)
        except BaseException as error:  # whatever it is, somebody waits for it
            self._hand(self.future.set_exception, error)
        else:
            self._hand(self.future.set_result, made)

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
        self.running, self.done, self.dropped = 0, 0, 0
        self.seconds = 0.0
        self.draining = False
        self._waiting: deque[Job[Any]] = deque()
        self._change = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"tonsure-{k}", daemon=True)
            for k in range(workers)
        ]
        for thread in self._threads:
            thread.start()

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
    ) -> T:
        """Run `act(checkpoint)` in a worker; `gone()` ends when the client has left.

        Raises `Refused` (busy, draining, too late), `Stopped` (nobody is there any more), and what
        `act` raises.
        """
        self.check()
        deadline = (began or time.monotonic()) + self.limit_seconds
        job = Job(act, deadline)
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
                f"The photo took more than {self.limit_seconds:g} s; send a smaller one.",
                Retry_After=str(self.retry_after()),
            )
        except Stopped:
            self.dropped += 1
            if time.monotonic() >= deadline:
                raise Refused(
                    "timed_out",
                    f"The photo took more than {self.limit_seconds:g} s; send a smaller one.",
                    Retry_After=str(self.retry_after()),
                ) from None
            raise
        finally:
            self._drop(job)
            left.cancel()

    def close(self) -> None:
        """End the workers; what runs is finished first, what waits is not begun."""
        with self._change:
            self._closed = True
            self._waiting.clear()
            self._change.notify_all()
        for thread in self._threads:
            thread.join(timeout=10)

    def _drop(self, job: Job[Any]) -> None:
        """Let go of a job that is done or that nobody waits for."""
        job.dropped.set()
        if job.future.done() and not job.future.cancelled():
            job.future.exception()  # it was seen
        job.future.cancel()
        with self._change:
            if job in self._waiting:
                self._waiting.remove(job)

    def _serve(self) -> None:
        while True:
            with self._change:
                while not self._waiting and not self._closed:
                    self._change.wait()
                if self._closed:
                    return
                job = self._waiting.popleft()
                self.running += 1
            began = time.perf_counter()
            job.run()
            del job  # and with it the photo, before the next one comes
            with self._change:
                self.running -= 1
                self.done += 1
                took = time.perf_counter() - began
                self.seconds += (0.2 if self.seconds else 1.0) * (took - self.seconds)
