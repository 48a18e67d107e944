"""What `tonsure bald` makes of names: photos, folders, patterns, results."""

from __future__ import annotations

import os

import pytest


def names(folder) -> list[str]:
    return sorted(os.listdir(folder))


def test_folders_are_mirrored(run, photos, tmp_path):
    out = tmp_path / "out"
    ran = run("bald", photos, "-r", "-o", out, "-q")
    assert ran.code == 7
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*.*")) == [
        "a.bald.jpg", "b.bald.JPG", os.path.join("below", "a.bald.jpg"),
    ]  # fmt: skip


def test_collisions_stop_before_work(run, photos, tmp_path, drawn):
    ran = run("bald", photos / "a.jpg", photos / "below" / "a.jpg", "-o", f"{tmp_path}/out/")
    assert ran.code == 2
    assert "would both become" in ran.said
    assert drawn["calls"] == 0
    ran = run("bald", photos / "a.jpg", photos / "b.JPG", "-o", tmp_path / "one.jpg")
    assert ran.code == 2
    assert "one file" in ran.said


def test_names_by_pattern(run, photos, tmp_path):
    ran = run("bald", photos / "a.jpg", photos / "b.JPG", "-o", f"{tmp_path}/to/{{name}}-x.png")
    assert ran.code == 0
    assert names(tmp_path / "to") == ["a-x.png", "b-x.png"]


def test_patterns_are_expanded_by_us(run, photos):
    assert run("bald", f"{photos}/*.jpg", "--json").code == 7
    ran = run("bald", f"{photos}/z*.jpg")
    assert ran.code == 2
    assert "No file matches the pattern" in ran.said


def test_an_empty_folder_says_so(run, tmp_path):
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    ran = run("bald", tmp_path / "empty")
    assert ran.code == 2
    assert "-r looks" in ran.said


def test_the_same_photo_twice_is_one(run, photos):
    ran = run("bald", photos / "a.jpg", photos / "." / "a.jpg", photos / "a.jpg", "--json")
    assert ran.code == 0
    assert len(ran.records) == 1


@pytest.mark.skipif(os.name == "nt", reason="such names cannot be made there")
@pytest.mark.parametrize(
    "name", [b"caf\xe9.jpg", b"two\nlines.jpg", "größe.jpg".encode(), b"-x.jpg"]
)
def test_odd_names(run, photos, name):
    path = os.fsdecode(os.fsencode(photos) + b"/" + name)
    os.rename(photos / "a.jpg", path)
    ran = run("bald", path, "--json")
    assert ran.code == 0
    assert ran.records[0]["input"] == path
    assert os.path.exists(path.replace(".jpg", ".bald.jpg"))


def test_a_name_of_255_bytes(run, photos):
    path = photos / ("n" * 251 + ".jpg")
    os.rename(photos / "a.jpg", path)
    ran = run("bald", path)
    assert ran.code == 1
    assert "too long" in ran.said
    assert run("bald", path, "-o", photos / "short.jpg").code == 0


def test_a_folder_that_is_missing_is_told_before_work(run, photos, drawn):
    ran = run("bald", photos / "a.jpg", "-o", photos / "none" / "b.jpg")
    assert ran.code == 1
    assert "no folder" in ran.said
    assert drawn["calls"] == 0


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_not_the_current_folder(run, photos, monkeypatch, name):
    monkeypatch.chdir(photos)
    before = names(photos)
    ran = run("bald", name)
    assert ran.code == 2
    assert "variable without a value" in ran.said
    assert names(photos) == before


@pytest.mark.parametrize("name", ["https://example.com/me.jpg", "ftp://x/me.jpg"])
def test_addresses_are_told(run, name):
    ran = run("bald", name)
    assert ran.code == 2
    assert "download the photo first" in ran.said


def test_the_nearest_name_is_offered(run, photos):
    ran = run("bald", photos / "cupp.jpg")
    assert ran.code == 5
    assert f"did you mean {photos / 'cup.jpg'}?" in ran.said
    assert "no folder" in run("bald", photos / "none" / "a.jpg").said


def test_percent_signs_of_a_photos_name_are_no_pattern(run, photos):
    os.rename(photos / "a.jpg", photos / "100%done.jpg")
    assert run("bald", photos / "100%done.jpg", "--steps", "3", "--size", "64").code == 0
    assert "100%done.steps.png" in names(photos)
    target = photos / "out" / "{name}-%d.png"
    assert run("bald", photos / "100%done.jpg", "--steps", "3", "-o", target).code == 0
    assert names(photos / "out") == [f"100%done-{k}.png" for k in range(3)]


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
def test_pipes_in_a_folder_are_left_out(run, photos):
    os.mkfifo(photos / "pipe.jpg")
    ran = run("bald", photos, "--json")
    assert "pipe.jpg" not in ran.out
    ran = run("bald", photos / "pipe.jpg")
    assert ran.code == 5
    assert "empty" in ran.said


def test_names_are_shown_and_not_obeyed(run, photos):
    path = photos / "\x1b[2Jgone\n\x9b.jpg"
    os.rename(photos / "a.jpg", path)
    ran = run("bald", path)
    assert ran.code == 0
    assert "\x1b" not in ran.said
    assert "\\x1b[2Jgone\\x0a\\x9b.jpg" in ran.said
    assert len(ran.said.splitlines()) == 1
    assert "\x1b" not in run("bald", photos / "none\x1b.jpg").said


def test_an_output_folder_that_is_a_file(run, photos):
    (photos / "x").write_bytes(b"mine")
    ran = run("bald", photos / "a.jpg", "-o", f"{photos}/x/")
    assert ran.code == 1
    assert "cannot be made" in ran.said
    assert "internal fault" not in ran.said
