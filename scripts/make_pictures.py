#!/usr/bin/env python3
"""Make every picture of the documents anew, from photos that may be shown.

    python scripts/make_pictures.py                  # all, into docs/images
    python scripts/make_pictures.py strip film       # only these
    python scripts/make_pictures.py --list

The people: the astronaut Eileen Collins (NASA; ships with tonsure), Luis Pedro Coelho (ships with
mahotas, which is his, as `luispedro.jpg`; MIT), and those of tests/data/people, whose sources
people.md there tells.  Needs mahotas, and for screenshots of the page the extra `web`, playwright
and a Chromium.  Look at what comes out before it is committed.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from tonsure import Editor, Shot
from tonsure.examples import ASTRONAUT

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "images"
PEOPLE = ROOT / "tests" / "data" / "people"
DEGREES = (0.0, 0.25, 0.5, 0.75, 1.0)
GAP, BAND = 6, 26  # pixels
Bytes = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]


def around(
    shot: Shot, above: float = 0.75, below: float = 0.85, number: int = 1, aside: float = 0.0
) -> Box:
    """The head and shoulders of a face: (x0, y0, x1, y1), in shares of the face's height."""
    x0, y0, x1, y1 = shot.faces[number - 1].box
    face = y1 - y0
    middle = (x0 + x1) / 2 + aside * face
    high, wide = shot.photo.pixels.shape[:2]
    top, bottom = max(0, round(y0 - above * face)), min(high, round(y1 + below * face))
    half = round(0.42 * (bottom - top))
    return max(0, round(middle) - half), top, min(wide, round(middle) + half), bottom


def cut(pixels: Bytes, box: Box, height: int) -> Image.Image:
    """A part of a picture, `height` pixels high."""
    x0, y0, x1, y1 = box
    part = Image.fromarray(np.ascontiguousarray(pixels[y0:y1, x0:x1]))
    size = (round(height * (x1 - x0) / (y1 - y0)), height)
    return part.resize(size, Image.Resampling.LANCZOS)


def rows(parts: Sequence[Sequence[Image.Image]], words: Sequence[Sequence[str]]) -> Image.Image:
    """Rows of pictures, each with its words below."""
    font = ImageFont.load_default(size=15)
    width = max(sum(p.width for p in row) + GAP * (len(row) - 1) for row in parts)
    height = sum(max(p.height for p in row) + BAND for row in parts)
    out = Image.new("RGB", (width, height), "white")
    pen, top = ImageDraw.Draw(out), 0
    for row, texts in zip(parts, words, strict=True):
        high = max(part.height for part in row)
        left = (width - sum(p.width for p in row) - GAP * (len(row) - 1)) // 2
        for part, text in zip(row, texts, strict=True):
            out.paste(part, (left, top))
            middle = (left + part.width / 2, top + high + BAND / 2)
            pen.text(middle, text, font=font, fill="#333", anchor="mm")
            left += part.width + GAP
        top += high + BAND
    return out


def save(picture: Image.Image, name: str) -> None:
    """A WebP, in which skin keeps its shades; a PNG of that size would have 256 colours."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=88, method=6)
    keep(name, buffer.getvalue())


def keep(name: str, data: bytes) -> None:
    """Write a file of the documents."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / name).write_bytes(data)
    print(f"docs/images/{name}: {len(data) / 1000:.0f} kB", flush=True)


def strip() -> None:
    """The README's picture, before to fully bald: long hair in both styles, short hair, a man."""
    parts, words = [], []
    woman = PEOPLE / "window.webp"
    for source, style, aside in (
        (woman, "recede", 0.2), (woman, "thin", 0.2), (ASTRONAUT, "thin", 0.0),
        (coelho(), "recede", 0.0),
    ):  # fmt: skip
        with Editor().open(source) as shot:
            right = 1 + max(range(len(shot.faces)), key=lambda k: shot.faces[k].box[0])
            box = around(shot, number=right, aside=aside)
            made = [shot.bald(d, style, face=right).photo.eight() for d in DEGREES]
            parts.append([cut(pixels, box, 270) for pixels in made])
        steps = [f"{style} {d:g}" for d in DEGREES[1:-1]]
        words.append(["before", *steps, "fully bald"])
    save(rows(parts, words), "strip.webp")


def film() -> None:
    """The growing degree as a film that goes there and back for ever."""
    steps = [k / 24 for k in range(25)]
    with Editor().open(ASTRONAUT) as shot:
        box = around(shot)
        frames = [cut(shot.bald(d).photo.eight(), box, 360) for d in steps]
    buffer = io.BytesIO()
    both = frames + frames[-2:0:-1]
    times = [900 if k in (0, len(frames) - 1) else 70 for k in range(len(both))]
    both[0].save(
        buffer, "WEBP", save_all=True, append_images=both[1:], duration=times, loop=0, quality=72,
        method=6, minimize_size=True,
    )  # fmt: skip
    keep("growing.webp", buffer.getvalue())


def mask() -> None:
    """The photo, the mask, the layer over squares, the result."""
    with Editor().open(ASTRONAUT) as shot:
        box = around(shot)
        plain, result = shot.photo.eight(), shot.bald().photo.eight()
        grey, layer = shot.mask(), shot.layer()
    y, x = np.mgrid[: plain.shape[0], : plain.shape[1]]
    squares = np.where((x // 8 + y // 8) % 2, 255, 214).astype(np.uint8)
    back = Image.fromarray(np.stack([squares] * 3, -1)).convert("RGBA")
    over = np.asarray(Image.alpha_composite(back, Image.fromarray(layer)).convert("RGB"))
    parts = [cut(one, box, 260) for one in (plain, np.stack([grey] * 3, -1), over, result)]
    save(rows([parts], [["photo", "mask", "layer", "result"]]), "mask.webp")


def limits() -> None:
    """What does not work: patterns behind long hair, curls, a hat, a head from the side."""
    found = []
    for name, number, above, below, words in (
        ("hug", 2, 0.9, 1.7, ("long hair, busy cloth", "a guess that fails")),
        ("blonde", 1, 1.1, 1.5, ("curls in mixed light", "what lay behind is lost")),
        ("admiral", 1, 1.1, 1.1, ("a hat is kept", "hair below it goes")),
        ("camera", 1, 1.1, 1.1, ("from the side", "the coat's collar is lost")),
    ):
        with Editor(min_face=40).open(PEOPLE / f"{name}.webp") as shot:
            box = around(shot, above, below, number)
            after = shot.bald(face=number).photo.eight()
            found.append(([cut(p, box, 250) for p in (shot.photo.eight(), after)], words))
    halves = [found[:2], found[2:]]
    parts = [[part for pair, _ in half for part in pair] for half in halves]
    save(
        rows(parts, [[word for _, words in half for word in words] for half in halves]),
        "limits.webp",
    )


def people() -> None:
    """People of the tests, whole, before and after: for the page on evaluation."""
    parts, words = [], []
    for row in (("president", "vice", "hill"), ("brunette", "stairs", "blonde")):
        shown, said = [], []
        for name in row:
            with Editor(min_face=40).open(PEOPLE / f"{name}.webp") as shot:
                whole = (0, 0, shot.photo.width, shot.photo.height)
                for when, degree in (("before", 0.0), ("bald", 1.0)):
                    shown.append(cut(shot.bald(degree).photo.eight(), whole, 260))
                    said.append(f"{name}, {when}")
        parts.append(shown)
        words.append(said)
    save(rows(parts, words), "people.webp")


def coelho() -> Path:
    """mahotas' photo of its author."""
    return shipped("mahotas", "demos/data/luispedro.jpg")


def shipped(package: str, name: str) -> Path:
    """A file of an installed package, which is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        sys.exit(f"{package} is missing; pip install {package}")
    return Path(found.origin).parent / name


def page() -> None:
    """Screenshots of the page: both languages, light and dark."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with serving() as address, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for locale, language in (("en-GB", "en"), ("zh-CN", "zh")):
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": 1120, "height": 700}, locale=locale, color_scheme=scheme
                )
                context.set_default_timeout(180_000)
                view = context.new_page()
                view.goto(address)
                view.click("#example")
                view.wait_for_selector("#degree:enabled")
                view.wait_for_selector("#working", state="hidden")
                view.locator("#degree").fill("0.6")
                view.click("#comparing")
                view.mouse.move(0, 0)
                view.wait_for_timeout(1500)
                save(Image.open(io.BytesIO(view.screenshot())).convert("RGB"),
                     f"page-{language}-{scheme}.webp")  # fmt: skip
                context.close()
        browser.close()


@contextmanager
def serving() -> Iterator[str]:
    """A server of one's own; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tonsure", "serve", "--port", str(port), "--timeout", "300"]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(address + "readyz", timeout=2)
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(90)


PICTURES: dict[str, Callable[[], Any]] = {
    "strip": strip, "film": film, "mask": mask, "limits": limits, "people": people, "page": page,
}  # fmt: skip


def main() -> int:
    """Make them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; default: all")
    parser.add_argument("--list", action="store_true", help="say which there are")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{name:8} {make.__doc__}" for name, make in PICTURES.items()))
        return 0
    for name in arguments.names:
        if name not in PICTURES:
            parser.error(f"there is no picture {name!r}; there are: {', '.join(PICTURES)}")
    for name in arguments.names or PICTURES:
        PICTURES[name]()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
