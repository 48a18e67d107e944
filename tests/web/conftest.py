"""Servers for tests: one in the test's own process, one in a process of its own."""

from __future__ import annotations

import _socket
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from browsing import CHROMIUM, Page
from serving import Client

_TESTS = Path(__file__).parent.parent
_create_connection, _getaddrinfo = socket.create_connection, socket.getaddrinfo
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

pytest.importorskip("fastapi")
pytest.importorskip("h11")
pytest.importorskip("python_multipart")
pytest.importorskip("prometheus_client")


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine alone may be connected to, besides what the whole suite forbids."""

    def connect(self: socket.socket, address: Any) -> Any:
        assert address[0] in _LOOPBACK, address
        return _socket.socket.connect(self, address)

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        assert host in _LOOPBACK, host
        return _getaddrinfo(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", _create_connection)


class Here(Client):
    """A server in a thread of this process."""

    def __init__(self, options: Any, editor: Any = None) -> None:
        from tonsure.web.server import Server

        self.server = Server(replace(options, port=0), editor)
        self.work, self.context = self.server.work, self.server.context
        self.server.bind()
        self._thread = threading.Thread(target=self.server.run, daemon=True)
        self._thread.start()
        assert self.server.started.wait(60)
        super().__init__(self.server.port)

    def stop(self) -> None:
        self.server.stop(now=True)
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()


@pytest.fixture
def serve(drawn: Any) -> Iterator[Callable[..., Here]]:
    """`serve(queue=1, ...)` starts a server with these options; heads are drawn, and may take as
    long as a machine at other work needs."""
    from tonsure.web.options import Options

    running: list[Here] = []

    def start(editor: Any = None, ready: bool = True, **options: Any) -> Here:
        server = Here(Options(**({"rate": 0, "work_seconds": 600} | options)), editor)
        running.append(server)
        if ready:
            server.ready()
        return server

    yield start
    for server in running:
        server.stop()


_PROCESS = """
import signal, sys
if hasattr(signal, "SIGHUP"): # nohup, by which the tests may run, has it ignored
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
sys.path.insert(0, {tests!r})
from conftest import draw_head
from tonsure import head
head.make = draw_head
from filming import draw_key
from tonsure.film import key
key.make = draw_key
import time
slow = {slow}
if slow:
    make = head.make
    def head_make(*a, **k):
        time.sleep(slow)
        return make(*a, **k)
    head.make = head_make
from tonsure.hair import parse
from tonsure import findings
findings.of = lambda *a, **k: dict(hair=1.0, hat=0.0, glasses=0.0)
from tonsure.cli import main
main()
"""


class Process(Client):
    """`tonsure serve` as users start it, with drawn heads."""

    def __init__(self, *arguments: str, slow: float = 0, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            super().__init__(free.getsockname()[1])
        self.log = log
        script = _PROCESS.format(tests=str(_TESTS), slow=slow)
        command = [sys.executable, "-c", script, "serve", "--port", str(self.port), *arguments]
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, stderr=file, stdout=file, env=dict(os.environ))

    def end(self, seconds: float = 30) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """`process("--queue", "4", slow=0.2)`."""
    running: list[Process] = []

    def start(*arguments: str, slow: float = 0) -> Process:
        started = Process(*arguments, slow=slow, log=tmp_path / f"log-{len(running)}")
        running.append(started)
        started.ready()
        return started

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(10)


@pytest.fixture(scope="session")
def portrait(data: Path) -> bytes:
    return (data / "astronaut.jpg").read_bytes()


@pytest.fixture(scope="session")
def cup(data: Path) -> bytes:
    return (data / "cup.jpg").read_bytes()


@pytest.fixture(scope="session")
def crowd(group: Any) -> bytes:
    """Three faces in a PNG."""
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(group).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Any, serve: Any) -> Iterator[Callable[..., Page]]:
    """`browse(locale="zh-CN")` opens a window, and looks in the end at what went wrong in it."""
    opened: list[Page] = []

    def start(path: str = "/", here: Any = None, **context: Any) -> Page:
        opened.append(Page(chromium, here or serve(), path, **context))
        return opened[-1]

    yield start
    for page in opened:
        page.context.close()
        assert page.wrong == []
        for address in page.asked:
            assert address.startswith((page.home, "blob:", "data:")), address
