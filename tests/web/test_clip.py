"""A short film through the server and the page: limits, progress, cancelling, nothing left over."""

from __future__ import annotations

import base64
import io
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import NEEDED
from filming import around, dome, draw_key, write
from serving import multipart
from tonsure.film import key

pytest.importorskip("av")


@pytest.fixture
def film(astronaut: np.ndarray, tmp_path: Path) -> Path:
    """Six frames of somebody, with sound."""
    return write(tmp_path / "me.mp4", [around(astronaut)] * 6, sound=True)


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key, "make", draw_key)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files of this test go."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def sent(here: Any, data: bytes, accept: str = "*/*", **fields: str) -> Any:
    body, kind = multipart(
        ("film", data, "me.mp4"), *((name, value, None) for name, value in fields.items())
    )
    return here.ask("POST", "/v1/clip", body, Content_Type=kind, Accept=accept, timeout=600)


def frames(data: bytes) -> list[np.ndarray]:
    import av

    with av.open(io.BytesIO(data)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_clip_comes_back_with_its_sound_and_nothing_stays(serve, keyed, film, folder):
    import av

    here = serve()
    assert here.get("/v1/clip").json["seconds"] == 10
    plain = sent(here, film.read_bytes())
    assert (plain.status, plain.headers["content-type"]) == (200, "video/mp4")
    made = frames(plain.body)
    assert len(made) == 6
    assert all(dome(frame).sum() > 1000 for frame in made)
    with av.open(io.BytesIO(plain.body)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
    told = sent(here, film.read_bytes(), accept="application/x-ndjson", degree="0")
    lines = [json.loads(line) for line in told.body.decode().splitlines() if line]
    steps = [line["number"] for line in lines if line.get("step") == "frames"]
    assert steps == [1, 2, 3, 4, 5, 6]
    done = lines[-1]["done"]
    assert done["report"]["frames"] == 6
    assert "input" not in done["report"]  # no path of the server
    unchanged = frames(base64.b64decode(done["film"]["base64"]))
    assert not dome(unchanged[0]).sum() > 1000
    assert list(folder.iterdir()) == []


def test_what_is_no_short_film_is_refused(serve, keyed, film, folder, portrait, astronaut):
    here = serve(clip_seconds=0.1)
    long = write(film.with_name("long.mp4"), [around(astronaut)] * 20).read_bytes()
    for data, code, said in (
        (long, "limit_exceeded", "The film has 0.8 s, the limit is 0.1 s; send a shorter one."),
        (portrait, "wrong_type", "This is no film that is read here; send MP4, MOV or WebM."),
        (b"#EXTM3U\nfile:///etc/passwd\n", "wrong_type", "This is no film that is read here"),
        (film.read_bytes()[:300], "wrong_type", "send MP4, MOV or WebM."),
    ):
        answer = sent(here, data)
        assert answer.code == code
        assert said in answer.json["detail"]
    assert sent(here, film.read_bytes(), degree="2").code == "bad_option"
    assert (
        here.photo("/v1/clip", portrait)
        .json["detail"]
        .endswith("send the film as film: curl -F film=@me.mp4.")
    )
    assert list(folder.iterdir()) == []
    none = serve(clip_seconds=0)
    assert none.get("/v1/clip").json["seconds"] == 0
    assert sent(none, film.read_bytes()).code == "not_found"


def test_words_of_the_file_are_left_out(serve, keyed, film, tmp_path):
    import av

    named = tmp_path / "named.mp4"
    with av.open(str(film)) as source, av.open(str(named), "w") as target:
        target.metadata["title"] = "at home"
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    made = sent(serve(), named.read_bytes())
    with av.open(io.BytesIO(made.body)) as container:
        assert "at home" not in str(dict(container.metadata))
        assert "model" in container.metadata["comment"]


def test_a_client_that_leaves_ends_the_work(serve, monkeypatch, film, folder):
    def slow(*arguments: Any, **options: Any) -> Any:
        time.sleep(0.5)
        return draw_key(*arguments, **options)

    monkeypatch.setattr(key, "make", slow)
    here = serve(workers=1)
    body, kind = multipart(("film", film.read_bytes(), "me.mp4"))
    head = (
        f"POST /v1/clip HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\nContent-Type: {kind}\r\n"
        f"Accept: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    import socket

    with socket.create_connection(("127.0.0.1", here.port), timeout=60) as wire:
        wire.sendall(head.encode() + body)
        while b"reading" not in wire.recv(4096):
            pass
    end = time.monotonic() + 120
    while not here.work.idle:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(NEEDED[0].args[0], reason=NEEDED[0].kwargs["reason"])
@pytest.mark.slow
def test_the_page_makes_a_clip(browse, serve, keyed, film, astronaut, tmp_path):
    page = browse(here=serve(clip_seconds=0.3))
    long = write(tmp_path / "long.mp4", [around(astronaut)] * 30)
    page.view.set_input_files("#file", long)
    page.until("document.getElementById('clip').open")
    page.until("document.getElementById('clip-make').disabled")
    assert "0.3 are the limit" in page.view.inner_text("#clip-step")
    page.view.click("#clip-leave")
    page.until("!document.getElementById('clip').open")
    page.view.set_input_files("#file", film)
    page.until("document.getElementById('clip').open")
    page.shot("clip-chosen")
    page.view.click("#clip-make")
    page.until("!document.getElementById('clip-save').hidden")
    page.shot("clip-done")
    assert page.view.inner_text("#clip-step") == "Done: 6 frames."
    with page.view.expect_download() as waiting:
        page.view.click("#clip-save")
    waiting.value.save_as(tmp_path / "got.mp4")
    assert waiting.value.suggested_filename == "me.bald.mp4"
    assert dome(frames((tmp_path / "got.mp4").read_bytes())[3]).sum() > 1000


@pytest.mark.skipif(NEEDED[0].args[0], reason=NEEDED[0].kwargs["reason"])
@pytest.mark.slow
def test_the_page_stops_a_clip(browse, monkeypatch, film):
    def slow(*arguments: Any, **options: Any) -> Any:
        time.sleep(3)
        return draw_key(*arguments, **options)

    monkeypatch.setattr(key, "make", slow)
    page = browse(locale="zh-CN")
    page.view.set_input_files("#file", film)
    page.until("document.getElementById('clip').open")
    page.view.click("#clip-make")
    page.until("!document.getElementById('clip-share').hidden")
    page.view.click("#clip-leave")
    page.until("document.getElementById('clip-step').textContent === '已停止。'")
    assert page.view.is_enabled("#clip-make")
    page.view.click("#clip-leave")
    page.until("!document.getElementById('clip').open")
    assert page.view.get_attribute("body", "data-state") == "start"
