"""What goes out: untouched pixels untouched, whole files or none."""

from __future__ import annotations

import io
import os
import sys

import numpy as np
import pytest
from PIL import Image

from samples import save
from tonsure import photo
from tonsure.errors import BadOption, LimitExceeded, OutputExists, UnwritableOutput
from tonsure.photo import leftovers, png
from tonsure.photo.write import put


def edited(read: photo.Photo, value: tuple[int, int, int] = (200, 150, 120)) -> photo.Photo:
    pixels = read.pixels.copy()
    pixels[10:20, 10:20] = value
    return read.with_pixels(pixels)


def outside(array: np.ndarray) -> np.ndarray:
    mask = np.ones(array.shape[:2], bool)
    mask[10:20, 10:20] = False
    return array[mask]


@pytest.mark.parametrize("kind", ["png", "webp-lossless", "tiff", "tiff-lzw", "bmp", "png-palette"])
def test_lossless_formats_keep_every_other_pixel(picture, kind):
    from samples import files

    read = photo.read(files(picture)[kind])
    again = photo.read(photo.encode(edited(read)))
    assert again.format == read.format
    assert np.array_equal(outside(again.pixels), outside(read.pixels))
    assert (again.pixels[12, 12] == (200, 150, 120)).all()
    assert again.icc == read.icc


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_sixteen_bits_stay_sixteen(format, count):
    rng = np.random.default_rng(3)
    array = rng.integers(0, 65536, (33, 29, count), dtype=np.uint16)
    array[:16] = np.linspace(0, 65535, 29).astype(np.uint16)[None, :, None]  # filters have work
    source = photo.read(array)
    first = photo.read(photo.encode(source, format))
    assert np.array_equal(first.pixels, source.pixels)
    again = photo.read(photo.encode(edited(first, (51400, 38550, 30840)), format))
    assert again.deep
    assert np.array_equal(outside(again.pixels), outside(source.pixels))
    if count in (2, 4):
        assert np.array_equal(again.alpha, source.alpha)


def test_deep_png_is_read_by_its_specification():
    """Against Pillow's own decoder, which keeps the high bytes, interlaced or not."""
    rng = np.random.default_rng(5)
    array = rng.integers(0, 65536, (21, 17, 3), dtype=np.uint16)
    with Image.open(io.BytesIO(png.encode_deep(array, []))) as im:
        assert np.array_equal(np.asarray(im), array >> 8)


def test_grey_stays_grey(picture):
    for source in (
        Image.fromarray(picture).convert("L"),
        Image.fromarray(picture).convert("L").convert("RGB"),
    ):
        read = photo.read(save(source, "PNG"))
        again = photo.read(photo.encode(edited(read)))
        assert again.grey
        with Image.open(io.BytesIO(photo.encode(edited(read)))) as im:
            assert im.mode == source.mode
        assert np.array_equal(outside(again.pixels), outside(read.pixels))


def test_a_jpeg_stays_close_outside(picture):
    """Below the loss that its first saving made."""
    read = photo.read(save(Image.fromarray(picture), "JPEG", quality=80))
    again = photo.read(photo.encode(edited(read)))
    far = np.abs(read.pixels[32:].astype(int) - again.pixels[32:])
    lost = np.abs(read.pixels[32:].astype(int) - picture[32:])
    assert far.mean() < 0.5 * lost.mean()


@pytest.mark.parametrize(
    ("target", "words"),
    [("jpg", {"transparency", "16 bits a channel (8 now)"}), ("bmp", {"the mark of the edit"})],
)
def test_losses_are_told(target, words):
    read = photo.read(np.full((40, 40, 4), 9, np.uint16))
    assert words <= set(photo.losses(edited(read), target))
    assert photo.losses(edited(read), "png") == ()


def test_results_of_the_kind_given(picture):
    image = Image.fromarray(picture).convert("RGBA")
    image.info["icc_profile"] = b""
    back = photo.as_given(edited(photo.read(image)))
    assert isinstance(back, Image.Image)
    assert back.mode == "RGBA"
    assert back.size == image.size
    data = photo.as_given(edited(photo.read(save(Image.fromarray(picture), "TIFF"))))
    assert data[:4] == b"II*\0"
    grey = photo.as_given(edited(photo.read(picture[..., 0])))
    assert grey.shape == picture.shape[:2]


def test_nothing_is_overwritten_unasked(picture, tmp_path):
    read = edited(photo.read(picture))
    path = tmp_path / "out.png"
    photo.write(read, path)
    first = path.read_bytes()
    with pytest.raises(OutputExists, match="overwrite=True") as caught:
        photo.write(photo.read(picture), path)
    assert caught.value.exit_code == 3
    assert "--overwrite" in caught.value.said("cli")
    assert path.read_bytes() == first
    photo.write(photo.read(picture), path, overwrite=True)
    assert path.read_bytes() != first
    assert os.listdir(tmp_path) == ["out.png"]


def test_the_race_for_a_name_has_one_winner(tmp_path, monkeypatch):
    """Something appears at the path after it was found free."""
    path = tmp_path / "out.bin"
    module = sys.modules["tonsure.photo.write"]
    real = module._create

    def late(temporary):
        path.write_bytes(b"theirs")
        return real(temporary)

    monkeypatch.setattr(module, "_create", late)
    with pytest.raises(OutputExists):
        put(path, b"ours")
    assert path.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["out.bin"]


def test_without_hard_links(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    put(tmp_path / "a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"
    with pytest.raises(OutputExists):
        put(tmp_path / "a", b"2")
    assert os.listdir(tmp_path) == ["a"]


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnwritableOutput, match="No space left"):
        put(tmp_path / "a", b"1")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["no/such/folder/a.png", "x" * 300 + ".png", "a\0b.png"])
def test_names_that_cannot_be_written(picture, tmp_path, name):
    with pytest.raises(UnwritableOutput):
        photo.write(photo.read(picture), tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_through_a_link_its_target_is_written(picture, tmp_path):
    (tmp_path / "below").mkdir()
    kept = tmp_path / "below" / "kept"
    kept.write_bytes(b"mine")
    link = tmp_path / "a.png"
    link.symlink_to(kept)
    with pytest.raises(OutputExists):
        photo.write(photo.read(picture), link)
    assert kept.read_bytes() == b"mine"
    photo.write(photo.read(picture), link, overwrite=True)
    assert link.is_symlink()
    assert np.array_equal(photo.read(kept).pixels, picture)
    assert os.listdir(tmp_path / "below") == ["kept"]


@pytest.mark.skipif(os.name == "nt", reason="modes differ there")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_file_that_is_replaced_hands_on_its_mode(tmp_path, mode):
    path = tmp_path / "a"
    path.write_bytes(b"private")
    path.chmod(mode)
    put(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
def test_a_device_is_written_into_not_replaced(tmp_path):
    import threading

    path = tmp_path / "a.png"
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    put(path, b"through the pipe", overwrite=True)
    reader.join(10)
    assert got == [b"through the pipe"]
    assert path.is_fifo()


@pytest.mark.skipif(os.name == "nt", reason="there is no way to ask for a process")
def test_what_a_killed_run_left_is_cleared(tmp_path, monkeypatch):
    import subprocess

    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine = leftovers._machine()
    names = {
        "dead": f".tonsure-{mine}-{gone.pid}-{'0' * 16}.tmp",
        "alive": f".tonsure-{mine}-{os.getpid()}-{'1' * 16}.tmp",
        "elsewhere": f".tonsure-00000000-{gone.pid}-{'2' * 16}.tmp",
        "old": f".tonsure-{'3' * 16}.tmp",
        "theirs": ".tonsure-notes.tmp",
    }
    for name in names.values():
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / names["old"], (0, 0))
    os.utime(tmp_path / names["theirs"], (0, 0))
    put(tmp_path / "a", b"1")
    left = {names[kind] for kind in ("alive", "elsewhere", "theirs")}
    assert set(os.listdir(tmp_path)) == left | {"a"}


def test_files_have_the_usual_mode(tmp_path):
    put(tmp_path / "a", b"1")
    (tmp_path / "b").write_bytes(b"1")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.jpgg", "'.jpg'"),
        ("a", "no ending"),
        ("a.heic", "read but not written"),
        ("a.docx", "one of"),
    ],
)
def test_endings_that_are_no_format(picture, tmp_path, name, said):
    with pytest.raises(BadOption, match=said):
        photo.write(photo.read(picture), tmp_path / name)


def test_values_that_are_not_allowed(picture):
    with pytest.raises(BadOption, match="1 to 100"):
        photo.encode(photo.read(picture), "jpg", quality=0)
    with pytest.raises(BadOption, match="jpeg"):
        photo.encode(photo.read(picture), "jpge")
    with pytest.raises(LimitExceeded, match="16383"):
        photo.encode(photo.read(np.zeros((2, 17_000), np.uint8)), "webp")


def test_open_files_and_quality(picture):
    small, large = io.BytesIO(), io.BytesIO()
    photo.write(photo.read(picture), small, format="jpeg", quality=20)
    photo.write(photo.read(picture), large, format="jpeg", quality=95)
    assert 0 < len(small.getvalue()) < len(large.getvalue())
    for format in ("webp", "avif", "gif", "bmp"):
        assert (
            photo.read(photo.encode(edited(photo.read(picture)), format)).format == format.upper()
        )
