"""What refusals say: one sentence, in the words of who sends requests, with the way out."""

from __future__ import annotations

import re

import pytest

from serving import multipart
from tonsure import head
from tonsure.errors import (
    BadOption,
    LimitExceeded,
    ModelMissing,
    NoFace,
    OutputExists,
    UnreadableInput,
    WrongType,
)
from tonsure.photo import Limits
from tonsure.web.problems import from_error, worded

FOREIGN = re.compile(r"--|TONSURE_|`|setting|Editor\(|Errno|0x|/home|/src/")


@pytest.fixture
def here(serve):
    return serve()


def test_a_file_by_another_name(here, portrait):
    body, kind = multipart(("photo", portrait, "me.jpg"))
    answer = here.ask("POST", "/v1/edit", body, Content_Type=kind)
    assert (answer.status, answer.code) == (400, "bad_request")
    assert answer.json["detail"] == (
        "A file came as 'photo'; send the photo as image: curl -F image=@me.jpg."
    )


def test_options_in_the_address(here, portrait):
    answer = here.photo("/v1/edit?style=thin", portrait)
    assert (answer.status, answer.code) == (400, "bad_request")
    assert "go into the form" in answer.json["detail"]
    assert here.get("/?lang=zh").status == 200  # what is only looked at takes none


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"quality": "0"}, "quality is 0; it goes from 1 to 100."),
        ({"quality": "101"}, "quality is 101; it goes from 1 to 100."),
        ({"quality": "best"}, "quality is 'best'; it must be a whole number."),
        ({"style": "thick"}, "There is no style 'thick'; choose recede or thin."),
        ({"format": "jpg2"}, "There is no picture format 'jpg2'; did you mean 'jpeg'?"),
        ({"face": "lagest"}, "There is no face 'lagest'; did you mean 'largest'?"),
    ],
)
def test_values_are_looked_at_before_the_photo(here, drawn, portrait, fields, said):
    calls = drawn["calls"]
    answer = here.photo("/v1/edit", portrait, **fields)
    assert (answer.status, answer.code) == (400, "bad_option")
    assert answer.json["detail"] == said
    assert drawn["calls"] == calls
    assert here.photo("/v1/edit", b"not even a photo", **fields).code == "bad_option"


def test_nobody_there(here, cup, portrait):
    ways = ("larger or turned to the camera.", "/v1/inspect lists those found.")
    for image, fields in ((cup, {}), (portrait, {"face": "7"}), (portrait, {"face": "1,1"})):
        answer = here.photo("/v1/edit", image, **fields)
        assert (answer.status, answer.code) == (422, "no_face")
        assert answer.json["detail"].endswith(ways)
        assert not FOREIGN.search(answer.json["detail"])


def test_too_large(serve, portrait):
    here = serve(limits=Limits(max_file_mb=0.5, max_megapixels=0.2))
    for image in (portrait, bytes(5_000_000)):
        answer = here.photo("/v1/edit", image)
        assert (answer.status, answer.code) == (413, "limit_exceeded")
        assert answer.json["detail"].endswith(("send a smaller photo.", "smaller version of it."))
        assert not FOREIGN.search(answer.json["detail"])


@pytest.mark.parametrize(
    "error",
    [
        NoFace("No face was found; --min-face looks for smaller ones."),
        LimitExceeded("60 faces were chosen, the limit is 50; raise the setting max_faces."),
        BadOption("This needs a generator: Editor(model=...), or --model."),
        WrongType("The photo is an HEIC photo; install tonsure[heif] to read it."),
        ModelMissing("The model file /home/me/x.onnx is missing. Reinstall tonsure."),
        UnreadableInput("The photo is damaged; use `tonsure inspect`."),
    ],
)
def test_words_of_the_command_line_stay_there(error):
    said = worded(error)
    assert not FOREIGN.search(said)
    assert said.endswith(".")
    assert "; " in said


def test_what_is_fine_is_kept():
    said = "The photo is cut off: its end is missing; get the whole file."
    assert worded(UnreadableInput(said)) == said


def test_no_memory_left_is_no_fault(caplog):
    answer = from_error(MemoryError(), "id")
    assert answer.status_code == 503
    assert b"no memory" in answer.body
    assert caplog.text == ""
    assert from_error(OutputExists("/home/me/x exists"), "id").status_code == 500


def test_addresses_that_are_none(here):
    for method, path, status in (("GET", "/nothing", 404), ("GET", "/v1/edit", 405)):
        answer = here.ask(method, path)
        assert answer.status == status
        assert "/docs" in answer.json["detail"]
    assert here.get("/v1/edit").headers["allow"] == "POST"


def test_the_reference_behind_a_proxy(serve):
    here = serve(proxies="127.0.0.1", hosts=("bald.example",))
    page = here.get(
        "/docs", Host="bald.example", X_Forwarded_Proto="https", X_Forwarded_Prefix="/hair/"
    ).body.decode()
    assert "https://bald.example/hair/v1/edit" in page
    assert not re.search(r'(?:href|src)="/', page)
    told = here.get("/openapi.json", X_Forwarded_Prefix="/hair").json
    assert told["servers"] == [{"url": f"http://127.0.0.1:{here.port}/hair"}]
    plain = here.get("/docs").body.decode()
    assert f"http://127.0.0.1:{here.port}/v1/edit" in plain
    for prefix in ('/"><script>', "//evil.example", "hair"):
        assert here.get("/docs", X_Forwarded_Prefix=prefix).body.decode() == plain


def test_proxies_are_believed_by_address():
    from tonsure.web.proxies import Proxies

    def client(told, chain, peer="10.0.0.2"):
        scope = {"client": (peer, 1), "scheme": "http"}
        Proxies(told).apply(scope, {"x-forwarded-for": chain, "x-forwarded-proto": "https"})
        return scope["client"][0], scope["scheme"]

    assert client("10.0.0.2", "1.2.3.4") == ("1.2.3.4", "https")
    assert client("10.0.0.0/24", "6.6.6.6, 1.2.3.4, 10.0.0.7") == ("1.2.3.4", "https")
    assert client("10.0.0.2", "1.2.3.4", peer="10.0.0.3") == ("10.0.0.3", "http")
    assert client("*", "6.6.6.6, 1.2.3.4") == ("6.6.6.6", "https")
    assert client("", "1.2.3.4") == ("10.0.0.2", "http")
    with pytest.raises(BadOption, match="is no address"):
        Proxies("bald.example")


def test_heads_are_not_made_for_wrong_values(here, portrait, monkeypatch):
    def make(*args, **kwargs):
        raise AssertionError("too late")

    monkeypatch.setattr(head, "make", make)
    for fields in ({"kind": "film"}, {"steps": "1"}, {"kind": "gif", "steps": "2"}, {"size": "9"}):
        assert here.photo("/v1/sequence", portrait, **fields).code == "bad_option"
