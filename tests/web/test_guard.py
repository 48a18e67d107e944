"""What strangers try: names, origins, tokens, forms and bodies that are not what they should be."""

from __future__ import annotations

import json
import logging
import socket
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from serving import multipart
from tonsure.errors import BadOption
from tonsure.photo import Limits
from tonsure.web import guard
from tonsure.web.form import parse
from tonsure.web.options import Options, check
from tonsure.web.problems import Refused


def _png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in body
    )


BOMBS = {
    "png of 50,000 x 50,000": _png(50_000, 50_000),
    "png of 11,000 x 11,000": _png(11_000, 11_000),
    "png of 99,000 x 1": _png(99_000, 1),
    "icc that unpacks to 300 MB": _png(
        8, 8, (b"iCCP", b"x\0\0" + zlib.compress(bytes(300_000_000), 9))
    ),
    "10 MB of XMP": _png(8, 8, (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * 10_000_000)),
    "webp of 16,383 x 16,383": b"RIFF"
    + struct.pack("<I", 22)
    + b"WEBPVP8X"
    + struct.pack("<I", 10)
    + bytes(4)
    + (16_382).to_bytes(3, "little") * 2,
    "avif that is cut off": bytes([0, 0, 0, 28]) + b"ftypavif" + bytes(16),
}

TOKEN = "a token of some length"


def test_hosts(serve):
    here = serve(hosts=("Bald.Example",))
    for name in (
        "localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]:8000", "192.168.1.7", "bald.example",
        "bald.example.:443",
    ):  # fmt: skip
        assert here.get("/", Host=name).status == 200, name
    for name in (
        "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "a@localhost",
        "localhost/x", "localhost:x", "[::1", "bald.example,evil.example",
    ):  # fmt: skip
        answer = here.get("/", Host=name)
        assert (answer.status, answer.code) == (421, "wrong_host"), name
    assert here.get("/healthz", Host="evil.example").status == 200
    twice = b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
    assert here.raw(twice + b"").split(b" ")[1] in (b"400", b"421")


def test_pages_of_other_sites(serve, portrait):
    here = serve()
    host = f"127.0.0.1:{here.port}"
    body, kind = multipart(("image", portrait, "a.jpg"))

    def post(**headers):
        return here.ask("POST", "/v1/inspect", body, Content_Type=kind, **headers)

    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": f"http://{host}.evil.example"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"},
    ):
        answer = post(**headers)
        assert (answer.status, answer.code) == (403, "wrong_origin")
        assert "access-control-allow-origin" not in answer.headers
    own = here.get("/v1/models", Origin=f"http://{host}", Sec_Fetch_Site="same-origin")
    assert own.status == 200
    linked = here.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
    assert linked.status == 200
    assert here.ask("OPTIONS", "/v1/edit").status == 405


def test_a_token(serve, portrait):
    here = serve(token=TOKEN)
    for path in ("/", "/docs", "/openapi.json", "/page/script.js", "/healthz", "/readyz"):
        assert here.get(path).status == 200
    for path in ("/v1/models", "/metrics", "/nothing"):
        for given in ("", TOKEN, f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer \xe9"):
            answer = here.get(path, Authorization=given)
            assert (answer.status, answer.code) == (401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert here.get(path, Authorization=f"Bearer {TOKEN}").status in (200, 404)
    assert here.photo("/v1/edit", portrait).code == "unauthorized"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "0.0.0.0"}, "--no-token"),
        ({"host": "::"}, "TONSURE_TOKEN"),
        ({"host": "bald.example"}, "can be reached from other machines"),
        ({"token": "short"}, "too weak"),
        ({"workers": 0}, "more than 0"),
        ({"rate": float("nan")}, "cannot be negative"),
        ({"port": 70_000}, "no port"),
    ],
)
def test_options_that_cannot_be_trusted(options, said):
    with pytest.raises(BadOption, match=said):
        check(Options(**options))


def test_options_that_can():
    for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost", "[::1]"):
        check(Options(host=host))
    check(Options(host="0.0.0.0", token=TOKEN))
    check(Options(host="0.0.0.0"), open_to_all=True)


def test_headers(serve, portrait):
    here = serve()
    for answer in (here.get("/"), here.get("/nothing"), here.photo("/v1/edit", portrait)):
        for name in guard.HEADERS:
            assert name.lower() in answer.headers
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    assert here.photo("/v1/edit", portrait).headers["cache-control"] == "no-store"
    tag = here.get("/").headers["etag"]
    again = here.get("/", If_None_Match=tag)
    assert (again.status, again.body) == (304, b"")


def test_request_ids(serve):
    here = serve()
    assert here.get("/", X_Request_ID="abc-1.2_3").headers["x-request-id"] == "abc-1.2_3"
    for given in ("a b", "x" * 65, "a;b", "\xe9"):
        assert here.get("/", X_Request_ID=given).headers["x-request-id"] != given
    assert here.get("/").headers["x-request-id"] != here.get("/").headers["x-request-id"]


def test_the_log_has_nothing_of_a_photo(serve, portrait, cup, caplog):
    caplog.set_level(logging.INFO)
    here = serve()
    for image in (portrait, cup):
        body, kind = multipart(("image", image, "my-secret-name.jpg"))
        here.ask("POST", "/v1/edit", body, Content_Type=kind, User_Agent="secret")
    here.get("/secret%0d%0aline")

    def said() -> str:
        return "\n".join(r.getMessage() for r in caplog.records if r.name == "tonsure.web")

    until = time.monotonic() + 60  # the line comes after the answer
    while "GET - 404" not in said() and time.monotonic() < until:
        time.sleep(0.02)
    assert "POST /v1/edit 200" in said()
    assert "GET - 404" in said()
    assert "secret" not in caplog.text
    assert "127.0.0.1" not in said()


def test_the_rate_of_one_client(serve, portrait):
    here = serve(rate=1, burst=3)
    statuses = [here.photo("/v1/layers", portrait).status for _ in range(6)]
    assert statuses[:3] == [200] * 3
    refused = here.photo("/v1/layers", portrait)
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) >= 1
    assert here.get("/").status == 200  # looking costs nothing


def test_rates_are_kept_for_few_and_by_network():
    rate = guard.Rate(60, 1, most=100)
    for k in range(300):
        rate.check(f"10.0.{k // 256}.{k % 256}")
    assert len(rate._buckets) == 100
    rate.check("2001:db8::1")
    with pytest.raises(Refused):
        rate.check("2001:db8::ffff:1")
    rate.check("2001:db8:0:1::1")
    for _ in range(100):
        guard.Rate(0, 1).check("10.0.0.1")


def test_forwarded_addresses_are_believed_of_proxies_only(serve, portrait):
    for proxies, last in (("", 429), ("127.0.0.1", 200)):
        here = serve(rate=1, burst=1, proxies=proxies)
        body, kind = multipart(("image", portrait, "a.jpg"))
        for address, status in (("10.1.1.1", 200), ("10.1.1.2", last)):
            answer = here.ask(
                "POST", "/v1/layers", body, Content_Type=kind, X_Forwarded_For=address
            )
            assert answer.status == status


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_bombs(serve, name):
    here = serve()
    answer = here.photo("/v1/edit", BOMBS[name])
    assert answer.status in (400, 413, 415)
    assert answer.code in ("unreadable_input", "limit_exceeded", "wrong_type", "truncated_input")
    assert here.get("/healthz").status == 200


def test_too_large(serve, portrait):
    here = serve(limits=Limits(max_file_mb=0.5, max_megapixels=0.2))
    answer = here.photo("/v1/edit", portrait)  # 0.26 megapixels
    assert (answer.status, answer.code) == (413, "limit_exceeded")
    told = here.photo("/v1/edit", bytes(5_000_000))  # by its length, before it is read
    assert (told.status, told.code) == (413, "limit_exceeded")
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    head = b"POST /v1/edit HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    untold = here.raw(head + chunk * 40 + b"0\r\n\r\n")
    assert b" 413 " in untold.split(b"\r\n")[0]


def test_who_waits_for_100_hears_no_at_once(serve):
    here = serve(limits=Limits(max_file_mb=0.5))
    head = b"POST /v1/edit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\nExpect: 100-continue\r\n\r\n"
    assert b" 413 " in here.raw(head).split(b"\r\n")[0]


def test_uploads_together_have_a_limit(serve, portrait):
    here = serve(pending_mb=0.05)
    answer = here.photo("/v1/edit", portrait)
    assert (answer.status, answer.code) == (429, "busy")
    assert here.get("/healthz").status == 200


def test_a_head_that_dawdles(serve):
    here = serve(header_seconds=0.5)
    said = b""
    with socket.create_connection(("127.0.0.1", here.port), timeout=5) as wire:
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100:
            try:
                wire.sendall(bytes([byte]))
            except ConnectionError:
                break
            wire.settimeout(0.05)
            try:
                said = wire.recv(1000)
                break
            except TimeoutError:
                pass
    assert b" 408 " in said
    with socket.create_connection(("127.0.0.1", here.port), timeout=60) as wire:
        assert wire.recv(10) == b""  # who says nothing at all is let go, too


def test_a_body_that_dawdles(serve):
    here = serve(body_seconds=0.5)
    head = b"POST /v1/edit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
    answer = here.raw(head)
    assert b" 408 " in answer.split(b"\r\n")[0]
    assert b'"too_slow"' in answer


def test_requests_that_are_none(serve):
    here = serve(header_seconds=1)
    for data in (
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"POST /v1/edit HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n",
    ):
        answer = here.raw(data, 20)
        assert answer == b"" or 400 <= int(answer.split(b" ")[1]) < 500
    assert here.get("/healthz").status == 200


def test_paths_are_names_of_routes_and_nothing_else(serve):
    here = serve()
    for path in (
        "/page/../../../etc/passwd", "/page/%2e%2e/%2e%2e/app.py", "/page//etc/passwd",
        "/page/..%2f..%2fapp.py", "/page/index.html%00.js", "//etc/passwd", "/page/", "/app.py",
        "/page/..\\app.py",
    ):  # fmt: skip
        assert here.get(path).status == 404, path


def test_names_of_files_are_not_looked_at(serve, portrait):
    here = serve()
    for name in ("../../etc/passwd", "C:\\x.jpg", "a\x00b.jpg", "x" * 200, "http://evil.example/"):
        body, kind = multipart(("image", portrait, name))
        answer = here.ask("POST", "/v1/edit", body, Content_Type=kind)
        assert answer.status in (200, 400)
        assert answer.headers.get("content-disposition", "photo.bald").count("photo.bald") == 1
    for text in ("/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/x.jpg"):
        body, kind = multipart(("image", text, None))
        assert here.ask("POST", "/v1/edit", body, Content_Type=kind).code == "wrong_type"


def test_forms():
    def form(*parts):
        body, kind = multipart(*parts)
        return body, kind.split("=")[1].encode()

    body, boundary = form(("image", b"\x00\r\n--\xff", "a"), ("face", "é", None))
    found = parse(body, boundary, {"image"})
    assert found.file("image") == b"\x00\r\n--\xff"
    assert found.text("face", "") == "é"
    assert found.text("style", "thin") == "thin"
    for wrong in (
        b"", b"\r\n", body[:-3], body[:40], body.replace(b"name", b"mane"),
        body.replace(b"Content-Disposition", b"Content Disposition"),
        b"--" + boundary + b"\r\n" + b"A: b\r\n" * 100 + b"\r\nx\r\n--" + boundary + b"--\r\n",
        b"--" + boundary + b"\r\nA: " + b"b" * 9000 + b"\r\n\r\nx\r\n--" + boundary + b"--\r\n",
    ):  # fmt: skip
        with pytest.raises(Refused) as caught:
            parse(wrong, boundary, {"image"})
        assert caught.value.code == "bad_request"
    for parts in (
        [("a", "b", None)] * 30, [("a", "b" * 70_000, None)], [("a", b"\xff", None)],
    ):  # fmt: skip
        with pytest.raises(Refused):
            parse(*form(*parts), {"image"})
    twice = parse(*form(("image", b"1", "a"), ("image", b"2", "b")), {"image"})
    with pytest.raises(Refused, match="2 times"):
        twice.file("image")
    with pytest.raises(Refused, match="did you mean 'style'"):
        parse(*form(("stile", "thin", None)), {"image"}).only("style", "image")


@pytest.mark.parametrize(
    "body",
    [
        b"[],",
        b"{},",
        b"[1" * 200,
        b'{"images": [' + b'"",' * 20_000 + b'""]}',
        b"[" * 5000,
    ],
    ids=len,
)
def test_json_that_grows_in_memory(serve, body, monkeypatch):
    from tonsure.web import form

    def loads(data):
        raise AssertionError("it is counted first")

    monkeypatch.setattr(form, "json", SimpleNamespace(loads=loads))
    here = serve(ready=False)
    whole = body * (1_000_000 // len(body)) if len(body) < 10 else body
    answer = here.ask("POST", "/predict/stgan_bald", whole, Content_Type="application/json")
    assert (answer.status, answer.code) == (400, "bad_request")
    assert "too many members" in answer.json["detail"]


def test_json_is_read_beside_other_requests(serve, monkeypatch):
    from tonsure.web import form

    gate = threading.Event()

    def slow(data):
        assert gate.wait(60)
        return json.loads(data)

    monkeypatch.setattr(form, "json", SimpleNamespace(loads=slow))
    here = serve(ready=False)
    with ThreadPoolExecutor(1) as clients:
        asked = clients.submit(here.ask, "POST", "/predict/stgan_bald", b"{")
        assert here.get("/healthz").status == 200
        gate.set()
        assert asked.result().code == "bad_request"


def test_the_command_refuses_to_be_open_by_mistake(process, tmp_path):
    import subprocess
    import sys

    def ran(*arguments):
        command = [sys.executable, "-m", "tonsure", "serve", *arguments]
        return subprocess.run(command, capture_output=True, timeout=60, check=False)

    refused = ran("--host", "0.0.0.0")
    assert refused.returncode == 2
    assert b"--no-token" in refused.stderr
    assert ran("--token-file", str(tmp_path / "none")).returncode == 2
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    there = process("--token-file", str(token))
    taken = ran("--port", str(there.port))
    assert taken.returncode == 2
    assert taken.stderr.startswith(b"tonsure: Port ")
    assert b"--port" in taken.stderr
    assert there.get("/v1/models").status == 401
    assert there.get("/v1/models", Authorization=f"Bearer {TOKEN}").status == 200
    assert there.end() == 0
