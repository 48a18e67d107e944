"""/v1/clip: a short film in, the same film with its people bald out; the page plays it."""

from __future__ import annotations

import base64
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..editor import Editor
from ..errors import LimitExceeded, WrongType
from .api import FACE, PHOTO_PROBLEMS, STYLE, answer, gives
from .context import Act, Context
from .edits import degree_of
from .form import Form
from .jobs import Made
from .memory import Holder
from .problems import Refused, described

MOST_PIXELS = 1920 * 1088
_PACE = 12.0  # seconds of work that are allowed for one of film
_RATE = 60  # frames a second at most, where a file does not say how long it is
_STARTS = (b"\x1aE\xdf\xa3",)  # Matroska, WebM; MP4 and MOV say ftyp, or what they begin with
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def there() -> bool:
    """Whether films can be made here: the extra `video` is installed."""
    return find_spec("av") is not None


def seconds_of(most: float, photo: float) -> float:
    """How long a clip may take, where clips have `most` seconds and photos may take `photo`."""
    return photo + _PACE * most


def bald(
    editor: Editor, data: bytes, degree: float, style: str, face: str, most: float, holder: Holder
) -> Made:
    """The film in `data`, at most `most` seconds long, as MP4.

    It is in a file while it is worked on, as decoders want one, which is gone afterwards. Few kinds
    are taken, by their first bytes: others may name files and addresses that would be fetched.
    """
    from ..film.reader import Reader
    from ..film.video import video

    editor.check(degree, style, face)
    if not (data.startswith(_STARTS) or data[4:8] in _BOXES):
        raise WrongType("This is no film that is read here; send MP4, MOV or WebM.")
    holder()
    holder.tell({"step": "reading"})
    with tempfile.TemporaryDirectory(prefix="tonsure-") as folder:
        source, target = Path(folder, "film"), Path(folder, "bald.mp4")
        source.write_bytes(data)
        try:
            with Reader(source) as reader:
                wide, high = reader.size
                seconds, deep = reader.seconds, reader.deep
        except WrongType:
            raise WrongType("This film cannot be read; send MP4, MOV or WebM.") from None
        if seconds > most + 0.5:
            raise LimitExceeded(
                f"The film has {seconds:.1f} s, the limit is {most:g} s; send a shorter one."
            )
        if wide * high > MOST_PIXELS:
            raise LimitExceeded(
                f"The film is {wide} x {high}, the limit is 1920 x 1080; send a smaller one."
            )
        holder.film(wide * high)

        def progress(done: int, total: int) -> None:
            holder()
            if done > _RATE * (most + 0.5):
                raise LimitExceeded(f"The film has more than {most:g} s; send a shorter one.")
            holder.tell({"step": "frames", "number": done, "of": total})

        film = video(
            source, target, degree=degree, style=style, face=face, threads=editor.threads,
            min_face=editor.min_face, device=editor.device, codec=None if deep else "libx264",
            words=False, progress=progress,
        )  # fmt: skip
        told = {key: value for key, value in film.report.items() if key not in ("input", "output")}
        return Made(target.read_bytes(), "video/mp4", ".mp4", told)


def router(context: Context) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/v1", tags=["v1"])
    most = context.options.clip_seconds

    @api.get(
        "/clip",
        summary="Whether clips are made here, and how long they may be",
        responses=gives("There or not, and the limits.", "application/json")
        | described("unauthorized", "wrong_origin", "wrong_host"),
        response_class=Response,
    )
    async def limits() -> Response:
        """`seconds` is 0 where no clips are made."""
        return JSONResponse({"seconds": most if there() else 0, "pixels": MOST_PIXELS})

    @api.post(
        "/clip",
        summary="Make the person in a short film bald",
        responses=gives(
            "The film, as MP4; or lines that tell how far it is, if they are asked for.",
            "video/mp4", "application/x-ndjson",
        ) | described(*PHOTO_PROBLEMS, "not_found"),
        response_class=Response,
        openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {
            "schema": {
                "type": "object", "required": ["film"], "additionalProperties": False,
                "properties": {
                    "film": {"type": "string", "format": "binary",
                             "description": "MP4, MOV or WebM, at most 1920 x 1080"},
                    "degree": {"type": "number", "minimum": 0, "maximum": 1},
                    "style": STYLE, "face": FACE,
                },
            },
        }}}},
    )  # fmt: skip
    async def clip(request: Request) -> Response:
        """The same film with its sound, the chosen person bald from the first frame to the last.

        Lines are `{"step": "frames", "number": n, "of": m}`, then `{"done": {"report", "film":
        {"media_type", "base64"}}}` or `{"problem": ...}`. A client that leaves ends the work.
        """
        if not (most and there()):
            raise Refused("not_found", "No clips are made here; /v1/edit takes photos.")

        def act(form: Form) -> Act[Made]:
            form.only("film", "degree", "style", "face")
            data, degree = form.file("film"), degree_of(form.text("degree", "1"))
            style, face = form.text("style", "recede"), form.text("face", "largest")
            return lambda holder: bald(context.editor, data, degree, style, face, most, holder)

        def lines(form: Form) -> Act[dict[str, Any]]:
            inner = act(form)

            def done(holder: Holder) -> dict[str, Any]:
                made = inner(holder)
                text = base64.b64encode(made.data).decode("ascii")
                film = {"media_type": made.media_type, "base64": text}
                return {"report": made.report, "film": film}

            return done

        seconds = seconds_of(most, context.options.work_seconds)
        if "application/x-ndjson" in request.headers.get("accept", ""):
            return await context.told(request, lines, part="film", seconds=seconds)
        made = await context.photo(request, act, part="film", seconds=seconds)
        return answer(made, False, "clip.bald")

    return api
