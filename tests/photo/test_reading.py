"""What comes in: every source and mode, upright, with nothing lost in silence."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from samples import SRGB, exif_with_thumbnail, save
from tonsure import photo
from tonsure.errors import TruncatedInput, UnreadableInput, WrongType
from tonsure.photo import colour, exif


def test_every_kind_gives_upright_rgb(sample, picture):
    kind, data = sample
    read = photo.read(data)
    assert read.pixels.shape == picture.shape
    assert read.deep == kind.endswith("16")
    assert read.grey == (kind.endswith(("grey", "16")))
    if kind in {"png", "webp-lossless", "tiff", "tiff-lzw", "bmp"}:
        assert np.array_equal(read.pixels, picture)
    elif not read.grey and kind != "jpeg-cmyk":
        off = np.abs(read.pixels.astype(int) - picture)
        assert off.mean() < 8


def test_sources_agree(picture, tmp_path):
    image = Image.fromarray(picture)
    path = tmp_path / "a.png"
    image.save(path)
    data = path.read_bytes()
    kinds = ["path", "path", "bytes", "bytes", "image", "array"]
    sources = [path, str(path), data, io.BytesIO(data), image, picture]
    for source, kind in zip(sources, kinds, strict=True):
        read = photo.read(source)
        assert np.array_equal(read.pixels, picture)
        assert read.given == kind


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("layout", [(), (1,), (2,), (3,), (4,)])
def test_arrays_come_back_as_given(dtype, layout):
    rng = np.random.default_rng(0)
    array = rng.integers(0, np.iinfo(dtype).max, (7, 5, *layout), dtype=dtype)
    read = photo.read(array)
    back = photo.as_given(read)
    assert back.dtype == dtype
    assert np.array_equal(back, array)
    assert read.pixels.shape == (7, 5, 3)


def test_the_callers_array_is_not_shared(picture):
    mine = picture.copy()
    read = photo.read(mine)
    mine[:] = 0
    assert np.array_equal(read.pixels, picture)
    with pytest.raises(ValueError, match="read-only"):
        read.pixels[0, 0, 0] = 1


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(picture, format, orientation):
    upright = Image.fromarray(picture)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)  # fmt: skip
    stored = upright.transpose(undo) if undo is not None else upright
    tags = Image.Exif()
    tags[0x0112] = orientation
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True},
               "AVIF": {"quality": 100, "subsampling": "4:4:4"}}.get(format, {})  # fmt: skip
    read = photo.read(save(stored, format, exif=tags.tobytes(), **options))
    assert read.pixels.shape == picture.shape
    assert np.abs(read.pixels.astype(int) - picture).max() <= (0 if format in "PNG TIFF" else 12)
    again = photo.read(photo.encode(read.with_pixels(read.pixels)))
    assert again.pixels.shape == picture.shape
    assert exif.orientation(again.exif) == 1


def test_cmyk_becomes_srgb_with_its_own_profile(picture):
    read = photo.read(save(Image.fromarray(picture).convert("CMYK"), "TIFF"))
    assert any("CMYK" in part for part in read.dropped)
    assert np.abs(read.pixels.astype(int) - picture).mean() < 3


def test_lab_becomes_srgb(picture):
    from PIL import ImageCms

    lab = ImageCms.profileToProfile(
        Image.fromarray(picture), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )  # fmt: skip
    read = photo.read(save(lab, "TIFF"))
    assert np.abs(read.pixels.astype(int) - picture).mean() < 6
    assert read.icc is not None
    assert read.icc[16:20] == b"RGB "


def test_transparency_of_every_form(picture):
    rgba = Image.fromarray(picture).convert("RGBA")
    rgba.putalpha(Image.linear_gradient("L").resize((64, 48)))
    for format, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        read = photo.read(save(rgba, format, **options))
        assert np.array_equal(read.alpha, np.asarray(rgba)[..., 3])
        assert np.array_equal(read.pixels, picture)
    keyed = save(Image.fromarray(picture), "PNG", transparency=tuple(int(v) for v in picture[5, 5]))
    read = photo.read(keyed)
    assert read.alpha is not None
    assert read.alpha[5, 5] == 0


def test_a_wrong_profile_is_dropped(picture):
    grey = save(Image.fromarray(picture).convert("L"), "PNG", icc_profile=SRGB)
    read = photo.read(grey)
    assert read.icc is None
    assert any("profile" in part for part in read.dropped)


def test_animations_give_their_first_picture(picture):
    frames = [Image.fromarray(np.roll(picture, k, 1)) for k in range(3)]
    for format in ("GIF", "WEBP", "PNG"):
        data = save(frames[0], format, save_all=True, append_images=frames[1:], lossless=True)
        read = photo.read(data)
        assert read.animated
        assert np.abs(read.pixels.astype(int) - picture).mean() < 8


def test_a_jpeg_with_further_pictures(picture):
    frame = Image.fromarray(picture)
    data = save(frame, "MPO", save_all=True, append_images=[frame.rotate(90)])
    read = photo.read(data)
    assert read.format == "JPEG"
    assert any("further pictures" in part for part in read.dropped)
    assert b"MPF\0" not in photo.encode(read.with_pixels(read.pixels))


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (b"", TruncatedInput, "empty"),
        (b"a cup of tea", WrongType, "not a picture"),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            WrongType,
            "PostScript.* JPEG or PNG first",
        ),
        (b"\xff\xd8\xff\xe0", UnreadableInput, "damaged|cut off"),
    ],
)
def test_what_is_no_photo_says_so(data, error, said):
    with pytest.raises(error, match=said) as caught:
        photo.read(data)
    assert caught.value.exit_code == 5


def test_missing_files_folders_and_text(tmp_path: Path):
    with pytest.raises(UnreadableInput, match="no file"):
        photo.read(tmp_path / "none.jpg")
    with pytest.raises(UnreadableInput, match="folder"):
        photo.read(tmp_path)
    with pytest.raises(UnreadableInput, match="null"):
        photo.read("a\0b.jpg")
    with pytest.raises(WrongType, match="'rb'"):
        photo.read(io.StringIO("text"))  # type: ignore[arg-type]
    with pytest.raises(WrongType, match="int is not a photo"):
        photo.read(7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "array",
    [
        np.ones((4, 4, 3), bool),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.uint8([1]),
    ],
)
def test_arrays_that_are_no_photos(array):
    with pytest.raises(WrongType):
        photo.read(array)


def test_floating_point_is_refused():
    data = save(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
    with pytest.raises(WrongType, match="16 bits"):
        photo.read(data)


def test_heic_by_the_extra(picture):
    pillow_heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture)).save(out, quality=95)
    read = photo.read(out.getvalue())
    assert read.format == "HEIF"
    assert np.abs(read.pixels.astype(int) - picture).mean() < 8
    assert photo.chosen(read).name == "JPEG"


def test_heic_without_the_extra_tells_of_it(monkeypatch):
    monkeypatch.setattr(sys.modules["tonsure.photo.kinds"], "heif_installed", lambda: False)
    with pytest.raises(WrongType, match=r"pip install pillow-heif"):
        photo.read(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))


def test_heic_by_a_broken_extra_is_no_damage(monkeypatch):
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0\0\0\x08meta\0\0\0\x08mdat"
    monkeypatch.setattr(sys.modules["tonsure.photo.kinds"], "heif_installed", lambda: True)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # importing it raises ImportError
    with pytest.raises(UnreadableInput, match="a library is broken") as told:
        photo.read(data)
    assert "damaged" not in str(told.value)


def test_integers_of_older_files():
    values = np.arange(20, dtype=np.int32).reshape(4, 5) * 3000
    pixels, _, _, _ = colour.to_rgb(Image.fromarray(values), None)
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels[..., 0], values)


def test_thumbnail_helper_is_a_real_one(picture):
    """The fixture of the privacy tests holds what a camera would write: Pillow finds it."""
    small = save(Image.fromarray(picture[::4, ::4]), "JPEG")
    block = Image.Exif()
    block.load(exif_with_thumbnail(small))
    assert block.get_ifd(0x8769)[0x9003].startswith("2024")
    assert block.get_ifd(ExifTags.IFD.IFD1)[0x0202] == len(small)
