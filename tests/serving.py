"""A client of servers, for the tests of `tonsure.web`."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
import uuid
from dataclasses import dataclass
from typing import Any


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a problem, which must be a whole one."""
        problem = self.json
        assert self.headers["content-type"] == "application/problem+json"
        assert problem.keys() == {"type", "title", "status", "detail", "code", "request_id"}
        assert problem["status"] == self.status
        assert problem["request_id"] == self.headers["x-request-id"]
        return str(problem["code"])


def multipart(*parts: tuple[str, bytes | str, str | None]) -> tuple[bytes, str]:
    """Body and content type of a form; parts are name, content, file name."""
    boundary = uuid.uuid4().hex
    out = b""
    for name, content, filename in parts:
        data = content.encode() if isinstance(content, str) else content
        named = f'; filename="{filename}"' if filename is not None else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
        out += head.encode() + data + b"\r\n"
    return out + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@dataclass
class Client:
    port: int

    def ask(
        self, method: str, path: str, body: bytes | None = None, timeout: float = 120,
        **headers: str,
    ) -> Answer:  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            got = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, got, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def photo(self, path: str, image: bytes | None, accept: str = "*/*", **fields: str) -> Answer:
        """POST a form with the file `image` and `fields`."""
        parts: list[Any] = [(name, value, None) for name, value in fields.items()]
        if image is not None:
            parts.insert(0, ("image", image, "me.jpg"))
        body, kind = multipart(*parts)
        return self.ask("POST", path, body, Content_Type=kind, Accept=accept)

    def raw(self, data: bytes, seconds: float = 10) -> bytes:
        """What comes back for these very bytes, until the server closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as wire:
            out = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                wire.sendall(data)
                while part := wire.recv(65536):
                    out += part
            return out

    def ready(self, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                if self.get("/readyz").status == 200:
                    return
            except OSError:
                pass
            assert time.monotonic() < end, "the server did not get ready"
            time.sleep(0.05)
