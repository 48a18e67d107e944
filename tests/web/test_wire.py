"""Connections: who is refused hears why, who dawdles is let go, who half closed is answered."""

from __future__ import annotations

import errno
import http.client
import random
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving import multipart
from tonsure.errors import BadOption
from tonsure.photo import Limits
from tonsure.web.options import Options
from tonsure.web.server import Server, _cannot_listen

FORM = b"Content-Type: multipart/form-data; boundary=x\r\n"
SMALL = Limits(max_file_mb=0.5)


def head(path: str, *lines: bytes, host: str = "localhost") -> bytes:
    start = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n".encode()
    return start + b"".join(lines) + b"\r\n"


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("path", "megabytes"),
    [("/v1/edit", 4), ("/v1/edit", 20), ("/predict/stgan_bald", 20), ("/nothing", 8)],
)
def test_who_sends_before_reading_hears_why(serve, path, megabytes):
    here = serve(limits=SMALL)
    expected = 404 if path == "/nothing" else 413
    kind = "application/json" if "predict" in path else "multipart/form-data; boundary=x"
    for _ in range(5):
        answer = here.ask("POST", path, bytes(megabytes * 1_000_000), Content_Type=kind)
        assert answer.status == expected
        assert answer.headers["connection"] == "close"


def test_a_body_of_chunks_that_never_ends(serve):
    here = serve(limits=SMALL)
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    sent = head("/v1/edit", FORM, b"Transfer-Encoding: chunked\r\n") + chunk * 40
    assert status(here.raw(sent)) == 413


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (head("/", b"Content-Length: 99\r\n", host="evil.example"), 421),
        (head("/nothing", b"Content-Length: 99\r\n"), 404),
        (head("/", b"Content-Length: 99\r\n"), 405),
        (head("/v1/edit", b"Content-Length: 99\r\n"), 400),
        (b"nonsense\r\n\r\n", 400),
    ],
)
def test_a_body_nobody_wants_has_a_deadline(serve, request_, expected):
    here = serve(body_seconds=0.5, ready=False)
    began, said, ended = time.monotonic(), b"", False
    with socket.create_connection(("127.0.0.1", here.port), timeout=0.1) as wire:
        wire.sendall(request_)
        while not ended and time.monotonic() - began < 40:
            try:  # a byte now and then
                wire.sendall(b"x")
                part = wire.recv(65536)
                said += part
                if not part:  # it said its end; is it also gone?
                    time.sleep(0.05)
            except TimeoutError:
                pass
            except ConnectionError:
                ended = True
    assert status(said) == expected
    assert ended


def test_many_that_dawdle_do_not_close_the_server(serve):
    here = serve(connections=8, body_seconds=600)
    held = []
    for _ in range(12):
        wire = socket.create_connection(("127.0.0.1", here.port), timeout=10)
        wire.sendall(head("/", b"Content-Length: 99\r\n", host="evil.example"))
        assert wire.recv(12) == b"HTTP/1.1 421"
        held.append(wire)
    assert here.get("/healthz").status == 200
    for wire in held:
        wire.close()


def test_when_all_connections_are_at_work(serve):
    here = serve(connections=1, body_seconds=600)
    with socket.create_connection(("127.0.0.1", here.port), timeout=10) as wire:
        wire.sendall(head("/v1/edit", FORM, b"Content-Length: 9\r\nExpect: 100-continue\r\n"))
        assert wire.recv(12) == b"HTTP/1.1 100"  # its body is waited for
        refused = here.get("/")
        assert (refused.status, refused.code) == (429, "busy")
        assert refused.headers["retry-after"] == "2"


def test_a_client_that_half_closed_is_answered(serve, portrait):
    here = serve()
    body, kind = multipart(("image", portrait, "a.jpg"))
    sent = head("/v1/edit", f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n".encode())
    with socket.create_connection(("127.0.0.1", here.port), timeout=60) as wire:
        wire.sendall(sent + body)
        wire.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(wire)  # which passes over a 100 by itself
        response.begin()
        assert response.status == 200
        assert response.read()[:2] == b"\xff\xd8"


def test_half_a_body_and_the_end(serve):
    here = serve()
    with socket.create_connection(("127.0.0.1", here.port), timeout=60) as wire:
        wire.sendall(head("/v1/edit", FORM, b"Content-Length: 99\r\n") + b"--x")
        wire.shutdown(socket.SHUT_WR)
        assert b" 400 " in wire.recv(65536)


def test_a_length_told_in_two_ways(serve):
    here = serve(ready=False)
    lines = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"
    sent = head("/v1/edit", FORM, lines) + b"0\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = here.raw(sent)
    assert status(answer) == 400
    assert answer.count(b"HTTP/1.1") == 1  # and closed: what follows is not read as a request


def test_chunks_are_not_of_http_1_0(serve):
    here = serve(ready=False)
    sent = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert status(here.raw(sent)) == 400


def test_several_requests_at_once_and_one_after_the_other(serve):
    here = serve(ready=False)
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert here.raw(one * 3 + last).count(b"HTTP/1.1 200") == 4
    connection = http.client.HTTPConnection("127.0.0.1", here.port, timeout=30)
    for _ in range(3):
        connection.request("GET", "/healthz")
        wire = connection.sock
        assert connection.getresponse().read()
        assert connection.sock is wire
    connection.close()
    absolute = last.replace(b"/healthz", b"http://localhost/healthz")
    assert here.raw(absolute).startswith(b"HTTP/1.1 200")
    old = here.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert old.startswith(b"HTTP/1.1 200")


def test_head(serve):
    here = serve(ready=False)
    for path in ("/", "/docs", "/page/script.js", "/healthz"):
        got, head_ = here.get(path), here.ask("HEAD", path)
        assert (head_.status, head_.body) == (200, b"")
        assert head_.headers["content-length"] == str(len(got.body))
    assert here.ask("HEAD", "/v1/edit").status == 405


def test_parsers_say_nothing(process):
    there = process()
    for data in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET\r\n\r\n"):
        assert status(there.raw(data)) == 400
    with socket.create_connection(("127.0.0.1", there.port)) as wire:  # a reset
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.sendall(b"GET /")
    there.get("/healthz")
    assert there.end() == 0
    said = [line for line in there.log.read_text().splitlines() if "readyz" not in line]
    assert [line for line in said if "/healthz" not in line and "stopping" not in line] == [
        f"tonsure: the page and the API are at http://127.0.0.1:{there.port}/ (Ctrl-C ends)"
    ]


def test_a_taken_port_is_told_before_anything_else(serve):
    here = serve(ready=False)
    server = Server(Options(port=here.port))
    with pytest.raises(BadOption, match=f"Port {here.port} of 127.0.0.1 is taken.*--port"):
        server.bind()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EADDRNOTAVAIL, ""), "no address of this machine; --host"),
        (socket.gaierror(-2, ""), "no address of this machine; --host"),
        (OSError(errno.EACCES, ""), "above 1023 with --port"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files; choose another"),
    ],
)
def test_an_address_that_cannot_be_had(error, said):
    assert said in _cannot_listen(error, "bald.example", 80)


def test_damaged_requests(serve, caplog):
    here = serve(header_seconds=0.3, body_seconds=0.3)
    caplog.clear()
    body, kind = multipart(("image", b"\xff\xd8\xff" + bytes(200), "a.jpg"), ("face", "1", None))
    length = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n".encode()
    chunked = f"Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n".encode()
    whole = [
        head("/v1/edit", length) + body,
        head("/v1/layers", length, b"Accept: application/x-ndjson\r\n") + body,
        head("/v1/edit", chunked) + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n",
        head("/predict/stgan_bald", b"Content-Length: 2\r\n") + b"{}",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    ]
    chance = random.Random(1)

    def damaged(k: int) -> bytes:
        data = bytearray(whole[k % len(whole)])
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        start = chance.randrange(len(data))
        cut = chance.choice((data, data[:start], data + data, data[start:]))
        return bytes(cut)

    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda data: here.raw(data, 2), map(damaged, range(160))))
    statuses = {status(answer) for answer in answers if answer}
    assert 500 not in statuses
    assert 400 in statuses
    assert here.get("/healthz").status == 200
    assert [r for r in caplog.records if r.name == "tonsure.web" and r.levelname == "ERROR"] == []
    assert [r for r in caplog.records if r.name == "asyncio"] == []
