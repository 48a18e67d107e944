"""The listening socket, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

from ..editor import Editor
from ..errors import BadOption
from .app import make, prove
from .options import Options
from .problems import Refused
from .wire import Patience, Wire

_TICK = 0.05  # seconds between two looks at whether to stop
_LAST = 3.0  # seconds that clients have to close when there is no more to do
_log = logging.getLogger("tonsure.web")


class Server:
    """At SIGTERM or Ctrl-C: takes no more photos, answers 503, finishes what it has, ends.

    `started` is set once clients are answered; `port` is the real one after `bind`.
    """

    def __init__(self, options: Options, editor: Editor | None = None) -> None:
        self.app, self.context = make(options, editor)
        self.work, self.port = self.context.work, options.port
        self.started = threading.Event()
        self._options = options
        self._patience = Patience(options.header_seconds, options.body_seconds)
        self._sockets: list[socket.socket] = []
        self._wires: dict[asyncio.Task[Any], Wire] = {}
        self._now = False  # end at once

    def bind(self) -> None:
        """Take the address; raises `BadOption` if it cannot be had."""
        host, port = self._options.host.strip("[]"), self._options.port
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            for family, _, _, _, address in dict.fromkeys(found):
                where = (address[0], self.port, *address[2:])
                if family == socket.AF_INET6 and not socket.has_ipv6:
                    continue
                taken = socket.create_server(where, family=family, backlog=1024)
                self._sockets.append(taken)
                self.port = taken.getsockname()[1]
        except OSError as error:
            self.release()
            raise BadOption(_cannot_listen(error, host, port)) from error

    def release(self) -> None:
        """Give the address back."""
        for one in self._sockets:
            one.close()
        self._sockets.clear()

    def run(self) -> None:
        """Serve until a signal or `stop` ends it."""
        if not self._sockets:
            self.bind()
        try:
            asyncio.run(self._serve())
        finally:
            self.release()
            self.work.close()

    def stop(self, *, now: bool = False) -> None:
        """As SIGTERM does; may be called by any thread. `now` leaves all work undone."""
        self._now = self._now or now
        self.work.draining = True

    async def _serve(self) -> None:
        listening = [await asyncio.start_server(self._accept, sock=one) for one in self._sockets]
        test = asyncio.create_task(prove(self.context))
        with self._signals():
            self.started.set()
            end = await self._until_stopped()
            for one in listening:
                one.close()
            await self._last_answers(end)
        test.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await test

    async def _until_stopped(self) -> float:
        """Comes back when no more photos are to be taken; gives the loop's time to end at."""
        options = self._options
        while not self.work.draining:
            await asyncio.sleep(_TICK)
        count = self.work.running + self.work.waiting
        _log.info("stopping; %d photos to finish", count)
        loop = asyncio.get_running_loop()
        quiet = loop.time() + options.drain_seconds
        end = loop.time() + max(options.stop_seconds, options.drain_seconds)
        while not self._now and loop.time() < end:
            if loop.time() >= quiet and self.work.idle:
                break
            await asyncio.sleep(_TICK)
        return end

    async def _last_answers(self, end: float) -> None:
        """Let answers that are under way arrive; who has had one may close within a moment."""
        loop = asyncio.get_running_loop()
        last = loop.time() + _LAST
        while self._wires and not self._now and loop.time() < max(end, last):
            wires = list(self._wires.values())
            for wire in wires:
                if wire.idle:
                    wire.end()
            if loop.time() > last and all(wire.idle or wire.after for wire in wires):
                break
            await asyncio.sleep(_TICK)
        for task in list(self._wires):
            task.cancel()
        await asyncio.gather(*self._wires, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(self.app, reader, writer, self._patience, lambda: self.work.draining)
        task = asyncio.current_task()
        assert task is not None
        full = len(self._wires) >= self._options.connections
        if full:  # who has had an answer, or says nothing, gives way
            spare = next((one for one in self._wires.values() if one.idle or one.after), None)
            full = spare is None
            if spare is not None:
                spare.end()
        self._wires[task] = wire
        try:
            if full:
                said = "Too many clients are connected; try again soon."
                await wire.refuse(Refused("busy", said, Retry_After="2"))
            else:
                await wire.serve()
        except asyncio.CancelledError:
            pass  # streams would log it
        finally:
            del self._wires[task]

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals of a terminal and of service managers stop the server; a second one at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
        kinds = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {
            kind: signal.signal(kind, lambda *_: self.stop(now=self.work.draining))
            for kind in kinds
            if signal.getsignal(kind) is not signal.SIG_IGN  # as nohup wants it
        }
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)


def _cannot_listen(error: OSError, host: str, port: int) -> str:
    """The sentence."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is taken by another program, perhaps by this server started "
            "before; choose another one with --port, or 0 for a free one."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} may not be used by this user; choose one above 1023 with --port."
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; --host takes one, or 0.0.0.0 for all."
    return f"Port {port} of {host} cannot be had: {error.strerror}; choose another with --port."


def run(server: Server) -> None:
    """Serve until a signal ends it. The log goes to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.getLogger("tonsure.web")
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)
    server.run()
