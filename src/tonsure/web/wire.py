"""One connection: HTTP/1.1 as h11 reads and writes it, an ASGI application behind it."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import h11

from . import problems
from .exchange import Exchange, go_on, response
from .problems import Refused

_PART = 65_536  # bytes that are read at once, and that a client may send ahead
_WRITE = 262_144  # bytes that must leave within `write_seconds`
_HEAD = 16_384  # bytes of a request's head
_AFTER = 2.0  # seconds for the client to close after its last answer
_LOOK = 0.1  # seconds between two looks whether a silent client is still there
_log = logging.getLogger("tonsure.web")


@dataclass(frozen=True)
class Patience:
    """Seconds that clients have: for a head, for a body (also one that nobody wants any more),
    between two requests, and to take 256 kB of an answer."""

    head: float
    body: float
    idle: float = 30.0
    write: float = 60.0


class Wire:
    """Serves one connection until either side ends it.

    Its end is a lingering close: the answer goes out, then this side says that it has said all,
    then what the client still sends is read and forgotten until it closes too. Closed at once
    instead, the client's system would throw the answer away, and show a reset in its place.
    """

    def __init__(
        self,
        app: Any,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        patience: Patience,
        stopping: Callable[[], bool],
    ) -> None:
        self.app, self.patience, self.stopping = app, patience, stopping
        self.idle, self.after = True, False  # between requests; after the last answer
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD)
        self._began = time.monotonic()
        writer.transport.set_write_buffer_limits(high=0)  # to drain is to have all sent

    async def serve(self) -> None:
        """Answer requests one by one; every way out closes the connection."""
        idle = self.patience.head
        try:
            while (request := await self._head(idle)) is not None:
                self.idle = False
                exchange = Exchange(self, request)
                await self.app(exchange.scope, exchange.receive, exchange.send)
                if not exchange.answered or not exchange.keep:
                    break
                self._http.start_next_cycle()
                idle = self.patience.idle
            await self._linger()
        except (OSError, TimeoutError, h11.ProtocolError):
            pass
        except Exception as error:  # the guard lets none through: this is a fault of this file
            _log.error("connection fault %s", type(error).__name__)
        finally:
            self._writer.transport.abort()

    async def refuse(self, refused: Refused) -> None:
        """Answer without a look at what is asked, and close."""
        try:
            await self._say(refused)
            await self._linger()
        except (OSError, TimeoutError, h11.ProtocolError):
            pass
        finally:
            self._writer.transport.abort()

    def end(self) -> None:
        """Close now, whatever is under way."""
        self._writer.transport.abort()

    async def _head(self, idle: float) -> h11.Request | None:
        """The next request; None after the client's end, its silence, or nonsense."""
        self.idle = True
        deadline, started = time.monotonic() + idle, False
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                long = error.error_status_hint == 431
                said = f"The request's head is longer than {_HEAD // 1024} kB." if long else (
                    "This is not a request of HTTP/1.1; send one as a browser or curl does."
                )  # fmt: skip
                await self._say(Refused("bad_request", said))
                return None
            if isinstance(event, h11.Request):
                self._began = time.monotonic()
                if bad := _objection(event):
                    await self._say(Refused("bad_request", bad))
                    return None
                return event
            if event is not h11.NEED_DATA:
                return None
            if not started and self._http.trailing_data[0]:
                deadline, started = time.monotonic() + self.patience.head, True
                self.idle = False
            try:
                self._http.receive_data(await self.read(deadline))
            except TimeoutError:
                if started:
                    said = f"The request's head did not arrive within {self.patience.head:g} s."
                    await self._say(Refused("too_slow", said))
                return None

    async def _say(self, refused: Refused) -> None:
        """A problem, as the last thing of this connection."""
        text = json.dumps(problems.body(refused.code, refused.said, name := secrets.token_hex(8)))
        headers = {
            "Content-Type": problems.MEDIA_TYPE, "Content-Length": str(len(text)),
            "X-Request-ID": name, "Cache-Control": "no-store", "Connection": "close",
            "Date": formatdate(usegmt=True),
        } | refused.headers  # fmt: skip
        status = problems.STATUS[refused.code]
        await self.write(response(status, [(k.encode(), v.encode()) for k, v in headers.items()]))
        await self.write(h11.Data(text.encode()))
        await self.write(h11.EndOfMessage())

    async def _linger(self) -> None:
        """Say that all was said, then read and forget until the client closes."""
        self.idle, self.after = False, True
        end = time.monotonic() + _AFTER
        whole = self._http.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.IDLE)
        if not whole:
            end = max(end, self._began + self.patience.body)
        if self._writer.can_write_eof():
            self._writer.write_eof()
        while await self.read(end):
            pass

    async def read(self, deadline: float | None = None) -> bytes:
        """Some bytes; none at the client's end. Raises `TimeoutError`; `OSError` for a reset."""
        if deadline is None:
            return await self._reader.read(_PART)
        left = max(0.001, deadline - time.monotonic())
        return await asyncio.wait_for(self._reader.read(_PART), left)

    async def write(self, event: Any) -> None:
        """Send a part of an answer; raises `TimeoutError` for a client that takes nothing."""
        data = self._http.send(event) or b""
        for at in range(0, len(data), _WRITE):
            self._writer.write(data[at : at + _WRITE])
            await asyncio.wait_for(self._writer.drain(), self.patience.write)

    async def left(self) -> None:
        """Comes back when the client has gone, not when it merely has nothing more to send.

        One that closed and one that only said its end look alike. So it is sent a "100 Continue",
        which every client must be able to overhear: who has closed answers with a reset.
        """
        with suppress(OSError):
            while data := await self.read():
                self._http.receive_data(data)
                if len(self._http.trailing_data[0]) > _PART:
                    await asyncio.Event().wait()  # enough ahead; its end will be seen later
            if self._http.their_http_version != b"1.1":
                await asyncio.Event().wait()  # they may not be told anything in between
            wire: Any = self._writer.get_extra_info("socket")
            if self._http.our_state is h11.SEND_RESPONSE:  # else the answer itself shows it
                await self.write(go_on())
            while not wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                await asyncio.sleep(_LOOK)

    @property
    def http(self) -> h11.Connection:
        return self._http

    @property
    def ends(self) -> tuple[Any, Any]:
        """Addresses of the client and of this side."""
        found = [self._writer.get_extra_info(name) for name in ("peername", "sockname")]
        client, server = (tuple(one[:2]) if isinstance(one, tuple) else None for one in found)
        return client, server


def _objection(request: h11.Request) -> str:
    """What is wrong with a head of another HTTP, or one of which two servers could read two
    different bodies."""
    if request.http_version not in (b"1.0", b"1.1"):
        return "This server speaks HTTP/1.1; send that."
    names = {name for name, _ in request.headers}
    if b"transfer-encoding" in names and b"content-length" in names:
        return "The request tells its length in two ways; send Content-Length or chunks, not both."
    if b"transfer-encoding" in names and request.http_version != b"1.1":
        return "Chunks belong to HTTP/1.1; send Content-Length."
    return ""
