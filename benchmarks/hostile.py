#!/usr/bin/env python3
"""Files made to do harm: thousands of them through reading, and some through the whole edit.

    python benchmarks/hostile.py --read 20000 --edit 1000 --seed 0

Each input is a small file of some kind, harmed in one of several ways (see `WAYS`); the same seed
gives the same inputs.  It ends with exit code 1 and the seed of each input that raised anything
but one of tonsure's errors, took longer than 10 seconds, or raised the peak of memory by more than
the bound.
"""

from __future__ import annotations

import argparse
import io
import random
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable

import numpy as np
from PIL import Image

from tonsure import photo
from tonsure.editor import Editor
from tonsure.errors import InternalFault, TonsureError

SECONDS = 10.0
MEGABYTES = 600
_NUMBERS = (0, 1, 2, 3, 4, 8, 16, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)


def seeds(picture: np.ndarray) -> dict[str, bytes]:
    """A whole file of each kind, from (H, W, 3) uint8."""
    rgb = Image.fromarray(picture)
    grey, deep = rgb.convert("L"), picture.astype(np.uint16) * 257
    rgba = rgb.convert("RGBA")
    rgba.putalpha(grey)
    tags = Image.Exif()
    tags[0x0112], tags[0x010F], tags[0x8769] = 6, "Maker", {0x9003: "2024:05:06 07:08:09"}

    def saved(image: Image.Image, kind: str, **options: object) -> bytes:
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    encoded = {kind: photo.encode(photo.read(deep), kind) for kind in ("png", "tiff")}
    found = {
        "jpeg": saved(rgb, "JPEG", exif=tags.tobytes(), comment=b"words"),
        "jpeg progressive": saved(rgb, "JPEG", progressive=True),
        "jpeg cmyk": saved(rgb.convert("CMYK"), "JPEG"),
        "jpeg mpo": saved(rgb, "MPO", save_all=True, append_images=[rgb]),
        "png": saved(rgba, "PNG", exif=tags.tobytes()),
        "png palette": saved(rgb.quantize(16), "PNG", transparency=3),
        "png 16": encoded["png"],
        "apng": saved(rgb, "PNG", save_all=True, append_images=[grey.convert("RGB")]),
        "gif": saved(rgb.quantize(64), "GIF", save_all=True, append_images=[grey]),
        "webp": saved(rgba, "WEBP", exif=tags.tobytes()),
        "webp lossless": saved(rgb, "WEBP", lossless=True),
        "tiff": saved(rgb, "TIFF", compression="tiff_lzw"),
        "tiff pages": saved(rgb, "TIFF", save_all=True, append_images=[grey]),
        "tiff 16": encoded["tiff"],
        "tiff modes": saved(rgb.convert("LAB"), "TIFF"),
        "bmp": saved(rgb, "BMP"),
        "avif": saved(rgb, "AVIF", exif=tags.tobytes()),
    }
    if "HEIF" in photo.readable():
        import pillow_heif

        out = io.BytesIO()
        pillow_heif.from_pillow(rgb).save(out, quality=80, exif=tags.tobytes())
        found["heic"] = out.getvalue()
    return found


def cut(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Its end, or a piece of its middle, is missing."""
    at = chance.randrange(len(data))
    return data[:at] + (b"" if chance.random() < 0.7 else data[at + chance.randrange(1, 64) :])


def flip(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Some bits are others."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def lie(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Numbers of its headers are extreme."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(min(len(out), 600) - 4)
        kind = chance.choice(("<H", ">H", "<I", ">I"))
        top = 0xFFFF if kind[1] == "H" else 0xFFFFFFFF
        struct.pack_into(kind, out, at, min(chance.choice(_NUMBERS), top))
    return bytes(out)


def sealed(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A PNG whose chunks lie, with checksums that hold; other kinds are only lied about."""
    if not data.startswith(b"\x89PNG"):
        return lie(data, chance, others)
    out, at, chosen = data[:8], 8, chance.randrange(6)
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        if chosen == 0 and content:
            content = flip(content, chance, others)
        chosen -= 1
        out += struct.pack(">I", len(content)) + name + content
        out += struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))
        at += 12 + length
    return out


def bomb(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Much from little: sizes that are huge, pieces beyond number, blocks that unpack."""
    size = chance.choice(((60_000, 60_000), (9_000, 9_000), (30_001, 1), (1, 99_999)))
    kind = chance.randrange(6)
    if kind == 0:
        chunk = struct.pack(">IIBBBBB", *size, chance.choice((1, 8, 16)), 2, 0, 0, 0)
        blocks = [(b"IHDR", chunk), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*block) for block in blocks)
    if kind == 1:
        return data[:2] + b"\xff\xfe\0\2" * 200_000 + data[2:]
    if kind == 2:
        return data[:33] + _chunk(b"tEXt", b"") * 100_000 + data[33:]
    if kind == 3:
        return data[:13] + b"\x21\xfe\x01x\0" * 200_000 + b";"
    if kind == 4:
        packed = zlib.compress(bytes(50_000_000), 9)
        return data[:33] + _chunk(b"iCCP", b"x\0\0" + packed) + data[33:]
    count = 60_000
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", count)
    return block + struct.pack("<HHII", chance.choice((0x8769, 0x111, 0x14A)), 4, 1, 8) * count


def polyglot(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Two files in one."""
    other = chance.choice(others)
    at = chance.choice((len(data), len(data) // 2, 12, 4))
    return data[:at] + other + (data[at:] if chance.random() < 0.5 else b"")


WAYS: dict[str, Callable[[bytes, random.Random, list[bytes]], bytes]] = {
    "cut": cut, "flip": flip, "lie": lie, "sealed": sealed, "bomb": bomb, "polyglot": polyglot,
}  # fmt: skip


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def made(files: dict[str, bytes], seed: int) -> tuple[str, bytes]:
    """What input number `seed` is, and its bytes."""
    chance = random.Random(seed)
    kind = chance.choice(sorted(files))
    way = chance.choices(sorted(WAYS), [1 if way == "bomb" else 8 for way in sorted(WAYS)])[0]
    return f"{kind}, {way}", WAYS[way](files[kind], chance, [files[name] for name in sorted(files)])


def through_reading(data: bytes) -> None:
    """Read it, and write it anew as if it were edited."""
    read = photo.read(data)
    photo.encode(read.with_pixels(read.pixels))


def through_the_edit(data: bytes) -> None:
    """The whole way, as a file of the format that results of it have."""
    with Editor(threads=1).open(data) as shot:
        shot.bald(face="all").encode()


def run(
    files: dict[str, bytes], count: int, first: int, act: Callable[[bytes], None]
) -> tuple[Counter[str], list[str]]:
    """How often each outcome was seen, and what should not have been."""
    outcomes: Counter[str] = Counter()
    faults = []
    for seed in range(first, first + count):
        kind, data = made(files, seed)
        began = time.process_time()
        try:
            act(data)
            outcome = "done"
        except InternalFault as error:
            outcome = "fault"
            faults.append(f"{seed} ({kind}): {error}")
        except TonsureError as error:
            outcome = error.code
        except Exception as error:
            outcome = "fault"
            faults.append(f"{seed} ({kind}): {type(error).__name__}: {error}")
        seconds = time.process_time() - began
        if seconds > SECONDS:
            faults.append(f"{seed} ({kind}): {seconds:.1f} s")
        outcomes[outcome] += 1
    return outcomes, faults


def peak() -> float:
    """Megabytes of this process at its largest; 0 where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return int(status.read().split("VmHWM:")[1].split()[0]) / 1000
    except (OSError, IndexError):
        return 0.0


def main() -> int:
    """0 if nothing went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--read", type=int, default=2000, help="inputs through reading")
    parser.add_argument("--edit", type=int, default=100, help="inputs through the whole edit")
    parser.add_argument("--seed", type=int, default=0, help="number of the first input")
    parser.add_argument("--one", type=int, help="only this input, with its trace")
    given = parser.parse_args()
    from tonsure.examples import ASTRONAUT

    portrait = photo.read(ASTRONAUT).pixels
    small = seeds(np.ascontiguousarray(portrait[::8, ::8]))
    if given.one is not None:
        kind, data = made(small, given.one)
        print(kind, len(data), data[:40])
        through_reading(data)
        return 0
    failed = 0
    parts = (
        ("reading", small, given.read, through_reading),
        ("edit", seeds(np.ascontiguousarray(portrait[::2, ::2])), given.edit, through_the_edit),
    )
    for name, files, count, act in parts:
        if not count:
            continue
        began = time.perf_counter()
        outcomes, faults = run(files, count, given.seed, act)
        told = ", ".join(f"{code} {n}" for code, n in outcomes.most_common())
        print(f"{name}: {count} inputs in {time.perf_counter() - began:.0f} s: {told}")
        print(f"  peak of memory {peak():.0f} MB", *faults, sep="\n  ")
        failed += len(faults) + (peak() > MEGABYTES)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
