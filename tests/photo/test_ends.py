"""Where a picture ends in its file, what follows it, and what is cut off."""

from __future__ import annotations

import io
import os
import random
import struct
import threading
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from samples import SRGB, save
from tonsure import photo
from tonsure.errors import LimitExceeded, TruncatedInput, UnreadableInput, WrongType
from tonsure.photo import png

FILM = "the film behind the picture"


@pytest.fixture
def jpeg(picture) -> bytes:
    return save(Image.fromarray(picture), "JPEG", quality=90)


def test_a_moving_photo_is_its_picture(jpeg, picture):
    """Bytes of a film hold marks of JPEG by chance: 82 of 180 such files were once "cut off"."""
    whole = photo.read(jpeg).pixels
    for seed in range(60):
        tail = random.Random(seed).randbytes(5000)
        read = photo.read(jpeg + b"\0\0\0\x18ftypmp42" + tail)
        assert np.array_equal(read.pixels, whole)
        assert read.dropped == (FILM,)
    assert photo.read(jpeg + b"....ftypmp42\xff\xda").dropped == (FILM,)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
def test_half_a_picture_before_a_film_is_cut_off(jpeg, share):
    with pytest.raises(UnreadableInput):
        photo.read(jpeg[: int(len(jpeg) * share)] + b"....ftypmp42\xff\xd9")


def test_a_whole_picture_without_its_end_before_a_film(jpeg):
    read = photo.read(jpeg[:-2] + b"\0\0\0\x18ftypmp42 and so on\xff\xd9")
    assert np.array_equal(read.pixels, photo.read(jpeg).pixels)
    assert read.missing == ("its end mark",)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}])
def test_a_jpeg_without_its_last_bytes(picture, options):
    data = save(Image.fromarray(picture), "JPEG", **options)
    for lacking in (1, 2):
        read = photo.read(data[:-lacking])
        assert read.missing == ("its end mark",)
        assert np.array_equal(read.pixels, photo.read(data).pixels)
    for lacking in (5, 9, 30):
        with pytest.raises(TruncatedInput):
            photo.read(data[:-lacking])


def test_zeros_behind_the_end_are_nothing(jpeg):
    assert photo.read(jpeg + bytes(100)).dropped == ()
    assert photo.read(jpeg + b"words").dropped == ("bytes behind the picture's end",)


def test_a_second_picture_that_is_cut_off(picture):
    frame = Image.fromarray(picture)
    data = save(frame, "MPO", save_all=True, append_images=[frame])
    assert photo.read(data).missing == ()
    assert photo.read(data[:-40]).missing == ("further pictures in the file",)


def test_gif_with_and_without_its_last_byte(picture):
    data = save(Image.fromarray(picture).quantize(64), "GIF")
    whole = photo.read(data)
    assert whole.missing == ()
    bare = photo.read(data[:-1])
    assert np.array_equal(bare.pixels, whole.pixels)
    assert bare.missing == ("its end mark",)
    more = photo.read(data + b"\n")
    assert np.array_equal(more.pixels, whole.pixels)
    assert more.missing == ()


def test_boxes_may_be_followed_by_anything(picture):
    data = save(Image.fromarray(picture), "AVIF")
    read = photo.read(data + b"SEFT and what phones add")
    assert np.array_equal(read.pixels, photo.read(data).pixels)
    assert read.dropped == ("bytes behind the picture's end",)
    with pytest.raises(TruncatedInput):
        photo.read(data[:-1])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_largest_page_of_a_tiff(picture, dtype):
    small, large = (Image.fromarray(picture).resize(size) for size in ((16, 12), (64, 48)))
    if dtype == np.uint8:
        data = save(small, "TIFF", save_all=True, append_images=[large, small])
    else:
        tifffile = pytest.importorskip("tifffile")
        out = io.BytesIO()
        with tifffile.TiffWriter(out) as writer:
            for page in (small, large, small):
                writer.write(np.asarray(page).astype(np.uint16) * 257, photometric="rgb")
        data = out.getvalue()
    read = photo.read(data)
    assert np.array_equal(photo.to_eight(read.pixels), np.asarray(large))
    assert any("further pages" in part for part in read.dropped)
    assert not read.animated


def test_a_tiff_cut_in_its_profile_or_second_page(picture):
    from PIL import TiffImagePlugin

    image = Image.fromarray(picture)
    ifd = TiffImagePlugin.ImageFileDirectory_v2()
    data = save(image, "TIFF", tiffinfo=ifd, icc_profile=SRGB)
    at = data.find(SRGB[:40])
    moved = bytearray(data)
    # the profile moves behind everything else, and is cut there
    place = data.find(struct.pack("<HHI", 34675, 7, len(SRGB)))
    struct.pack_into("<I", moved, place + 8, len(data))
    moved[at : at + len(SRGB)] = bytes(len(SRGB))
    read = photo.read(bytes(moved) + SRGB[:-1])
    assert read.missing == ("the colour profile",)
    assert np.array_equal(read.pixels, picture)
    pages = save(image, "TIFF", save_all=True, append_images=[image])
    read = photo.read(pages[:-9])
    assert read.missing == ("further pages",)
    assert np.array_equal(read.pixels, picture)


@pytest.mark.parametrize(
    ("data", "name", "way_out"),
    [
        (b"\xff\x0a" + bytes(20), "JPEG XL", "JPEG or PNG first"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL", "JPEG or PNG first"),
        (b"\0\0\0\x18ftypisom" + bytes(20), "film", "a frame of it"),
        (b"\0\0\0\x14ftypqt  " + bytes(20), "film", "a frame of it"),
        (b"\x1a\x45\xdf\xa3" + bytes(20), "film", "a frame of it"),
        (b"II*\0\x10\0\0\0CR\2\0", "raw file", "raw converter"),
        (b"\0\0\0\x18ftypcrx " + bytes(20), "raw file", "raw converter"),
        (b"FUJIFILMCCD-RAW 0201", "raw file", "raw converter"),
        (b"%PDF-1.7\n", "PDF", "JPEG or PNG first"),
        (b"8BPS\0\1", "Photoshop", "JPEG or PNG first"),
        (b"<svg xmlns=", "drawing", "JPEG or PNG first"),
        (b"<!DOCTYPE html>", "web page", "picture itself"),
        (b"PK\3\4", "archive", "unpack"),
    ],
)
def test_other_formats_are_named(data, name, way_out):
    with pytest.raises(WrongType, match=f"{name}.*{way_out}"):
        photo.read(data)


def test_a_raw_file_is_not_its_preview(picture):
    from PIL import TiffImagePlugin

    ifd = TiffImagePlugin.ImageFileDirectory_v2()
    ifd[50706] = b"\1\4\0\0"
    ifd.tagtype[50706] = 1
    data = save(Image.fromarray(picture), "TIFF", tiffinfo=ifd)
    with pytest.raises(WrongType, match=r"DNG.*raw converter"):
        photo.read(data)


@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("layout", ["grey", "la", "rgb", "rgba", "planar"])
def test_deep_tiff_of_every_layout(layout, compression, order, tile):
    tifffile = pytest.importorskip("tifffile")
    rng = np.random.default_rng(7)
    count = {"grey": 1, "la": 2, "rgba": 4}.get(layout, 3)
    values = rng.integers(0, 65536, (53, 70, count), dtype=np.uint16)
    stored = np.moveaxis(values, 2, 0).copy() if layout == "planar" else values
    out = io.BytesIO()
    tifffile.imwrite(
        out, stored[..., 0] if count == 1 else stored, byteorder=order, compression=compression,
        photometric="minisblack" if count < 3 else "rgb", tile=tile,
        planarconfig="separate" if layout == "planar" else None if count == 1 else "contig",
        predictor=compression is not None and layout != "planar",
        extrasamples=["unassalpha"] if count in (2, 4) else None,
    )  # fmt: skip
    read = photo.read(out.getvalue())
    assert read.deep
    assert np.array_equal(read.pixels, values[..., :3] if count > 2 else values[..., [0, 0, 0]])
    if count in (2, 4):
        assert np.array_equal(read.alpha, values[..., -1])


def test_alpha_that_is_multiplied_in_is_taken_out():
    tifffile = pytest.importorskip("tifffile")
    values = np.full((8, 8, 4), (30_000, 15_000, 0, 32_768), np.uint16)
    out = io.BytesIO()
    tifffile.imwrite(out, values, photometric="rgb", extrasamples=["assocalpha"])
    read = photo.read(out.getvalue())
    assert np.abs(read.pixels[0, 0].astype(int) - (59_999, 29_999, 0)).max() <= 2
    assert read.alpha[0, 0] == 32_768


def _swarms() -> dict[str, bytes]:
    """Files of 2 MB that consist of tiny pieces."""
    one = Image.new("RGB", (8, 8))
    jpeg, gif = save(one, "JPEG"), save(one.quantize(4), "GIF")
    whole, palette = save(one, "PNG"), 13 + 3 * 4
    chunk = struct.pack(">I4sI", 0, b"tEXt", zlib.crc32(b"tEXt"))
    strips = struct.pack("<HHII", 273, 4, 250_000, 8) + struct.pack("<HHII", 279, 4, 250_000, 8)
    sizes = b"".join(struct.pack("<HHII", tag, 4, 1, 64) for tag in (256, 257))
    return {
        "jpeg": jpeg[:2] + b"\xff\xfe\0\2" * 500_000 + jpeg[2:],
        "jpeg scans": jpeg[:-2] + jpeg[jpeg.find(b"\xff\xda") : -2] * 3000 + jpeg[-2:],
        "png": whole[:33] + chunk * 170_000 + whole[33:],
        "gif comments": gif[:palette] + b"\x21\xfe\x01x\0" * 400_000 + gif[palette:],
        "gif blocks": gif[:palette] + b"\x21\xfe" + b"\x01x" * 900_000 + b"\0" + gif[palette:],
        "tiff": b"II*\0\x08\0\0\0\4\0" + sizes + strips + bytes(2_000_000),
    }


@pytest.mark.parametrize(
    "name", ["gif blocks", "gif comments", "jpeg", "jpeg scans", "png", "tiff"]
)
def test_pieces_are_counted_before_decoding(name):
    data = _swarms()[name]
    began = time.process_time()
    with pytest.raises(LimitExceeded, match="anew"):
        photo.read(data)
    assert time.process_time() - began < 1


def test_many_pieces_of_a_large_file_are_fine():
    """libpng writes 8 kB a chunk: a large file has more than 10,000."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes(2))
    body = [
        (b"IHDR", header),
        *[(b"teSt", bytes(2100))] * 12_000,
        (b"IDAT", packed),
        (b"IEND", b""),
    ]
    data = png.SIGNATURE + b"".join(png._chunk(*part) for part in body)
    assert photo.read(data).pixels.shape == (1, 1, 3)


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
def test_a_pipe_is_read_and_one_without_a_writer_not_waited_for(tmp_path, jpeg):
    path = tmp_path / "x.jpg"
    os.mkfifo(path)
    with pytest.raises(UnreadableInput, match="empty"):
        photo.read(path)
    ours, theirs = os.pipe()
    writer = threading.Thread(target=lambda: (os.write(theirs, jpeg), os.close(theirs)))
    writer.start()
    assert photo.read(f"/dev/fd/{ours}").pixels.shape == (48, 64, 3)
    writer.join()
    os.close(ours)
