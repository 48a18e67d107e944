"""/v1: one photo in, one result out; nothing is kept between requests."""

from __future__ import annotations

import base64
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from .. import report
from ..edit.catalogue import told
from ..models import MODELS
from . import jobs, preview
from .context import Act, Context
from .edits import Edits, degree_of, parsed
from .form import Form
from .jobs import Made, Wish
from .problems import Refused, described

PHOTO_PROBLEMS = (
    "bad_request", "bad_option", "unreadable_input", "truncated_input", "unauthorized",
    "wrong_origin", "too_slow", "limit_exceeded", "wrong_type", "wrong_host", "no_face",
    "face_too_small", "busy", "rate_limited", "draining", "no_room", "timed_out", "model_missing",
    "model_damaged",
)  # fmt: skip
_OTHER_PROBLEMS = ("unauthorized", "wrong_origin", "wrong_host")

_IMAGE = {"type": "string", "format": "binary", "description": "the photo: JPEG, PNG, WebP, AVIF"}
FACE = {
    "type": "string",
    "maxLength": 40,
    "default": "largest",
    "description": "largest, all, left, right, the N-th largest, x,y: a point within it, or "
    "x0,y0,x1,y1: a box around it, in pixels",
}
STYLE = {"type": "string", "enum": ["recede", "thin"], "default": "recede"}
_FORMAT = {
    "type": "string",
    "enum": ["jpeg", "png", "webp", "avif", "tiff"],
    "description": "of the result; by default the photo's own",
}
_EDITS = {
    "type": "string",
    "contentMediaType": "application/json",
    "default": '{"bald": 1.0}',
    "description": "JSON: what to do, and how much of it: bald from 0 to 1, and what `/attributes` "
    'lists from -1 (away) to 1 (there), as {"Blond_Hair": 1, "Eyeglasses": -0.5}; of single faces '
    'by their number: {"bald": {"1": 0.8, "2": 0.3}}',
}

_DEGREE = {
    "type": "number",
    "minimum": 0,
    "maximum": 1,
    "description": "in place of edits: how bald, from 0 to 1",
}
_CAPTIONS = {
    "type": "string",
    "enum": ["true", "false"],
    "default": "false",
    "description": "of a strip: the degree below each step",
}


def _number(low: int, high: int, said: str, default: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "integer", "minimum": low, "maximum": high}
    return found | {"description": said} | ({} if default is None else {"default": default})


def _body(**fields: dict[str, Any]) -> dict[str, Any]:
    """A form, for OpenAPI."""
    schema = {
        "type": "object",
        "required": ["image"],
        "additionalProperties": False,
        "properties": {"image": _IMAGE} | fields,
    }
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def gives(said: str, *media_types: str, **more: Any) -> dict[int | str, dict[str, Any]]:
    content = {
        kind: {
            "schema": {"type": "object"}
            if kind == "application/json"
            else {"type": "string", "format": "binary"}
        }
        for kind in media_types
    }
    return {200: {"description": said, "content": content} | more}


_WARNED = {
    "headers": {
        "X-Tonsure-Warnings": {
            "schema": {"type": "string"},
            "description": "codes, each with the number of its face: long_hair:1, dropped",
        }
    }
}
_PICTURES = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/tiff")


def wish_of(form: Form) -> Wish:
    """What the usual fields ask for."""
    if "degree" in form.fields and "edits" in form.fields:
        raise Refused("bad_option", "degree and edits say the same; send one of them.")
    wanted, face = parsed(form.text("edits", '{"bald": 1.0}')), form.text("face", "")
    if "degree" in form.fields:
        wanted = Edits(degree_of(form.text("degree", "")))
    if wanted.by_face and face:
        raise Refused("bad_option", "The edits name faces already; leave out the field face.")
    return Wish(
        wanted.degree,
        wanted.each,
        form.text("style", "recede"),
        "all" if wanted.by_face else face or "largest",
        jobs.format_of(form.text("format", "")),
        form.whole("quality", 0, 1, 100) or None,
        wanted.changes,
        wanted.apart,
    )


def _others(wish: Wish) -> bool:
    """Whether attributes other than baldness are wished, and it is not."""
    own = (wish.changes, *wish.apart.values())
    return any(own) and not any("Bald" in changes for changes in own)


def prefers_json(accept: str) -> bool:
    """Whether JSON comes before pictures in an Accept header."""
    best: tuple[float, bool] = (0.0, False)
    for entry in accept.split(","):
        kind, _, parameters = entry.strip().partition(";")
        weight = 1.0
        for parameter in parameters.split(";"):
            name, _, value = parameter.strip().partition("=")
            if name == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        kind = kind.strip().lower()
        if weight > best[0] and (kind in ("application/json", "*/*") or kind[:6] == "image/"):
            best = (weight, kind == "application/json")
    return best[1]


def answer(made: Made, as_json: bool, name: str) -> Response:
    """The file itself, or JSON with it and the report."""
    if as_json:
        text = base64.b64encode(made.data).decode("ascii")
        image = {"media_type": made.media_type, "base64": text}
        return JSONResponse({"report": made.report, "image": image})
    warned = [
        note["code"] + (f":{note['face']}" if note["face"] else "")
        for note in made.report["warnings"]
    ]
    headers = {"Content-Disposition": f'inline; filename="{name}{made.suffix}"'}
    if warned:
        headers["X-Tonsure-Warnings"] = ", ".join(warned)
    return Response(made.data, headers=headers, media_type=made.media_type)


def router(context: Context) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/v1", tags=["v1"])
    problems = described(*PHOTO_PROBLEMS)

    @api.post(
        "/edit",
        summary="Make the person in a photo bald, or change other attributes",
        responses=gives("The edited photo.", *_PICTURES, "application/json", **_WARNED) | problems,
        response_class=Response,
        openapi_extra=_body(
            degree=_DEGREE, edits=_EDITS, style=STYLE, face=FACE, format=_FORMAT,
            quality=_number(1, 100, "of JPEG, WebP, AVIF; by default like the photo's"),
        ),
    )  # fmt: skip
    async def edit(request: Request) -> Response:
        """The same photo, as large and in the same format, with the chosen faces edited.

        With `Accept: application/json` the answer is `{"report": ..., "image": {"media_type",
        "base64"}}`, else the file, with the codes of warnings in `X-Tonsure-Warnings`.
        """

        def act(form: Form) -> Act[Made]:
            form.only("image", "degree", "edits", "style", "face", "format", "quality")
            data, wish = form.file("image"), wish_of(form)
            return lambda holder: jobs.edit(context.editor, data, wish, holder)

        made = await context.photo(request, act)
        return answer(made, prefers_json(request.headers.get("accept", "")), "photo.bald")

    @api.post(
        "/sequence",
        summary="All degrees: a strip, a loop, or frames; or before and after",
        responses=gives(
            "The file.", *_PICTURES, "image/gif", "application/zip", "application/json", **_WARNED
        )
        | problems,
        response_class=Response,
        openapi_extra=_body(
            kind={"type": "string", "enum": list(jobs.SEQUENCES), "default": "strip"},
            steps=_number(2, jobs.MOST_STEPS, "how many", 11),
            size=_number(16, 2000, "longer side of one step in pixels; by default 768 in a strip, "
                         "640 in a loop, 1280 in a pair, the photo's in frames"),
            degree=_DEGREE, edits=_EDITS, style=STYLE, face=FACE, format=_FORMAT,
            captions=_CAPTIONS,
        ),
    )  # fmt: skip
    async def sequence(request: Request) -> Response:
        """From the photo as it is to fully bald, in even steps.

        `strip` puts them side by side, `gif` and `webp` move there and back, `frames` are files
        in a zip; `pair` is the photo as it was beside what `edits` asks for.
        """

        def act(form: Form) -> Act[Made]:
            form.only(
                "image", "kind", "steps", "size", "degree", "edits", "style", "face", "format",
                "captions",
            )  # fmt: skip
            data, wish = form.file("image"), wish_of(form)
            kind = jobs.kind_of(form.text("kind", "strip"))
            for name in ("edits", "degree"):
                if kind != "pair" and name in form.fields and not _others(wish):
                    said = f"A {kind} has all degrees; bald goes with kind=pair."
                    raise Refused("bad_option", said)
            captions = form.flag("captions")
            if captions and kind != "strip":
                raise Refused("bad_option", f"A {kind} has no captions; they go with kind=strip.")
            fewest = 3 if kind in ("gif", "webp") else 2  # a loop goes there and back
            steps = form.whole("steps", 11, fewest, jobs.MOST_STEPS)
            size = form.whole("size", 0, 16, 2000) or None
            return lambda holder: jobs.sequence(
                context.editor, data, wish, kind, steps, size, holder, captions
            )

        made = await context.photo(request, act)
        return answer(made, prefers_json(request.headers.get("accept", "")), "photo.steps")

    @api.post(
        "/inspect",
        summary="Which faces there are, what they wear, what an edit would warn about",
        responses=gives("As `tonsure inspect --json`.", "application/json") | problems,
        response_class=Response,
        openapi_extra=_body(),
    )
    async def inspect(request: Request) -> Response:
        """Boxes and eyes in pixels of the upright photo; areas in squared eye distances."""

        def act(form: Form) -> Act[dict[str, Any]]:
            form.only("image")
            data = form.file("image")
            return lambda holder: jobs.inspect(context.editor, data, holder)

        return JSONResponse(await context.photo(request, act))

    @api.post(
        "/layers",
        summary="A preview, and what a page needs to blend every degree by itself",
        responses=gives("Preview, faces, heads.", "application/json", "application/x-ndjson")
        | problems,
        response_class=Response,
        openapi_extra=_body(
            face=FACE,
            size=_number(64, 2048, "longer side of the preview in pixels", 1280),
            edits={
                "type": "string",
                "contentMediaType": "application/json",
                "description": "JSON: other attributes than bald, as for /edit",
            },
        ),
    )
    async def layers(request: Request) -> Response:
        """What the page at / works with: the photo is opened once, each degree is a blend.

        With `Accept: application/x-ndjson` lines of JSON tell how far it is, `{"step": ...}`; the
        last one is `{"done": ...}` or `{"problem": ...}`. Empty lines show that it goes on.
        """

        def act(form: Form) -> Act[dict[str, Any]]:
            form.only("image", "face", "size", "edits")
            data, face = form.file("image"), form.text("face", "largest")
            size = form.whole("size", 1280, 64, 2048)
            wanted = parsed(form.text("edits", '{"bald": 0}'))
            if wanted.baldness or wanted.each or wanted.degree:
                raise Refused("bad_option", "Layers have all degrees of bald; leave it out.")
            return lambda holder: preview.layers(context.editor, data, face, size, wanted, holder)

        if "application/x-ndjson" in request.headers.get("accept", ""):
            return await context.told(request, act)
        return JSONResponse(await context.photo(request, act))

    @api.get(
        "/attributes",
        summary="What can be edited: both ways, how, and how good it is",
        responses=gives("One entry an attribute.", "application/json")
        | described(*_OTHER_PROBLEMS),
        response_class=Response,
    )
    async def attributes() -> Response:
        """What `tonsure attributes --json` lists."""
        return JSONResponse({"attributes": told()})

    @api.get(
        "/models",
        summary="The networks: licence, size, hash, origin",
        responses=gives("One entry a network.", "application/json") | described(*_OTHER_PROBLEMS),
        response_class=Response,
    )
    async def models() -> Response:
        """What `tonsure models --json` lists."""
        return JSONResponse({"models": [report.of_model(entry) for entry in MODELS.values()]})

    return api
