"""uvicorn, with an end that loses nothing and without patience for clients that dawdle."""

from __future__ import annotations

import asyncio
import logging
import sys
from types import FrameType

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..editor import Editor
from .app import make
from .options import Options
from .work import Work

_log = logging.getLogger("tonsure.web")


class Impatient(H11Protocol):
    """Closes a connection whose next request's head does not arrive in time.

    uvicorn waits for it without end: a few bytes now and then would hold a connection for ever.
    """

    seconds = 10.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """The clock runs while a head is being waited for, from its first byte or the start."""
        if self.conn.their_state is not h11.IDLE:
            self._unwatch()
        elif self._timer is None and (self.cycle is None or self.conn.trailing_data[0]):
            self._timer = self.loop.call_later(self.seconds, self._give_up)

    def _give_up(self) -> None:
        if self.conn.trailing_data[0]:
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
        self.transport.close()

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Server(uvicorn.Server):
    """At SIGTERM or Ctrl-C: takes no more photos, answers 503, finishes what it has, ends."""

    def __init__(self, config: uvicorn.Config, options: Options, work: Work) -> None:
        super().__init__(config)
        self._options, self._work = options, work
        self._stop_at: float | None = None
        self._end_at = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._work.draining:  # asked twice
            self.should_exit = self.force_exit = True
            return
        # not told to uvicorn, which would raise the signal once more in the end
        self._work.draining = True

    async def on_tick(self, counter: int) -> bool:
        ended = await super().on_tick(counter)
        if self._work.draining and not ended:
            now = asyncio.get_running_loop().time()
            if self._stop_at is None:
                self._stop_at = now + self._options.drain_seconds
                self._end_at = now + max(self._options.stop_seconds, self._options.drain_seconds)
                count = self._work.running + self._work.waiting
                _log.info("stopping; %d photos to finish", count)
            if (now >= self._stop_at and self._work.idle) or now >= self._end_at:
                return True
        return ended


def build(options: Options, editor: Editor | None = None) -> Server:
    """A server that is ready to `run`."""
    app, work = make(options, editor)

    class Protocol(Impatient):
        seconds = options.header_seconds

    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=options.connections,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=max(1, round(options.stop_seconds)),
        h11_max_incomplete_event_size=16_384,
        proxy_headers=bool(options.proxies),
        forwarded_allow_ips=options.proxies or None,
    )
    return Server(config, options, work)


def run(options: Options, editor: Editor | None = None) -> None:
    """Serve until a signal ends it. The log goes to standard error."""
    _set_up_log()
    build(options, editor).run()


def _set_up_log() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    for name, level in (("tonsure.web", logging.INFO), ("uvicorn.error", logging.WARNING)):
        log = logging.getLogger(name)
        log.handlers, log.propagate = [handler], False
        log.setLevel(level)
