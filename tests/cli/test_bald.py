"""`tonsure bald`: outputs, exit codes, batches, pipes."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
from PIL import Image

from tonsure import photo


def names(folder) -> list[str]:
    return sorted(os.listdir(folder))


def test_beside_the_photo(run, photos):
    before = (photos / "a.jpg").read_bytes()
    ran = run("bald", photos / "a.jpg")
    assert ran.code == 0
    assert ran.bytes == b""
    assert f"a.jpg → {photos / 'a.bald.jpg'} (1 face)" in ran.said
    assert (photos / "a.jpg").read_bytes() == before
    result = photo.read(photos / "a.bald.jpg")
    assert (result.width, result.height, result.format) == (512, 512, "JPEG")
    assert photo.earlier(result.xmp) == photo.MARK


@pytest.mark.parametrize("ending", ["png", "webp", "tif", "bmp", "avif", "gif", "jpeg"])
def test_to_a_file_of_any_format(run, photos, tmp_path, ending):
    target = tmp_path / f"out.{ending}"
    assert run("bald", photos / "a.jpg", "-o", target, "-q").code == 0
    with Image.open(target) as im:
        assert im.size == (512, 512)


def test_an_existing_output_stays(run, photos):
    target = photos / "a.bald.jpg"
    target.write_bytes(b"mine")
    ran = run("bald", photos / "a.jpg")
    assert ran.code == 3
    assert "--overwrite" in ran.said
    assert target.read_bytes() == b"mine"
    ran = run("bald", photos / "a.jpg", "--skip-existing", "--json")
    assert ran.code == 0
    assert ran.records[0]["status"] == "skipped"
    assert target.read_bytes() == b"mine"
    assert run("bald", photos / "a.jpg", "--overwrite").code == 0
    assert target.read_bytes() != b"mine"


def test_the_input_is_replaced_only_when_asked(run, photos):
    path = photos / "a.jpg"
    before = path.read_bytes()
    assert run("bald", path, "-o", path).code == 3
    assert path.read_bytes() == before
    assert run("bald", path, "-o", path, "--overwrite").code == 0
    assert path.read_bytes() != before


def test_no_face_is_4_and_leaves_nothing(run, photos, tmp_path):
    ran = run("bald", photos / "cup.jpg", "-o", f"{tmp_path}/out/")
    assert ran.code == 4
    assert ran.said.startswith(f"{photos / 'cup.jpg'}: No face was found; --min-face")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "said"), [("cut.jpg", "cut off"), ("notes.txt", "not a picture"), ("none", "no file")]
)
def test_unreadable_is_5(run, photos, name, said):
    before = names(photos)
    ran = run("bald", photos / name)
    assert ran.code == 5
    assert said in ran.said
    assert "Traceback" not in ran.said
    assert names(photos) == before


def test_too_large_is_8(run, photos, monkeypatch):
    monkeypatch.setenv("TONSURE_MAX_SIDE", "500")
    ran = run("bald", photos / "a.jpg")
    assert ran.code == 8
    assert "TONSURE_MAX_SIDE" in ran.said


def test_a_damaged_model_is_6(run, photos, monkeypatch):
    from tonsure.errors import ModelDamaged

    def refuse(*args, **kwargs):
        raise ModelDamaged("The model file x.onnx is damaged. Reinstall tonsure to restore it.")

    monkeypatch.setattr("tonsure.faces.find", refuse)
    ran = run("bald", photos / "a.jpg")
    assert ran.code == 6
    assert "Reinstall" in ran.said


def test_a_fault_is_1_and_shows_its_trace_when_asked(run, photos, monkeypatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError("by a test")

    monkeypatch.setattr("tonsure.faces.find", fail)
    ran = run("bald", photos / "a.jpg")
    assert ran.code == 1
    assert "internal fault (ZeroDivisionError: by a test)" in ran.said
    with pytest.raises(ZeroDivisionError):
        run("bald", photos / "a.jpg", "--debug")


def test_interrupted_is_130(run, photos, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("tonsure.faces.find", interrupt)
    ran = run("bald", photos / "a.jpg", photos / "b.JPG")
    assert ran.code == 130
    assert ran.said.strip().endswith("interrupted.")
    assert "a.bald.jpg" not in names(photos)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--degree", "1.5"], "0 (untouched) to 1"),
        (["--degree", "nan"], "0 (untouched) to 1"),
        (["--style", "receed"], "recede"),
        (["--face", "bigest"], "largest"),
        (["--quality", "0"], "quality"),
        (["-o", "x.docx"], "no format is called '.docx'"),
        (["-o", "x.heic"], "read but not written"),
        (["--overwrite", "--skip-existing"], "exclude each other"),
        (["--steps", "1"], "2 to 101"),
        (["--steps", "5", "-o", "f-%d-%d.png"], "more than one place"),
        (["--steps", "5", "--size", "3"], "16 or more"),
        (["--size", "300"], "--steps"),
        (["--json", "-o", "-"], "either the picture or --json"),
        (["--steps", "5", "-o", "-"], "give -o a name"),
        (["--threads", "0"], "more than 0"),
        (["--quality", "101"], "1 to 100"),
        (["-o", "x.mp4"], ".mp4 is a film"),
        (["-o", ""], "-o is empty"),
    ],
)
def test_values_that_are_not_allowed_are_2(run, photos, options, said):
    before = names(photos)
    ran = run("bald", photos / "a.jpg", *options)
    assert ran.code == 2
    assert said in ran.said
    assert names(photos) == before


def test_unknown_options_are_2(run, photos):
    assert run("bald", photos / "a.jpg", "--blad").code == 2
    assert run("bald").code == 2


def test_many_photos_some_fail(run, photos):
    ran = run("bald", photos, "--json")
    assert ran.code == 7
    by_name = {os.path.basename(record["input"]): record for record in ran.records}
    assert {name: r["status"] for name, r in by_name.items()} == {
        "a.jpg": "done", "b.JPG": "done", "cup.jpg": "failed", "cut.jpg": "failed",
    }  # fmt: skip
    assert by_name["cup.jpg"]["error"]["code"] == "no_face"
    assert by_name["cup.jpg"]["error"]["exit_code"] == 4
    assert by_name["cut.jpg"]["error"]["code"] == "truncated_input"
    assert by_name["a.jpg"]["outputs"] == [str(photos / "a.bald.jpg")]
    assert by_name["a.jpg"]["faces"][0]["edited"] is True
    assert "2 of 4 photos done" in ran.said
    assert "2 failed" in ran.said
    assert "photos/s" in ran.said
    assert {"a.bald.jpg", "b.bald.JPG"} <= set(names(photos))


def test_all_fail_alike_gives_their_code(run, photos):
    assert run("bald", photos / "cut.jpg", photos / "notes.txt").code == 5
    assert run("bald", photos / "cut.jpg", photos / "cup.jpg").code == 7


def test_a_second_run_finds_its_own_results(run, photos):
    (photos / "cup.jpg").unlink()
    (photos / "cut.jpg").unlink()
    assert run("bald", photos, "-r").code == 0
    stamps = {path: path.stat().st_mtime_ns for path in photos.rglob("*.bald.*")}
    assert len(stamps) == 3
    ran = run("bald", photos, "-r", "--skip-existing", "--json")
    assert ran.code == 0
    assert [record["status"] for record in ran.records] == ["skipped"] * 3
    assert {path: path.stat().st_mtime_ns for path in photos.rglob("*.bald.*")} == stamps


def test_pipes(run, photos):
    portrait = (photos / "a.jpg").read_bytes()
    ran = run("bald", "-", stdin=portrait)
    assert ran.code == 0
    assert ran.bytes[:3] == b"\xff\xd8\xff"
    assert "standard output" in ran.said
    to_file = run("bald", photos / "a.jpg", "-o", "-")
    assert to_file.bytes == ran.bytes
    ran = run("bald", "-", "-o", photos / "piped.png", "--json", stdin=portrait)
    assert ran.records[0]["input"] == "-"
    assert (photos / "piped.png").exists()
    assert run("bald", "-", stdin=b"").code == 5
    assert run("bald", "-", "-", stdin=portrait).code == 2


def test_a_pipe_at_degree_0_is_a_copy(run, photos):
    portrait = (photos / "a.jpg").read_bytes()
    assert run("bald", "-", "--degree", "0", stdin=portrait).bytes == portrait


def test_quiet_and_quality(run, photos):
    ran = run("bald", photos / "a.jpg", "-q", "--quality", "20")
    assert (ran.code, ran.said, ran.bytes) == (0, "", b"")
    assert (photos / "a.bald.jpg").stat().st_size < (photos / "a.jpg").stat().st_size


def test_warnings_are_shown(run, photos, drawn):
    drawn["warnings"] = ("hat_kept",)
    ran = run("bald", photos / "a.jpg")
    assert "  A hat or scarf covers hair; it was kept" in ran.said


def test_all_faces(run, group, tmp_path):
    path = tmp_path / "group.png"
    Image.fromarray(group).save(path)
    ran = run("bald", path, "--face", "all", "--json")
    assert [face["edited"] for face in ran.records[0]["faces"]] == [True] * 3
    after = photo.read(tmp_path / "group.bald.png").pixels
    changed = (after != group).any(axis=2)
    assert changed[:, :200].any()
    assert changed[:, 500:].any()


def test_formats_that_results_do_not_have(run, photos):
    with Image.open(photos / "a.jpg") as im:
        im.quantize(64).save(photos / "g.gif")
        im.save(photos / "noending", "PNG")
    assert run("bald", photos / "g.gif", photos / "noending").code == 0
    assert {"g.bald.png", "noending.bald.png"} <= set(names(photos))


def test_configured_values_are_used(run, photos, tmp_path, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text('quality = 15\nstyle = "thin"\n')
    monkeypatch.setenv("TONSURE_CONFIG", str(config))
    ran = run("bald", photos / "a.jpg", "--json")
    assert ran.records[0]["style"] == "thin"
    assert (photos / "a.bald.jpg").stat().st_size < 30_000
    config.write_text("qualty = 15\n")
    ran = run("bald", photos / "a.jpg")
    assert ran.code == 2
    assert "did you mean 'quality'?" in ran.said


def test_degrees_differ(run, photos):
    sizes = []
    for degree in ("0.2", "0.6", "1"):
        ran = run("bald", photos / "a.jpg", "-o", "-", "--degree", degree)
        with Image.open(io.BytesIO(ran.bytes)) as im:
            sizes.append(np.asarray(im).astype(int))
    assert (sizes[0] != sizes[1]).any()
    assert (sizes[1] != sizes[2]).any()


def test_more_threads_than_cores_are_not_started(run, photos):
    from tonsure.models.session import cores

    ran = run("bald", photos / "a.jpg", "--threads", "10000")
    assert ran.code == 0
    assert f"{cores()} are used" in ran.said


def test_a_batch_without_work_says_so(run, photos):
    (photos / "cup.jpg").unlink()
    (photos / "cut.jpg").unlink()
    run("bald", photos)
    ran = run("bald", photos, "--skip-existing")
    assert "0 of 2 photos done" in ran.said
    assert "2 left out, as their output exists" in ran.said


def test_two_runs_at_once_with_skip_existing(run, photos, monkeypatch):
    """The other one writes the result while this one works."""
    from tonsure import head

    made = head.make

    def late(*args, **kwargs):
        (photos / "a.bald.jpg").write_bytes(b"theirs")
        return made(*args, **kwargs)

    monkeypatch.setattr(head, "make", late)
    ran = run("bald", photos / "a.jpg", "--skip-existing", "--json")
    assert ran.code == 0
    assert ran.records[0]["status"] == "skipped"
    assert (photos / "a.bald.jpg").read_bytes() == b"theirs"
    (photos / "a.bald.jpg").unlink()
    assert run("bald", photos / "a.jpg").code == 3


def test_long_exif_does_not_cost_the_result(run, photos):
    tags = Image.Exif()
    tags[0x010E] = "word " * 20_000
    with Image.open(photos / "a.jpg") as im:
        im.save(photos / "long.png", exif=tags)
    ran = run("bald", photos / "long.png", "-o", photos / "long.jpg")
    assert ran.code == 0
    assert "the EXIF, which is too long for JPEG" in ran.said


def test_what_the_machine_lacks_is_no_internal_fault(run, photos, monkeypatch):
    for error, code in ((ImportError("broken", name="cv2"), 6), (MemoryError(), 8),
                        (OSError(30, "Read-only file system", "x"), 1)):  # fmt: skip

        def fail(*args, error=error, **kwargs):
            raise error

        monkeypatch.setattr("tonsure.faces.find", fail)
        ran = run("bald", photos / "a.jpg")
        assert ran.code == code
        assert "internal fault" not in ran.said
