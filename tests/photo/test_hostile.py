"""Files made to do harm, and files that were harmed: a sentence, soon, and no more."""

from __future__ import annotations

import contextlib
import io
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from samples import KINDS, files, save
from tonsure import photo
from tonsure.errors import LimitExceeded, TonsureError, TruncatedInput, UnreadableInput
from tonsure.photo import Limits, exif, png, xmp

Y, X = np.mgrid[0:24, 0:32]
FILES = files(np.stack([X * 8, Y * 10, X + Y], -1).astype(np.uint8))


def _png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return png.SIGNATURE + b"".join(png._chunk(name, content) for name, content in body)


def _tiff(width: int, height: int) -> bytes:
    data = bytearray(FILES["tiff"])
    with Image.open(io.BytesIO(data)) as im:
        rows = im.tag_v2
        assert rows[256] == 32
    first = struct.unpack_from("<I", data, 4)[0]
    for k in range(struct.unpack_from("<H", data, first)[0]):
        at = first + 2 + 12 * k
        tag = struct.unpack_from("<H", data, at)[0]
        if tag in (256, 257):
            struct.pack_into("<HHII", data, at, tag, 4, 1, width if tag == 256 else height)
    return bytes(data)


def _webp(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size
    frame = FILES["webp"][12:]
    return b"RIFF" + struct.pack("<I", len(body) + len(frame)) + body + frame


def _gif(width: int, height: int) -> bytes:
    return FILES["gif"][:6] + struct.pack("<HH", width, height) + FILES["gif"][10:]


BOMBS = {
    "png of 50,000 x 50,000": _png(50_000, 50_000),
    "png of 99,000 x 1": _png(99_000, 1),
    "gif with a huge screen": _gif(60_000, 60_000),
    "tiff that lies": _tiff(60_000, 60_000),
    "webp of 16,383 x 16,383": _webp(16_383, 16_383),
    "icc that unpacks to 300 MB": _png(
        8, 8, (b"iCCP", b"x\0\0" + zlib.compress(bytes(300_000_000), 9))
    ),
    "10 MB of XMP": _png(8, 8, (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * 10_000_000)),
    "10 MB of EXIF": _png(8, 8, (b"eXIf", b"II*\0" + b"x" * 10_000_000)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_fail_soon_and_small(name):
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(TonsureError) as caught:
        photo.read(BOMBS[name])
    seconds = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.exit_code in (5, 8)
    assert seconds < 2
    assert peak < 300e6


def test_limits_name_their_setting(picture):
    data = save(Image.fromarray(picture), "PNG")
    for limits, setting in (
        (Limits(max_file_mb=1e-4), "max_file_mb"),
        (Limits(max_megapixels=1e-3), "max_megapixels"),
        (Limits(max_side=10), "max_side"),
    ):
        for source in (data, io.BytesIO(data)):
            with pytest.raises(LimitExceeded, match=rf"Limits\({setting}=") as caught:
                photo.read(source, limits=limits)
        assert caught.value.exit_code == 8
        assert f"TONSURE_{setting.upper()}" in caught.value.said("cli")
        assert setting not in caught.value.said("http")
    with pytest.raises(LimitExceeded, match="max_metadata_mb"):
        photo.read(save(Image.fromarray(picture), "PNG", icc_profile=bytes(3000)),
                   limits=Limits(max_metadata_mb=1e-3))  # fmt: skip
    with pytest.raises(LimitExceeded, match="max_megapixels"):
        photo.read(picture, limits=Limits(max_megapixels=1e-3))
    with pytest.raises(LimitExceeded, match="max_faces"):
        Limits().check_faces(51)


def test_a_file_that_is_too_long_is_not_read(tmp_path):
    path = tmp_path / "long.jpg"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    with pytest.raises(LimitExceeded, match="300 MB"):
        photo.read(path)


@pytest.mark.parametrize("kind", KINDS)
def test_cut_anywhere_it_fails_or_is_whole(kind):
    """A file that lacks no more than the mark of its end gives its pixels, and says so."""
    data = FILES[kind]
    whole = photo.read(data)
    read = 0
    cuts = {round(k * len(data) / 200) for k in range(200)} | {len(data) - k for k in range(1, 40)}
    for length in sorted(cuts - {len(data)}):
        try:
            cut = photo.read(data[:length])
        except UnreadableInput:
            continue
        read += 1
        assert np.array_equal(cut.pixels, whole.pixels)
        assert cut.missing == ("its end mark",)
    assert read < 25
    if kind.startswith(("jpeg", "png", "gif")):
        assert read > 0


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    flips=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 255)), min_size=1, max_size=6)
)
def test_flipped_bytes_give_a_photo_or_a_sentence(kind, flips):
    data = bytearray(FILES[kind])
    for place, value in flips:
        data[place % len(data)] = value
    with contextlib.suppress(UnreadableInput, LimitExceeded):
        read = photo.read(bytes(data))
        photo.encode(read.with_pixels(read.pixels))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_any_bytes_as_exif(tail, head):
    block, _ = exif.clean(head + tail, 10, 10)
    assert block is None or len(block) == len(head + tail)
    assert 1 <= exif.orientation(head + tail) <= 8


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode())))
def test_any_bytes_as_xmp(packet):
    assert xmp.earlier(xmp.mark(packet)[0]) == xmp.MARK


def _entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def _block(*entries: bytes, count: int | None = None, tail: bytes = b"") -> bytes:
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries) if count is None else count)
    return head + b"".join(entries) + bytes(4) + tail


@pytest.mark.parametrize("count", [2500, 65_535])
def test_pointers_in_circles_cost_nothing(count):
    """Ten seconds of a 32 kB file: the work once grew with the square of the count."""
    block = _block(_entry(0x8769, 4, 1, 8) * count, count=count)
    for kind, data in (("JPEG", b"Exif\0\0" + block[:65_000]), ("PNG", block)):
        file = save(Image.new("RGB", (8, 8)), kind, exif=data)
        began = time.process_time()
        photo.encode(photo.read(file))
        assert time.process_time() - began < 1


def test_a_chunk_that_lies_is_not_believed(monkeypatch):
    """OpenCV sets two gigabytes aside for pixels that say they are so long."""
    deep = png.encode_deep(np.zeros((64, 64, 3), np.uint16), [])
    at = deep.index(b"IDAT") - 4
    lying = deep[:at] + struct.pack(">I", 0x7FFFFFFF) + deep[at + 4 :]
    monkeypatch.setattr(photo.decode.opencv, "decode", lambda data: pytest.fail("it was asked"))
    with pytest.raises(TruncatedInput, match="end is missing"):
        photo.read(lying)


def test_ranges_that_overlap_are_blanked_once():
    """Of a chain of directories, each entry spans the whole block."""
    ifd = struct.pack("<H", 1000) + b"".join(_entry(k, 1, 400_000, 8) for k in range(1000))
    block = bytearray(_block(_entry(0x0112, 3, 1, 6)) + ifd + bytes(400_100))
    struct.pack_into("<I", block, 8 + 2 + 12, len(_block(_entry(0, 3, 1, 6))))
    began = time.process_time()
    cleaned, _ = exif.clean(bytes(block), 10, 10)
    assert time.process_time() - began < 0.5
    assert exif.orientation(cleaned) == 1


def test_the_limit_counts_bytes():
    """16 bits RGBA are eight bytes a pixel: as much memory as twice the pixels of a plain photo."""
    limits = Limits(max_megapixels=1e-3)
    for shape, dtype, fits in (
        ((30, 30, 3), np.uint8, True), ((30, 30, 4), np.uint8, True),
        ((30, 20, 3), np.uint16, True), ((30, 30, 3), np.uint16, False),
        ((30, 20, 4), np.uint16, False),
    ):  # fmt: skip
        array = np.zeros(shape, dtype)
        sources = [array, *(photo.encode(photo.read(array), kind) for kind in ("png", "tiff"))]
        for source in sources:
            if fits:
                photo.read(source, limits=limits)
            else:
                with pytest.raises(LimitExceeded, match=r"megapixels of [68] bytes"):
                    photo.read(source, limits=limits)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("name", ["png 16 rgba", "tiff 16 rgba", "png", "webp", "jpeg"])
def test_reading_holds_few_copies(name, tmp_path):
    """In bytes a pixel, above what the interpreter and its libraries take."""
    side, kind = 1500, name.split()[0]
    script = f"""
import cv2
from tonsure import photo
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
data = open({str(tmp_path / "large")!r}, "rb").read()
photo.read(open({str(tmp_path / "small")!r}, "rb").read())
before = peak()
photo.read(data)
print((peak() - before) * 1024 / {side}**2)
"""
    for label, wide in (("large", side), ("small", 8)):
        if "16" in name:
            array = np.full((wide, wide, 4), 700, np.uint16)
            data = photo.encode(photo.read(array), kind)
        else:
            data = save(Image.new("RGB", (wide, wide), (90, 100, 110)), kind)
        (tmp_path / label).write_bytes(data)
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=60
    )
    most = {"png 16 rgba": 18, "tiff 16 rgba": 13}.get(name, 10)
    assert float(ran.stdout) < most


@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_many_elements_of_xmp_cost_little(coding: str) -> None:
    packet = '<x:xmpmeta xmlns:x="adobe:ns:meta/">' + "<b/>" * 200_000 + "</x:xmpmeta>"
    out = io.BytesIO()
    Image.new("RGB", (32, 32)).save(out, "WEBP", xmp=packet.encode(coding))
    began = time.process_time()
    opened = photo.read(out.getvalue())
    photo.encode(opened)
    assert time.process_time() - began < 2  # 11 to 43 seconds once
