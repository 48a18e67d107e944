"""What an edited file says besides its pixels: the truth, and nothing of the old picture."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from samples import SRGB, exif_with_thumbnail, save
from tonsure import photo
from tonsure.photo import exif, xmp

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">
<rdf:Description rdf:about="uuid:7" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"
 xmlns:note="http://ns.adobe.com/xmp/note/"
 xmp:Rating="4" tiff:Orientation="6" GCamera:MotionPhoto="1" note:HasExtendedXMP="AB">
<xmp:Thumbnails><rdf:Alt><rdf:li>b2xkIHBpY3R1cmU=</rdf:li></rdf:Alt></xmp:Thumbnails>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def edited(read: photo.Photo) -> photo.Photo:
    """A black rectangle painted over a part of it."""
    pixels = read.pixels.copy()
    pixels[5:9, 5:9] = 0
    return read.with_pixels(pixels)


@pytest.fixture
def camera_file(picture) -> bytes:
    """A JPEG as a camera leaves it: turned, with thumbnails in EXIF, XMP and Photoshop's block."""
    image = Image.fromarray(picture)
    old = save(image.resize((16, 12)), "JPEG")
    block = b"Exif\0\0" + exif_with_thumbnail(old, orientation=6)
    iptc = b"\x1c\x02\x78\x00\x05hello"

    def resource(number: int, content: bytes) -> bytes:
        head = b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(content))
        return head + content + b"\0" * (len(content) % 2)

    shop = b"Photoshop 3.0\0" + resource(0x0404, iptc) + resource(0x040C, bytes(28) + old)
    extra = b"\xff\xed" + struct.pack(">H", len(shop) + 2) + shop
    return save(
        image, "JPEG", quality=83, subsampling=1, exif=block, xmp=PACKET, icc_profile=SRGB,
        extra=extra, comment=b"a comment", dpi=(300, 300),
    ) + b"bytes after the end"  # fmt: skip


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_metadata_survives_without_the_old_picture(camera_file, format):
    source = photo.read(camera_file)
    assert (source.width, source.height) == (48, 64)
    data = photo.encode(edited(source), format)
    old = b"old picture"
    assert data.count(b"\xff\xd8\xff") == (format == "JPEG")
    assert old not in data
    assert b"b2xkIHBpY3R1cmU" not in data
    assert b"bytes after the end" not in data
    with Image.open(io.BytesIO(data)) as im:
        assert im.info["icc_profile"] == SRGB
        tags = im.getexif()
        assert tags[0x010F] == "Maker"
        assert tags.get(0x0112, 1) == 1
        details = tags.get_ifd(ExifTags.IFD.Exif)
        assert details[0x9003] == "2024:05:06 07:08:09"
        assert details[0x927C] == b"own notes"
        assert (details[0xA002], details[0xA003]) == (48, 64)
        assert tags.get_ifd(ExifTags.IFD.GPSInfo)[2] == (48.0, 8.0, 0.0)
        assert not tags.get_ifd(ExifTags.IFD.IFD1)
    again = photo.read(data)
    assert photo.earlier(again.xmp) == photo.MARK
    assert again.xmp is not None
    assert b'xmp:Rating="4"' in again.xmp
    assert b"MotionPhoto" not in again.xmp
    assert b"HasExtendedXMP" not in again.xmp
    assert b'tiff:Orientation="1"' in again.xmp


def test_a_jpeg_is_written_like_its_source(camera_file):
    data = photo.encode(edited(photo.read(camera_file)))
    with Image.open(io.BytesIO(camera_file)) as before, Image.open(io.BytesIO(data)) as after:
        assert before.quantization == after.quantization
        assert before.layer == after.layer
        assert after.info["comment"] == b"a comment"
        assert after.info["dpi"] == (300, 300)
        assert after.info["photoshop"].keys() == {0x0404}
    lost = photo.losses(edited(photo.read(camera_file)))
    assert any("Photoshop" in part for part in lost)
    assert any("motion" in part for part in lost)
    assert any("extended" in part for part in lost)


def test_an_untouched_photo_is_its_file(sample):
    kind, data = sample
    read = photo.read(data)
    assert photo.as_given(read) == data
    if kind not in {"gif"}:
        assert photo.encode(read) == data
        assert photo.losses(read) == ()


def test_blocks_of_png_stay(picture):
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "A portrait")
    info.add_itxt("Description", "grün", zip=True)
    info.add(b"gAMA", struct.pack(">I", 45455))
    data = save(Image.fromarray(picture), "PNG", pnginfo=info, dpi=(72, 72))
    with Image.open(io.BytesIO(photo.encode(edited(photo.read(data))))) as after:
        after.load()
        assert after.text["Title"] == "A portrait"
        assert after.text["Description"] == "grün"
        assert after.info["gamma"] == pytest.approx(0.45455)
        assert after.info["dpi"] == pytest.approx((72, 72), abs=0.1)


def test_deep_files_keep_their_blocks(picture):
    grey = (picture[..., 0].astype(np.uint16) << 8) | 7
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "A portrait")
    data = save(
        Image.fromarray(grey), "PNG", pnginfo=info, exif=b"Exif\0\0" + exif_with_thumbnail(b"")
    )
    for format in ("PNG", "TIFF"):
        again = photo.read(photo.encode(edited(photo.read(data)), format))
        assert again.deep
        assert photo.earlier(again.xmp) == photo.MARK
        assert again.exif is not None
        assert b"Maker" in again.exif


def test_a_makers_note_with_a_preview_goes(picture):
    tags = Image.Exif()
    tags[0x8769] = {0x927C: b"Preview" + b"\xff\xd8\xff\xe0old", 0x9003: "2024:05:06 07:08:09"}
    block, dropped = exif.clean(tags.tobytes()[6:], 10, 20)
    assert block is not None
    assert b"\xff\xd8\xff" not in block
    assert any("maker's note" in part for part in dropped)
    again = Image.Exif()
    again.load(block)
    assert again.get_ifd(0x8769) == {0x9003: "2024:05:06 07:08:09"}


@pytest.mark.parametrize(
    "block", [b"", b"nonsense", b"II*\0\xff\xff\xff\x7f", b"II*\0\x08\0\0\0\x09\0"]
)
def test_damaged_exif_goes(block):
    assert exif.clean(block, 10, 10) == (None, ["EXIF, which is damaged"])
    assert exif.orientation(block) == 1


def test_a_bad_entry_is_skipped_and_the_others_count(picture):
    tags = Image.Exif()
    tags[0x010F], tags[0x0112], tags[0x0131] = "Maker", 6, "Software of more than four letters"
    block = bytearray(tags.tobytes()[6:])
    order = "little" if block[:2] == b"II" else "big"
    last = 8 + 2 + 12 * 2
    block[last + 8 : last + 12] = (10**6).to_bytes(4, order)
    read = photo.read(save(Image.fromarray(picture), "JPEG", exif=b"Exif\0\0" + bytes(block)))
    assert read.pixels.shape == (64, 48, 3)
    assert "damaged entries of EXIF" in read.dropped
    kept = Image.Exif()
    kept.load(read.exif)
    assert dict(kept) == {0x010F: "Maker", 0x0112: 1}


@pytest.mark.parametrize("more", [1, 2, 50, 60_000])
def test_a_count_that_is_too_high_costs_no_entry(picture, more):
    block = bytearray(exif_with_thumbnail(b"", orientation=8))
    order = "little" if block[:2] == b"II" else "big"
    count = int.from_bytes(block[8:10], order)
    block[8:10] = (count + more).to_bytes(2, order)
    cleaned, _ = exif.clean(bytes(block), 64, 48)
    assert exif.orientation(bytes(block)) == 8
    kept = Image.Exif()
    kept.load(cleaned)
    assert dict(kept).keys() == {0x010F, 0x0112, 0x8769, 0x8825}
    assert kept.get_ifd(0x8769)[0x927C] == b"own notes"
    assert kept.get_ifd(0x8825)[2] == (48.0, 8.0, 0.0)


def test_a_damaged_block_that_may_hide_a_picture_goes():
    block = bytearray(exif_with_thumbnail(b"\xff\xd8\xff the old picture"))
    order = "little" if block[:2] == b"II" else "big"
    end = 10 + 12 * int.from_bytes(block[8:10], order)
    block[end : end + 4] = (10**6).to_bytes(4, order)  # the thumbnail's directory is not found
    assert exif.clean(bytes(block), 10, 10) == (None, ["EXIF, which is damaged"])


def test_a_lying_thumbnail_offset_does_not_blank_the_photos_own_tags():
    block = bytearray(exif_with_thumbnail(b"x" * 40, orientation=3))
    order = "little" if block[:2] == b"II" else "big"
    at = len(block) - 40 - 4 - 24
    block[at + 8 : at + 12] = (8).to_bytes(4, order)  # "the thumbnail lies at 8": the first IFD
    cleaned, _ = exif.clean(bytes(block), 10, 10)
    tags = Image.Exif()
    tags.load(cleaned or b"")
    assert tags[0x0112] == 1
    assert 0x8769 in tags


def test_the_mark_is_merged_once():
    first, dropped = xmp.mark(PACKET)
    assert dropped == ["motion, depth or gain map beside the picture", "the extended part of XMP"]
    again, _ = xmp.mark(first)
    assert again.count(b"compositeWithTrainedAlgorithmicMedia") == 1
    assert again.count(b'about="uuid:7"') == 2
    assert xmp.earlier(again) == xmp.MARK


def test_an_other_earlier_mark_is_reported_and_replaced():
    as_element = PACKET.replace(
        b"<xmp:Thumbnails>",
        b'<e:DigitalSourceType xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">http://other'
        b"</e:DigitalSourceType><xmp:Thumbnails>",
    )
    assert xmp.earlier(as_element) == "http://other"
    marked, _ = xmp.mark(as_element)
    assert b"http://other" not in marked
    assert xmp.earlier(marked) == xmp.MARK


@pytest.mark.parametrize(
    "packet",
    [
        b"<not xml",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;">]><a>&y;</a>',
        b"<a>" * 20_000 + b"</a>" * 20_000,
        b"\xff\xfe\x00",
    ],
)
def test_damaged_xmp_is_replaced(packet):
    marked, dropped = xmp.mark(packet)
    assert dropped == ["XMP, which is damaged"]
    assert xmp.earlier(marked) == xmp.MARK
    assert xmp.earlier(packet) is None


def test_xmp_too_long_for_jpeg_still_leaves_the_mark(picture):
    source = save(Image.fromarray(picture), "PNG")
    long = PACKET.replace(b'xmp:Rating="4"', b'xmp:Label="' + b"x" * 70_000 + b'"')
    from dataclasses import replace

    read = replace(edited(photo.read(source)), xmp=long)
    again = photo.read(photo.encode(read, "jpg"))
    assert photo.earlier(again.xmp) == photo.MARK
