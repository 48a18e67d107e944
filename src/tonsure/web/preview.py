"""What a page needs to blend every degree by itself: a preview, and the heads at its size."""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from .. import report
from ..editor import NEEDED, Editor
from ..errors import Note
from ..photo import Photo
from .edits import Edits
from .jobs import Wish, bald, open_shot
from .memory import Holder


def layers(
    editor: Editor, data: bytes, which: str, size: int, wanted: Edits, holder: Holder
) -> dict[str, Any]:
    """A preview of the photo, its faces, and of the chosen ones all that a blend needs; with other
    attributes than baldness edited as `wanted`.

    With these a page makes every degree by itself: `docs/server.md` says how.
    """
    editor.check(1.0, face=which)
    holder.tell({"step": "reading"})
    with open_shot(editor, data, holder) as shot:
        holder()
        holder.tell({"step": "faces"})
        untouched = shot.bald(0.0, face=which)
        numbers, told = list(untouched.found), untouched.report
        notes = told["warnings"]
        if wanted.changes or wanted.apart:
            wish = Wish(0.0, face=which, changes=wanted.changes, apart=wanted.apart)
            done = bald(shot, wish, holder)
            known = [(note["code"], note["face"]) for note in notes]
            notes += [n for n in done.report["warnings"] if (n["code"], n["face"]) not in known]
            shot = shot.edited(done.photo)
        scale = min(1.0, size / max(shot.photo.width, shot.photo.height))
        heads = []
        for at, number in enumerate(numbers, 1):
            holder.head(shot.faces[number - 1], shot.photo)
            holder.tell({"step": "head", "number": at, "of": len(numbers)})
            bare = shot.head(number)
            notes += [report.of_note(Note.of(code, number)) for code in bare.warnings]
            if "already_bald" not in bare.warnings:
                heads.append({"face": number} | _head(bare, shot.photo, scale))
        return {
            "photo": told["photo"],
            "faces": [
                report.of_face(face, n) | {"usable": face.height >= NEEDED}
                for n, face in enumerate(shot.faces, 1)
            ],
            "chosen": numbers,
            "warnings": notes,
            "preview": _preview(shot.photo, scale),
            "heads": heads,
        }


def _preview(photo: Photo, scale: float) -> dict[str, Any]:
    image = _picture(photo.eight())
    if photo.alpha is not None:
        white = Image.new("RGB", image.size, "white")
        image = Image.composite(image, white, _picture(photo.shallow().alpha))  # type: ignore[arg-type]
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return {"width": size[0], "height": size[1], "picture": _data(image, photo.icc)}


def _head(bare: Any, photo: Photo, scale: float) -> dict[str, Any]:
    """A bald head at preview size: where, its colours, and three planes of when it shows."""
    x0, y0, x1, y1 = bare.box
    place = [round(value * scale) for value in (x0, y0, x1, y1)]
    size = (max(1, place[2] - place[0]), max(1, place[3] - place[1]))
    colour = bare.colour if bare.opacity is None else bare.before(255)  # as `_preview` shows it
    if photo.grey:
        colour = np.repeat(np.asarray(_picture(colour).convert("L"))[..., None], 3, axis=2)
    planes = [
        np.asarray(_picture(plane).resize(size, Image.Resampling.BOX if scale < 1 else 0))
        for plane in (bare.mask, bare.time, bare.thin)
    ]
    small = _picture(colour).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return {
        "box": [place[0], place[1], place[0] + size[0], place[1] + size[1]],
        "colour": _data(small, photo.icc),
        "planes": _text(zlib.compress(np.stack(planes).tobytes(), 6)),
    }


def _picture(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels))


def _data(image: Image.Image, icc: bytes | None) -> str:
    """A picture as an address that holds it."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92, subsampling=0, icc_profile=icc)
    return "data:image/jpeg;base64," + _text(out.getvalue())


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
