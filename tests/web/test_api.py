"""What clients get: pictures, reports, problems."""

from __future__ import annotations

import ast
import base64
import io
import json
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from samples import exif_with_thumbnail, files, save
from serving import multipart
from tonsure.editor import Editor
from tonsure.errors import WARNINGS, TonsureError
from tonsure.photo import MARK
from tonsure.web import problems
from tonsure.web.api import prefers_json


@pytest.fixture
def here(serve):
    return serve()


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as im:
        return np.asarray(im.convert("RGB"))


def test_an_edit_is_what_the_editor_makes(here, crowd, group):
    answer = here.photo("/v1/edit", crowd, edits='{"bald": 0.6}', style="thin", face="2")
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/png"
    with Editor().open(group) as shot:
        assert np.array_equal(pixels(answer.body), shot.bald(0.6, "thin", 2).image)
    assert MARK.encode() in answer.body


def test_formats(here, portrait):
    assert here.photo("/v1/edit", portrait).headers["content-type"] == "image/jpeg"
    for name, kind in (("webp", "image/webp"), ("png", "image/png"), ("avif", "image/avif")):
        answer = here.photo("/v1/edit", portrait, format=name)
        assert answer.headers["content-type"] == kind
        assert pixels(answer.body).shape == (512, 512, 3)
    small = here.photo("/v1/edit", portrait, quality="20").body
    assert len(small) < len(here.photo("/v1/edit", portrait, quality="90").body)


def test_json_on_accept(here, portrait):
    answer = here.photo("/v1/edit", portrait, accept="application/json", edits='{"bald": 0.5}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["report"]["degree"] == 0.5
    assert answer.json["report"]["schema"] == 1
    assert answer.json["image"]["media_type"] == "image/jpeg"
    assert pixels(base64.b64decode(answer.json["image"]["base64"])).shape == (512, 512, 3)
    for accept, expected in (
        ("application/json", True),
        ("image/webp, application/json;q=0.5", False),
        ("image/png;q=0.1, application/json", True),
        ("*/*", False),
        ("", False),
        ("text/html, */*;q=0.8", False),
        ("application/json;q=x, image/*", False),
    ):
        assert prefers_json(accept) is expected, accept


def test_warnings_are_told_in_a_header(here, portrait, drawn):
    drawn["warnings"] = ("long_hair",)
    answer = here.photo("/v1/edit", portrait)
    assert answer.headers["x-tonsure-warnings"] == "long_hair:1"


def test_nothing_of_where_and_when_goes_out(here, astronaut):
    thumbnail = save(Image.fromarray(astronaut).resize((64, 64)), "JPEG")
    exif = b"Exif\0\0" + exif_with_thumbnail(thumbnail)
    data = save(Image.fromarray(astronaut), "JPEG", exif=exif, comment=b"my secret place")
    text = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>my secret place</x:xmpmeta>"
    png = save(Image.fromarray(astronaut), "PNG", xmp=text)
    for sent in (data, png):
        for degree in ("0", "1"):
            answer = here.photo("/v1/edit", sent, edits=f'{{"bald": {degree}}}')
            assert answer.status == 200
            assert b"secret" not in answer.body
            with Image.open(io.BytesIO(answer.body)) as im:
                assert dict(im.getexif()) == {}
                assert im.info.get("exif") is None
    assert np.array_equal(pixels(here.photo("/v1/edit", png, edits='{"bald":0}').body), astronaut)
    frames = here.photo("/v1/sequence", data, kind="frames", steps="2").body
    with zipfile.ZipFile(io.BytesIO(frames)) as archive:
        assert archive.namelist() == ["frame-00.jpg", "frame-01.jpg"]
        for name in archive.namelist():
            assert b"secret" not in archive.read(name)


def test_an_earlier_mark_stays(here, portrait):
    once = here.photo("/v1/edit", portrait).body
    again = here.photo("/v1/edit", once, edits='{"bald": 0}')
    assert "earlier_edit" in again.headers["x-tonsure-warnings"]
    assert MARK.encode() in again.body


def test_sequences(here, portrait):
    strip = here.photo("/v1/sequence", portrait, steps="3", size="100")
    assert strip.headers["content-type"] == "image/jpeg"
    assert pixels(strip.body).shape == (100, 308, 3)
    for kind in ("gif", "webp"):
        loop = here.photo("/v1/sequence", portrait, kind=kind, steps="4", size="64")
        assert loop.headers["content-type"] == f"image/{kind}"
        with Image.open(io.BytesIO(loop.body)) as im:
            assert im.size == (64, 64)
            assert 3 <= im.n_frames <= 6  # equal ones are merged
    told = here.photo("/v1/sequence", portrait, accept="application/json", steps="2", size="32")
    assert told.json["report"]["steps"] == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"steps": "1"},
        {"steps": "1000"},
        {"steps": "x"},
        {"steps": "2", "kind": "gif"},
        {"size": "9"},
        {"size": "5000"},
        {"kind": "film"},
        {"style": "fade"},
        {"format": "gif2"},
        {"format": "bmp"},
        {"face": "first"},
    ],
)
def test_sequences_that_cannot_be(here, portrait, fields):
    answer = here.photo("/v1/sequence", portrait, **fields)
    assert (answer.status, answer.code) == (400, "bad_option")


def test_steps_together_have_a_limit(here, astronaut):
    large = save(Image.fromarray(astronaut).resize((2600, 2600)), "JPEG")
    for fields in (
        {"kind": "frames", "steps": "61"},
        {"kind": "gif", "steps": "30", "size": "2000"},
    ):
        answer = here.photo("/v1/sequence", large, **fields)
        assert (answer.status, answer.code) == (413, "limit_exceeded")


def test_inspect(here, crowd, monkeypatch):
    from tonsure import findings

    monkeypatch.setattr(findings, "of", lambda *a, **k: {"hair": 3.0, "hat": 0.0, "glasses": 0.0})
    told = here.photo("/v1/inspect", crowd).json
    assert [face["number"] for face in told["faces"]] == [1, 2, 3]
    assert told["faces"][0]["found"]["hair"] == 3.0
    assert told["photo"]["name"] == "The photo"


def test_models(here):
    told = here.get("/v1/models").json["models"]
    assert "face_detector" in [entry["name"] for entry in told]
    assert all(entry["licence"] and len(entry["sha256"]) == 64 for entry in told)


def test_layers_are_what_a_blend_needs(here, crowd, group):
    told = here.photo("/v1/layers", crowd, face="all", size="2048").json
    assert told["chosen"] == [1, 2, 3]
    assert [head["face"] for head in told["heads"]] == [1, 2, 3]
    assert (told["preview"]["width"], told["preview"]["height"]) == (700, 300)
    with Editor().open(group) as shot:
        bare = shot.head(1)
        head = told["heads"][0]
        assert head["box"] == list(bare.box)
        planes = np.frombuffer(zlib.decompress(base64.b64decode(head["planes"])), np.uint8)
        planes = planes.reshape(3, *bare.mask.shape)
        assert np.array_equal(planes[0], bare.mask)
        assert np.array_equal(planes[1], bare.time)
        assert np.array_equal(planes[2], bare.thin)
    small = here.photo("/v1/layers", crowd, size="350").json
    assert small["chosen"] == [1]
    x0, y0, x1, y1 = small["heads"][0]["box"]
    planes = zlib.decompress(base64.b64decode(small["heads"][0]["planes"]))
    assert len(planes) == 3 * (x1 - x0) * (y1 - y0)
    assert here.photo("/v1/layers", crowd, size="10").code == "bad_option"


def test_layers_of_grey_and_of_see_through_photos(here, astronaut):
    grey = save(Image.fromarray(astronaut).convert("L"), "PNG")
    head = here.photo("/v1/layers", grey).json["heads"][0]
    colour = pixels(base64.b64decode(head["colour"].split(",")[1])).astype(int)
    assert np.abs(colour - colour[..., :1]).max() < 4
    clear = Image.fromarray(astronaut).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    assert here.photo("/v1/layers", save(clear, "PNG")).status == 200


def test_a_bald_head_has_no_layers(here, portrait, drawn):
    drawn["warnings"] = ("already_bald",)
    told = here.photo("/v1/layers", portrait).json
    assert told["heads"] == []
    assert [note["code"] for note in told["warnings"]] == ["already_bald"]


def test_problems(here, portrait, cup, picture):
    samples = files(picture)
    for image, status, code in (
        (cup, 422, "no_face"),
        (portrait[:9000], 400, "truncated_input"),
        (portrait[:3] + b"x" * 3000, 400, "unreadable_input"),
        (b"#!/bin/sh", 415, "wrong_type"),
        (b"", 415, "wrong_type"),
        (samples["tiff"], 415, "wrong_type"),
        (samples["gif"], 415, "wrong_type"),
        (None, 400, "bad_request"),
    ):
        answer = here.photo("/v1/edit", image)
        assert (answer.status, answer.code) == (status, code)
    for edits in (
        "", "{", "[]", '{"bald": 2}', '{"bald": "much"}', '{"bald": NaN}', '{"bald": true}',
        '{"Eyeglasses": 2}', '{"bald": 1, "Bald": 1}', "[" * 5000,
    ):  # fmt: skip
        answer = here.photo("/v1/edit", portrait, edits=edits)
        assert (answer.status, answer.code) == (400, "bad_option"), edits
    assert here.photo("/v1/edit", portrait, colour="red").code == "bad_request"
    assert here.get("/v1/edit").code == "wrong_method"
    assert here.get("/nothing").code == "not_found"
    assert here.ask("POST", "/v1/edit", b"x", Content_Type="text/plain").code == "bad_request"


def test_faults_tell_nothing(here, portrait, monkeypatch, caplog):
    from tonsure import head

    def fail(*args, **kwargs):
        raise RuntimeError("a secret of the photo")

    monkeypatch.setattr(head, "make", fail)
    answer = here.photo("/v1/edit", portrait)
    assert (answer.status, answer.code) == (500, "internal")
    assert b"secret" not in answer.body
    assert "secret" not in caplog.text
    assert answer.json["request_id"] in answer.json["detail"]


def test_every_error_has_a_status():
    def below(kind):
        return [kind, *(found for child in kind.__subclasses__() for found in below(child))]

    only_on_a_command_line = {"output_exists", "some_failed"}
    # the laboratory has errors of its own
    served = [k for k in below(TonsureError) if not k.__module__.startswith("tonsure.lab")]
    for kind in served:
        assert kind.code in problems.STATUS or kind.code in only_on_a_command_line


def test_old_clients_of_stgan_celeba(here, portrait):
    body, kind = multipart(
        ("image", portrait, "../../etc/passwd"),
        ("image", portrait, "b.jpg"),
        ("info", "Female,Black_Hair", None),
        ("info", "Male", None),
        ("style", "Bald", None),
        ("style", "Bald", None),
    )
    answer = here.ask("POST", "/predict/image/stgan_celeba", body, Content_Type=kind)
    assert answer.json["status"] == "000"
    results = ast.literal_eval(answer.json["results"])
    assert results == json.loads(answer.json["results"])
    assert [entry["path"] for entry in results] == [
        "stgan_output/Bald_0.png",
        "stgan_output/Bald_1.png",
    ]
    assert pixels(base64.b64decode(results[0]["base64"].split(",")[1])).shape == (512, 512, 3)
    for style in ("Bangs", "Blad"):
        refused = here.photo("/predict/image/stgan_celeba", portrait, style=style)
        assert (refused.status, refused.code) == (400, "bad_option")
    assert here.photo("/predict/image/stgan_celeba", portrait).code == "bad_request"


def test_old_clients_of_stgan_bald(here, portrait, astronaut):
    def ask(body):
        return here.ask("POST", "/predict/stgan_bald", body, Content_Type="application/json")

    text = base64.b64encode(portrait).decode()
    answer = ask(json.dumps({"images": [text], "org_labels": [[0] * 13]}).encode())
    results = answer.json["results"]
    assert list(results) == ["data_0", "data_1", "data_2"]
    back = pixels(base64.b64decode(results["data_0"]))[..., ::-1]  # as those clients do
    assert np.abs(back[400:].astype(int) - astronaut[400:]).mean() < 4
    for wrong in (b"", b"{", b"[]", b'{"images": []}', b'{"images": ["?"]}', b'{"images": [1]}'):
        assert ask(wrong).code == "bad_request"
    assert ask(b'{"images": ["aGVsbG8="]}').code == "wrong_type"
    assert ask(b'{"images": [""]}').code == "wrong_type"


def test_the_description_is_whole(here):
    told = here.get("/openapi.json").json
    assert set(told["paths"]) == {
        "/v1/edit", "/v1/sequence", "/v1/inspect", "/v1/layers", "/v1/models", "/v1/attributes",
        "/v1/clip",
        "/predict/image/stgan_celeba", "/predict/stgan_bald", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    codes = told["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert set(codes) == set(problems.STATUS)
    page = here.get("/docs").body.decode()
    for path in told["paths"]:
        assert path in page
    assert "http" not in page.replace(f"http://127.0.0.1:{here.port}/", "")


def test_the_page_has_all_words_twice(here):
    import re

    script = here.get("/page/words.js").body.decode()
    page = here.get("/").body.decode()
    english, chinese = script.split("\n  zh: {")
    chinese = chinese.split("\n};")[0]

    def keys(text):
        return re.findall(r"[{ ,]\s*(\w+): \"", text)

    assert keys(english) == keys(chinese)
    for key in re.findall(r'data-(?:text|label)="(\w+)"', page):
        assert key in keys(english)
    assert set(WARNINGS) - {"hdr"} <= set(keys(english))  # which films alone have
    assert not re.search(r"https?://(?!www.w3.org)", script + page)


def test_operators(here, portrait):
    here.photo("/v1/edit", portrait)
    assert here.get("/healthz").json["status"] == "alive"
    assert here.get("/readyz").json == {"status": "ready"}
    text = here.get("/metrics").body.decode()
    assert 'tonsure_requests_total{route="/v1/edit",status="200"} 1.0' in text
    assert "process_resident_memory_bytes" in text


def test_without_a_page(serve):
    here = serve(page=False)
    assert here.get("/").code == "not_found"
    assert here.get("/docs").status == 200
    assert here.get("/page/style.css").status == 200


def test_the_habits_of_other_servers(here, crowd, portrait):
    wanted = here.photo("/v1/edit", crowd, edits='{"bald": 0.6}', face="left").body
    assert here.photo("/v1/edit", crowd, degree="0.6", face="left").body == wanted
    body, kind = multipart(
        ("file", crowd, "a.png"), ("degree", "0.6", None), ("face", "left", None)
    )
    assert here.ask("POST", "/v1/edit", body, Content_Type=kind).body == wanted
    for fields, said in (
        ({"degree": "0.6", "edits": "{}"}, "say the same; send one of them."),
        ({"degree": "much"}, "must be a number from 0 to 1."),
        ({"degree": "7"}, "goes from 0"),
    ):
        answer = here.photo("/v1/edit", portrait, **fields)
        assert (answer.status, answer.code) == (400, "bad_option")
        assert said in answer.json["detail"]


def test_captions_of_a_strip(here, portrait):
    fields = {"steps": "3", "size": "64", "format": "png"}
    plain = pixels(here.photo("/v1/sequence", portrait, **fields).body)
    told = pixels(here.photo("/v1/sequence", portrait, captions="true", **fields).body)
    assert told.shape[1] == plain.shape[1]
    assert len(told) > len(plain)
    for fields in ({"captions": "yes"}, {"captions": "true", "kind": "gif"}, {"degree": "1"}):
        assert here.photo("/v1/sequence", portrait, **fields).code == "bad_option"
