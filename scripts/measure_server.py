"""How `tonsure serve` behaves under load: time, throughput, memory, and what SIGTERM loses.

    python scripts/measure_server.py [--requests 1000] [--clients 32] [--photo PATH]
                                     [--drawn] [--write docs/server.md]

Starts a server of its own on this machine, sends it the photo that ships with the package from
several clients at once (each waits for its answer, and after a 429 as long as Retry-After says),
then the same again under SIGTERM.  `--drawn` draws heads instead of computing them: for a look at
the server alone.  Peak and resident memory are the server's, as Linux tells them.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tonsure.examples import ASTRONAUT

_ROOT = Path(__file__).resolve().parent.parent
_DRAWN = f"""
import sys
sys.path.insert(0, {str(_ROOT / "tests")!r})
from conftest import draw_head
from tonsure import head
head.make = draw_head
from tonsure.cli import main
main()
"""
_BEGIN, _END = "<!-- measured -->", "<!-- end -->"


class Server:
    """A server process, and a client of it."""

    def __init__(self, drawn: bool, *arguments: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        start = ["-c", _DRAWN] if drawn else ["-m", "tonsure"]
        command = [sys.executable, *start, "serve", "--port", str(self.port), "--rate", "0"]
        environ = os.environ | {"MALLOC_ARENA_MAX": "2"}
        self.process = subprocess.Popen(
            [*command, *arguments], stderr=subprocess.DEVNULL, env=environ
        )
        end = time.monotonic() + 120
        while self.get("/readyz") != 200:
            if time.monotonic() > end or self.process.poll() is not None:
                self.process.kill()
                raise SystemExit("The server did not get ready; `tonsure doctor` may say why.")
            time.sleep(0.1)

    def get(self, path: str) -> int:
        try:
            return self.send("GET", path)[0]
        except OSError:
            return 0

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, int]:
        """Status, and the seconds of Retry-After."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            response.read()
            return response.status, int(response.headers.get("Retry-After", 1))
        finally:
            connection.close()

    def memory(self) -> tuple[float, float]:
        """Megabytes that the process holds now, and held at most."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = [re.search(rf"{name}:\s+(\d+)", text) for name in ("VmRSS", "VmHWM")]
        now, most = (int(match[1]) / 1000 if match else 0.0 for match in found)
        return now, most


def form(photo: bytes) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an edit."""
    edge = uuid.uuid4().hex
    head = f'--{edge}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    body = head.encode() + photo + f"\r\n--{edge}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={edge}"}


def share(values: list[float], part: float) -> float:
    """A quantile."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def load(server: Server, photo: bytes, clients: int, count: int) -> list[str]:
    """Rows about `count` edits."""
    body, headers = form(photo)
    statuses: dict[int, int] = {}
    seconds: list[float] = []
    held: list[float] = []
    lock = threading.Lock()

    def one(number: int) -> None:
        while True:
            began = time.perf_counter()
            status, wait = server.send("POST", "/v1/edit", body, headers)
            took = time.perf_counter() - began
            with lock:
                statuses[status] = statuses.get(status, 0) + 1
                if status == 200:
                    seconds.append(took)
                if number % max(1, count // 10) == 0:
                    held.append(server.memory()[0])
            if status != 429:
                return
            time.sleep(wait)

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one, range(count)))
    whole = time.perf_counter() - began
    answers = ", ".join(f"{number} × {status}" for status, number in sorted(statuses.items()))
    middle = len(held) // 2
    return [
        f"| {count} edits from {clients} clients | {answers} |",
        f"| seconds an edit: p50, p95, p99 | "
        f"{share(seconds, 0.5):.2f}, {share(seconds, 0.95):.2f}, {share(seconds, 0.99):.2f} |",
        f"| edits a second | {len(seconds) / whole:.2f} |",
        f"| memory, MB: half way, at the end, at most | "
        f"{held[middle]:.0f}, {server.memory()[0]:.0f}, {server.memory()[1]:.0f} |",
    ]


def stop(server: Server, photo: bytes, clients: int) -> list[str]:
    """A row about SIGTERM with all clients at work."""
    body, headers = form(photo)
    counts = {"answered": 0, "refused": 0, "lost": 0}
    ended = threading.Event()
    lock = threading.Lock()

    def client() -> None:
        while not ended.is_set():
            try:
                status, _ = server.send("POST", "/v1/edit", body, headers)
                kind = "answered" if status == 200 else "refused"
            except ConnectionRefusedError:
                return
            except (OSError, http.client.HTTPException):
                kind = "lost"
            with lock:
                counts[kind] += 1
            if kind != "answered":
                time.sleep(0.2)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(5)
    began = time.perf_counter()
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(120)
    took = time.perf_counter() - began
    ended.set()
    for thread in threads:
        thread.join()
    said = f"{counts['answered']} answered, {counts['refused']} refused, {counts['lost']} lost"
    return [
        f"| SIGTERM with {clients} clients at work | {said}; exit code {code} in {took:.1f} s |"
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--photo", type=Path, default=ASTRONAUT)
    parser.add_argument("--drawn", action="store_true")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    photo = given.photo.read_bytes()
    more = [f"--{n}={getattr(given, n)}" for n in ("workers", "threads") if getattr(given, n)]
    rows = ["| what | measured |", "|---|---|"]
    server = Server(given.drawn, *more)
    try:
        rows += load(server, photo, given.clients, given.requests)
        rows += stop(server, photo, given.clients)
    finally:
        if server.process.poll() is None:
            server.process.kill()
    print("\n".join(rows))
    if given.write:
        text = given.write.read_text(encoding="utf-8")
        before, rest = text.split(_BEGIN)
        made = before + _BEGIN + "\n" + "\n".join(rows) + "\n" + _END + rest.split(_END)[1]
        given.write.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
