"""Each face its own degree; before and after in one picture; how far the work is."""

from __future__ import annotations

import io
import json
import socket

import numpy as np
import pytest
from PIL import Image

from serving import multipart
from tonsure.editor import Editor


@pytest.fixture
def here(serve):
    return serve()


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as im:
        return np.asarray(im.convert("RGB"))


def test_each_face_has_its_own_degree(here, crowd, group):
    edits = json.dumps({"bald": {"1": 0.4, "3": 1}})
    answer = here.photo("/v1/edit", crowd, edits=edits)
    assert answer.status == 200
    with Editor().open(group) as shot:
        each = shot.bald(0.0, face="all", each={1: 0.4, 3: 1.0})
        assert np.array_equal(pixels(answer.body), each.image)
        alone = [shot.bald(degree, face=n).image for n, degree in ((1, 0.4), (3, 1.0))]
        assert each.report["degree"] == 1.0
    made = each.image
    for one in alone:  # as if each were edited alone
        changed = (one != group).any(axis=2)
        assert changed.any()
        assert np.array_equal(made[changed], one[changed])
    second = here.photo("/v1/edit", crowd, edits='{"bald": {"2": 0}}')
    assert np.array_equal(pixels(second.body), group)


@pytest.mark.parametrize(
    "edits", ['{"bald": {}}', '{"bald": {"left": 1}}', '{"bald": {"0": 1}}', '{"bald": {"1": 2}}']
)
def test_faces_that_cannot_be(here, crowd, edits):
    assert here.photo("/v1/edit", crowd, edits=edits).code == "bad_option"


def test_faces_that_are_not_there(here, crowd):
    assert here.photo("/v1/edit", crowd, edits='{"bald": {"9": 1}}').code == "no_face"
    twice = here.photo("/v1/edit", crowd, edits='{"bald": {"1": 1}}', face="all")
    assert twice.code == "bad_option"


def test_before_and_after(here, crowd, group):
    edits = '{"bald": {"1": 0.5, "2": 1}}'
    both = pixels(here.photo("/v1/sequence", crowd, kind="pair", edits=edits).body)
    assert both.shape == (300, 2 * 700 + 4, 3)
    assert np.array_equal(both[:, :700], group)
    alone = pixels(here.photo("/v1/edit", crowd, edits=edits).body)
    assert np.array_equal(both[:, 704:], alone)
    small = here.photo("/v1/sequence", crowd, kind="pair", size="70").body
    assert pixels(small).shape == (30, 144, 3)
    assert here.photo("/v1/sequence", crowd, kind="gif", edits=edits).code == "bad_option"


def told(answer):
    return [json.loads(line) for line in answer.body.splitlines() if line]


def test_how_far_it_is(here, crowd):
    answer = here.photo("/v1/layers", crowd, accept="application/x-ndjson", face="all", size="256")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = told(answer)
    assert [line.get("step") for line in lines] == [
        "waiting", "reading", "faces", "head", "head", "head", None,
    ]  # fmt: skip
    assert lines[3] == {"step": "head", "number": 1, "of": 3}
    plain = here.photo("/v1/layers", crowd, face="all", size="256").json
    assert lines[-1]["done"]["faces"] == plain["faces"]
    assert len(lines[-1]["done"]["heads"]) == 3


def test_problems_on_the_way(here, cup, portrait):
    last = told(here.photo("/v1/layers", cup, accept="application/x-ndjson"))[-1]
    assert last["problem"]["code"] == "no_face"
    early = here.photo("/v1/layers", portrait, accept="application/x-ndjson", size="1")
    assert (early.status, early.code) == (400, "bad_option")
    assert here.context.budget.left == 400e6


def test_who_leaves_on_the_way(serve, crowd, drawn, monkeypatch):
    import time

    from tonsure import head

    here, made = serve(workers=1), head.make
    monkeypatch.setattr(head, "make", lambda *a, **k: time.sleep(0.2) or made(*a, **k))
    body, kind = multipart(("image", crowd, "a.png"), ("face", "all", None))
    sent = f"POST /v1/layers HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    sent += f"Accept: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", here.port)) as wire:
        wire.sendall(sent.encode() + body)
        while b'"faces"' not in wire.recv(65536):
            pass
    end = time.monotonic() + 60
    while here.work.dropped == 0 or not here.work.idle:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert here.context.budget.left == 400e6
