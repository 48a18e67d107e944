"""Many at once: what is taken is finished, the rest is refused, who leaves is let go."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from serving import multipart
from tonsure import head
from tonsure.web.problems import Refused
from tonsure.web.work import Stopped, Work


@pytest.fixture
def gate(drawn, monkeypatch):
    """Heads wait until `gate.set()`; `gate.inside` counts those that do."""
    made = head.make
    gate = threading.Event()
    gate.set()
    gate.inside = threading.Semaphore(0)

    def wait(*args, **kwargs):
        gate.inside.release()
        assert gate.wait(120)
        return made(*args, **kwargs)

    monkeypatch.setattr(head, "make", wait)
    return gate


def _drain(semaphore):
    while semaphore.acquire(blocking=False):
        pass


def _until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_full_queue_refuses(serve, gate, portrait):
    here = serve(workers=1, queue=2, work_seconds=600)
    _drain(gate.inside)
    gate.clear()
    with ThreadPoolExecutor(3) as clients:
        taken = [clients.submit(here.photo, "/v1/edit", portrait) for _ in range(3)]
        assert gate.inside.acquire(timeout=60)
        _until(lambda: here.work.waiting == 2)
        refused = here.photo("/v1/edit", portrait)
        assert (refused.status, refused.code) == (429, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        assert here.get("/healthz").status == 200
        assert b"tonsure_photos_waiting 2.0" in here.get("/metrics").body
        gate.set()
        assert [one.result().status for one in taken] == [200] * 3
    assert here.photo("/v1/edit", portrait).status == 200


def test_who_would_wait_too_long_is_told_at_once():
    work = Work(1, 32, limit_seconds=30)
    work.seconds = 4.0
    work._running.append(None)
    work.check()
    for _ in range(2):
        work._waiting.append(None)
        work.check()
    work._waiting.append(None)
    with pytest.raises(Refused) as caught:
        work.check()
    assert caught.value.code == "busy"
    work._running.clear()
    work.close()


def test_who_leaves_is_not_worked_for(serve, gate, portrait, drawn):
    here = serve(workers=1, queue=4, work_seconds=600)
    _drain(gate.inside)
    gate.clear()
    before = drawn["calls"]
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(here.photo, "/v1/edit", portrait)
        assert gate.inside.acquire(timeout=60)
        body, kind = multipart(("image", portrait, "a.jpg"))
        head_ = f"POST /v1/edit HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        with socket.create_connection(("127.0.0.1", here.port)) as wire:
            wire.sendall(f"{head_}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            _until(lambda: here.work.waiting == 1)
        _until(lambda: here.work.waiting == 0)  # it left, and with it its place
        gate.set()
        assert first.result().status == 200
    assert drawn["calls"] == before + 1
    assert here.work.dropped == 1


def test_who_leaves_ends_work_at_the_next_step(serve, gate, crowd, drawn):
    here = serve(workers=1, work_seconds=600)
    _drain(gate.inside)
    gate.clear()
    before = drawn["calls"]
    body, kind = multipart(("image", crowd, "a.png"), ("face", "all", None))
    head_ = f"POST /v1/edit HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    with socket.create_connection(("127.0.0.1", here.port)) as wire:
        wire.sendall(f"{head_}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert gate.inside.acquire(timeout=60)
    _until(lambda: here.work.dropped == 1)
    gate.set()
    _until(lambda: here.work.idle)
    assert drawn["calls"] <= before + 1  # of three faces


@pytest.fixture
def endless(drawn, monkeypatch):
    """Heads that take for ever in small steps, as real ones do; `endless.inside` counts them."""
    inside = threading.Semaphore(0)
    on = threading.Event()
    made = head.make

    def make(*args, **kwargs):
        if not on.is_set():
            return made(*args, **kwargs)
        inside.release()
        while True:
            with contextlib.suppress(Exception):  # as code does that means well
                time.sleep(0.01)

    monkeypatch.setattr(head, "make", make)
    on.inside = inside
    return on


def test_work_for_who_left_ends_by_itself(serve, endless, portrait):
    here = serve(workers=1, work_seconds=600)
    endless.set()
    body, kind = multipart(("image", portrait, "a.jpg"))
    head_ = f"POST /v1/edit HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    took = [9.0]
    while min(took) > 1 and len(took) < 9:  # a machine at other work may miss a second
        with socket.create_connection(("127.0.0.1", here.port)) as wire:
            wire.sendall(f"{head_}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert endless.inside.acquire(timeout=60)
        left = time.monotonic()
        _until(lambda: here.work.idle)
        took.append(time.monotonic() - left)
    assert min(took) < 1
    assert here.context.memory.holders == []  # nor is memory kept for it
    endless.clear()
    assert here.photo("/v1/edit", portrait).status == 200


def test_work_past_its_time_ends_by_itself(serve, endless, portrait):
    here = serve(workers=1)
    endless.set()
    here.work.limit_seconds = 1
    answer = here.photo("/v1/edit", portrait)
    assert (answer.status, answer.code) == (503, "timed_out")
    _until(lambda: here.work.idle)
    endless.clear()
    here.work.limit_seconds = 600
    assert here.photo("/v1/edit", portrait).status == 200


def test_not_ready_while_no_worker_gets_on(serve, gate, portrait, monkeypatch):
    from tonsure.web import work

    monkeypatch.setattr(work, "_GRACE", 0.1)
    monkeypatch.setattr(work.Job, "interrupt", lambda self: False)  # a library that never returns
    here = serve(workers=1)
    _drain(gate.inside)
    gate.clear()
    here.work.limit_seconds = 1
    assert here.photo("/v1/edit", portrait).code == "timed_out"
    while not gate.inside.acquire(timeout=5):  # a busy machine gave up before it came to the head
        here.work.limit_seconds *= 2
        assert here.photo("/v1/edit", portrait).code == "timed_out"
    _until(lambda: here.get("/readyz").status == 503)
    assert "no photo was done" in here.get("/readyz").json["status"]
    gate.set()
    _until(lambda: here.get("/readyz").status == 200)


def test_interruptions_hit_nobody_else():
    async def many() -> list[object]:
        work = Work(2, 1000, 600)
        gone = asyncio.Event()

        def act(checkpoint):
            end = time.monotonic() + 0.002
            while time.monotonic() < end:
                pass
            return 1

        async def one(k: int) -> object:
            leaves = asyncio.Event()
            if k % 2:
                asyncio.get_running_loop().call_later(0.0005 * (k % 20), leaves.set)
            return await work.do(act, leaves.wait if k % 2 else gone.wait)

        found = await asyncio.gather(*(one(k) for k in range(200)), return_exceptions=True)
        work.close()
        return found

    found = asyncio.run(many())
    assert [one for one in found[::2] if one != 1] == []
    assert all(one == 1 or isinstance(one, Stopped) for one in found[1::2])


def test_what_takes_too_long(serve, gate, portrait):
    here = serve(workers=1)
    _drain(gate.inside)
    gate.clear()
    here.work.limit_seconds = 1
    answer = here.photo("/v1/edit", portrait)
    assert (answer.status, answer.code) == (503, "timed_out")
    assert int(answer.headers["retry-after"]) >= 1
    gate.set()
    _until(lambda: here.work.idle)
    here.work.limit_seconds = 600
    assert here.photo("/v1/edit", portrait).status == 200


def test_a_stop_takes_nothing_new_and_finishes_the_rest(serve, gate, portrait):
    here = serve(workers=1, drain_seconds=0, work_seconds=600)
    _drain(gate.inside)
    gate.clear()
    with ThreadPoolExecutor(2) as clients:
        taken = [clients.submit(here.photo, "/v1/edit", portrait) for _ in range(2)]
        assert gate.inside.acquire(timeout=60)
        _until(lambda: here.work.waiting == 1)
        here.server.stop()
        refused = here.photo("/v1/edit", portrait)
        assert (refused.status, refused.code) == (503, "draining")
        assert refused.headers["retry-after"]
        assert here.get("/readyz").json == {"status": "draining"}
        assert here.get("/healthz").status == 200
        gate.set()
        assert [one.result().status for one in taken] == [200, 200]
    here._thread.join(60)
    assert not here._thread.is_alive()


def test_an_answer_under_way_arrives_whole(serve, astronaut, monkeypatch):
    from tonsure.web import server

    monkeypatch.setattr(server, "_LAST", 0.1)
    here = serve(workers=1)
    grain = np.random.default_rng(1).integers(0, 255, (1500, 1500, 3), np.uint8)
    grain[:512, :512] = astronaut
    photo = io.BytesIO()
    Image.fromarray(grain).save(photo, "PNG", compress_level=0)
    body, kind = multipart(("image", photo.getvalue(), "a.png"), ("edits", '{"bald": 0}', None))
    done = here.work.done
    with socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        wire.connect(("127.0.0.1", here.port))
        sent = f"POST /v1/edit HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        wire.sendall(f"{sent}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        _until(lambda: here.work.done > done)
        here.server.stop()
        time.sleep(0.5)  # as a slow line does
        response = http.client.HTTPResponse(wire)
        response.begin()
        assert len(response.read()) == int(response.headers["content-length"]) > 5_000_000
    here._thread.join(60)
    assert not here._thread.is_alive()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
def test_a_second_signal_ends_at_once(process, portrait):
    there = process("--timeout", "600", slow=30)  # longer than a busy machine needs to look
    with ThreadPoolExecutor(1) as clients:
        asked = clients.submit(there.photo, "/v1/edit", portrait)
        _until(lambda: b"photos_running 1" in there.get("/metrics").body)
        there.process.send_signal(signal.SIGHUP)
        _until(lambda: there.get("/readyz").json == {"status": "draining"})
        assert there.end(60) == 0
        assert asked.exception(60) is not None  # what it had is left undone


def test_a_slow_start_makes_a_server_ready_in_the_end(serve, drawn, monkeypatch):
    made = head.make
    monkeypatch.setattr(head, "make", lambda *a, **k: time.sleep(0.5) or made(*a, **k))
    serve(work_seconds=0.1)  # what a photo may take says nothing of opening all networks


def test_not_ready_when_the_test_photo_fails(serve, monkeypatch):
    from tonsure.errors import ModelMissing

    def missing(*args, **kwargs):
        raise ModelMissing("The model file is missing. Reinstall tonsure to restore it.")

    monkeypatch.setattr(head, "make", missing)
    here = serve(ready=False)
    _until(lambda: here.get("/readyz").json["status"] != "starting")
    answer = here.get("/readyz")
    assert answer.status == 503
    assert "Reinstall" in answer.json["status"]


def _load(here, portrait, clients, count):
    """Statuses and seconds of `count` edits from `clients` at once."""
    statuses, seconds = [], []

    def one(_):
        began = time.perf_counter()
        answer = here.photo("/v1/edit", portrait)
        seconds.append(time.perf_counter() - began)
        statuses.append(answer.status)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one, range(count)))
    return statuses, seconds


def test_many_clients(serve, portrait):
    here = serve(queue=8, work_seconds=600)
    statuses, seconds = _load(here, portrait, 16, 64)
    assert set(statuses) <= {200, 429}
    assert statuses.count(200) > 5
    assert len(seconds) == 64
    _until(lambda: here.work.idle)  # a worker ends after its answer


@pytest.mark.slow
def test_sigterm_under_load_loses_nothing(process, portrait):
    there = process("--rate", "0", "--queue", "8", slow=0.15)
    answers, cut = [], []
    ended = threading.Event()

    def client():
        while not ended.is_set():
            try:
                answers.append(there.photo("/v1/edit", portrait).status)
            except ConnectionRefusedError:  # its socket is closed: nothing was taken
                return
            except OSError as error:
                cut.append(error)

    clients = [threading.Thread(target=client) for _ in range(6)]
    for one in clients:
        one.start()
    _until(lambda: answers.count(200) > 3)
    assert there.end() == 0
    ended.set()
    for one in clients:
        one.join(10)
    said = there.log.read_text()
    assert set(answers) <= {200, 429, 503}
    # each photo that a worker was given was answered, and each answer arrived
    assert said.count("POST /v1/edit 200") == answers.count(200)
    assert "POST /v1/edit 500" not in said
    assert all(isinstance(error, ConnectionError) for error in cut)
