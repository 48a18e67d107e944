"""One request and its answer, between h11 and an ASGI application."""

from __future__ import annotations

from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import h11

if TYPE_CHECKING:
    from .wire import Wire


class Exchange:
    """One request and its answer, as ASGI puts them."""

    def __init__(self, wire: Wire, request: h11.Request) -> None:
        self._wire, self._http = wire, wire.http
        self.answered = False
        self.keep = True
        self._whole = self._cut = self._lost = False
        self._headless = request.method == b"HEAD"
        target = request.target
        if target[:7].lower() == b"http://":  # as to a proxy; HTTP/1.1 has servers take it, too
            target = b"/" + target[7:].partition(b"/")[2]
        path, _, query = target.partition(b"?")
        client, server = wire.ends
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.http_version.decode("ascii"),
            "method": request.method.decode("ascii"),
            "scheme": "http",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(request.headers),
            "client": client,
            "server": server,
        }

    async def receive(self) -> dict[str, Any]:
        """A part of the body, or that the client left."""
        if not (self._whole or self._cut or self.answered):
            try:
                if self._http.they_are_waiting_for_100_continue:
                    await self._wire.write(go_on())
                if (part := await self._part()) is not None:
                    return part
            except (OSError, TimeoutError, h11.RemoteProtocolError):
                self._cut = True
            return {"type": "http.disconnect"}
        if not self._cut:
            await self._wire.left()
        return {"type": "http.disconnect"}

    async def _part(self) -> dict[str, Any] | None:
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._wire.read())
            elif isinstance(event, h11.Data):
                return {"type": "http.request", "body": bytes(event.data), "more_body": True}
            elif isinstance(event, h11.EndOfMessage):
                self._whole = True
                return {"type": "http.request", "body": b"", "more_body": False}
            else:
                self._cut = True
                return None

    async def send(self, message: Any) -> None:
        """A part of the answer; nothing, once the client has gone."""
        try:
            await self._send(message)
        except (OSError, TimeoutError):
            self._lost, self.keep = True, False

    async def _send(self, message: Any) -> None:
        if self._lost:
            return
        if message["type"] == "http.response.start":
            await self._start(message["status"], list(message.get("headers", [])))
            return
        more, data = message.get("more_body", False), message.get("body", b"")
        if data and not self._headless:
            await self._wire.write(h11.Data(data))
        if not more:
            await self._wire.write(h11.EndOfMessage())
            self.answered = True
            # h11 itself closes for who asked for it, and for HTTP/1.0
            self.keep = self.keep and self._http.our_state is h11.DONE

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        with suppress(h11.RemoteProtocolError):  # what is here of the body, perhaps all
            while not self._whole and isinstance(event := self._http.next_event(), h11.Data):
                pass
            self._whole = self._whole or isinstance(event, h11.EndOfMessage)
        headers.append((b"date", formatdate(usegmt=True).encode()))
        self.keep = self._whole and not self._wire.stopping()
        if not self.keep and (b"connection", b"close") not in headers:
            headers.append((b"connection", b"close"))
        await self._wire.write(response(status, headers))


def response(status: int, headers: list[tuple[bytes, bytes]]) -> h11.Response:
    """The head of an answer."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    return h11.Response(status_code=status, headers=headers, reason=phrase)


def go_on() -> h11.InformationalResponse:
    """A "100 Continue"."""
    return h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
