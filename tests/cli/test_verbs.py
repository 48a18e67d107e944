"""`tonsure` itself, `inspect`, `models`, `doctor`, `lab`."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from PIL import Image
from typer.main import get_command

import tonsure
from tonsure import photo
from tonsure.cli.app import app
from tonsure.cli.verbs import SAID, Verbs
from tonsure.models import MODELS


@pytest.fixture
def parsed(monkeypatch):
    """The parser's findings, without its network."""
    from tonsure import findings

    areas = {"hair": 5.5, "hat": 0.0, "glasses": 0.1}
    monkeypatch.setattr(findings, "of", lambda pixels, face, threads=None: dict(areas))
    return areas


@pytest.mark.parametrize("verb", sorted(get_command(app).commands))
def test_help_names_no_types_of_python(run, verb):
    if verb != "lab":  # which has a help of its own
        assert re.findall(r"<[a-z\[\]|]+>", run("help", verb).out) == []


def test_version_and_help(run):
    assert run("-V").out == run("--version").out
    assert run("--version").out == f"tonsure {tonsure.__version__}\n"
    said = run("--help").out
    for verb in ("bald", "inspect", "models", "doctor", "lab"):
        assert re.search(rf"^  {verb}\b", said, re.MULTILINE)
    assert "--steps" in run("bald", "-h").out
    assert run("blad").code == 2
    assert "--steps" in run("help", "bald").out
    assert "Exit codes" in run("help").out
    ran = run("help", "blad")
    assert ran.code == 2
    assert "did you mean 'bald'?" in ran.said


def test_the_list_of_verbs_says_what_they_say_themselves():
    for verb, said in SAID.items():
        assert Verbs()[verb].help.split("\n\n")[0].replace("\n", " ") == said


def test_help_imports_no_verb_and_bald_no_other():
    start = "import sys; from tonsure.cli import main; sys.argv[1:] = {}\ntry: main()\n"
    end = "except SystemExit: print([n for n in {} if 'tonsure.cli.' + n in sys.modules])"
    for arguments, found in ((["--help"], []), (["bald", "-h"], ["bald"])):
        code = (start + end).format(arguments, list(SAID))
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert ran.stdout.splitlines()[-1] == str(found), ran.stderr


def test_inspect(run, photos, parsed):
    ran = run("inspect", photos / "a.jpg")
    assert ran.code == 0
    assert "512 × 512, JPEG, 8 bits; 1 face" in ran.out
    assert "hair 5.5, hat 0.0, glasses 0.1" in ran.out
    ran = run("inspect", photos / "a.jpg", photos / "cup.jpg", "--json")
    assert ran.code == 7
    first, second = ran.records
    assert first["faces"][0]["found"] == parsed | {"warnings": []}
    assert second["faces"] == []
    assert run("inspect", photos / "cup.jpg").code == 4
    assert run("inspect", photos / "cut.jpg").code == 5


def test_nothing_is_turned_by_minus_nothing(run, photos, parsed, monkeypatch):
    from dataclasses import replace

    from tonsure import faces

    find = faces.find
    monkeypatch.setattr(
        faces, "find", lambda *a, **k: [replace(face, roll=-0.3) for face in find(*a, **k)]
    )
    ran = run("inspect", photos / "a.jpg")
    assert "turned 0°" in ran.out
    (face,) = faces.find(tonsure.photo.read(photos / "a.jpg").pixels)
    assert repr(face).endswith("turned 0°>")


def test_inspect_reports_an_earlier_mark(run, photos, parsed):
    run("bald", photos / "a.jpg")
    ran = run("inspect", photos / "a.bald.jpg")
    assert f"marked as edited before: {photo.MARK}" in ran.out


def test_inspect_draws_boxes(run, photos, parsed, tmp_path):
    target = tmp_path / "boxes.png"
    assert run("inspect", photos / "a.jpg", "-o", target).code == 0
    drawn, source = photo.read(target).pixels, photo.read(photos / "a.jpg").pixels
    changed = (drawn != source).any(axis=2)
    assert 0.002 < changed.mean() < 0.05
    assert run("inspect", photos / "a.jpg", "-o", target).code == 3
    assert run("inspect", photos, "-r", "-o", f"{tmp_path}/all/").code == 7
    assert (tmp_path / "all" / "below" / "a.faces.jpg").exists()
    assert run("inspect", photos / "a.jpg", "-o", "-").bytes[:3] == b"\xff\xd8\xff"


def test_models(run):
    said = run("models").out
    records = run("models", "--json").records
    assert [record["name"] for record in records] == list(MODELS)
    for record in records:
        assert record["state"] == "as shipped"
        assert record["name"] in said
        assert record["sha256"] in said
        assert record["licence"] in said
        card = run("models", record["name"])
        assert card.code == 0
        assert len(card.out) > 200
        assert run("models", record["name"], "--licence").out.strip()
    ran = run("models", "face_mash")
    assert ran.code == 6
    assert "face_mesh" in ran.said
    assert run("models", "--licence").code == 2


def test_a_damaged_model_is_seen(run, monkeypatch, tmp_path):
    from dataclasses import replace

    name, entry = next(iter(MODELS.items()))
    monkeypatch.setitem(MODELS, name, replace(entry, sha256="0" * 64))
    assert run("models", "--json").records[0]["state"] == "damaged"
    ran = run("doctor", "--json")
    assert ran.code == 6
    assert ran.records[0]["models"][name] == "damaged"


def test_doctor(run, monkeypatch, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("max_side = 9000\n")
    monkeypatch.setenv("TONSURE_CONFIG", str(config))
    monkeypatch.setenv("TONSURE_THREADS", "1")
    ran = run("doctor")
    assert ran.code == 0
    assert "test photo: passed" in ran.out
    assert re.search(r"threads +1 \(TONSURE_THREADS\)", ran.out)
    assert re.search(rf"max_side +9000 \({re.escape(str(config))}\)", ran.out)
    assert re.search(r"style +recede \(default\)", ran.out)
    record = run("doctor", "--json").records[0]
    assert record["test"]["passed"]
    assert record["packages"]["numpy"]
    assert record["provider"] == "CPUExecutionProvider"


def test_doctor_fails_when_the_test_does(run, monkeypatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError("by a test")

    monkeypatch.setattr("tonsure.faces.find", fail)
    ran = run("doctor")
    assert ran.code == 1
    assert "test photo: FAILED, internal fault (ZeroDivisionError: by a test)" in ran.out


def test_lab_without_its_extra(run, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else real(name)
    )
    ran = run("lab", "train", "--help")
    assert ran.code == 2
    assert 'pip install ".[lab]"' in ran.said


def test_the_shipped_example_is_a_photo():
    from tonsure.examples import ASTRONAUT

    with Image.open(ASTRONAUT) as im:
        assert im.size == (512, 512)


@pytest.mark.parametrize("verb", ["bald", "mask", "sweep"])
def test_an_output_that_exists_is_told_with_options_that_the_verb_has(run, verb, tmp_path, data):
    out = tmp_path / "there.png"
    out.write_bytes(b"")
    ran = run(verb, data / "astronaut.jpg", "-o", out)
    assert ran.code == 3
    known = {word for one in get_command(app).commands[verb].params for word in one.opts}
    assert set(re.findall(r"--?[a-z-]+(?= )", ran.said.partition("exists; ")[2])) <= known
