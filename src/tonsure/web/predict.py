"""The two addresses of PaddleHub's old servers, so that their clients go on working.

They are shaped like those, not like ours: `results` is a text that holds a list, or a dictionary
with red and blue exchanged, since old clients exchange them back.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..errors import BadOption, WrongType, nearest
from ..photo import encode, read
from . import jobs
from .api import PHOTO_PROBLEMS
from .context import Act, Context
from .form import Form
from .jobs import Wish
from .memory import Holder
from .problems import Refused, described

STYLES = (
    "Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses",
    "Gender", "Mouth_Slightly_Open", "Mustache", "No_Beard", "Pale_Skin", "Aged",
)  # fmt: skip
DEGREES = {"data_0": 0.4, "data_1": 0.7, "data_2": 1.0}
"""What stands for one, three and five years."""
_MOST = 8

_TEXTS = {"type": "array", "items": {"type": "string", "maxLength": 200}, "maxItems": _MOST}
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1,
          "maxItems": _MOST}  # fmt: skip


def _gives(results: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    schema = {
        "type": "object",
        "required": ["status", "msg", "results"],
        "properties": {"status": {"type": "string"}, "msg": {"type": "string"}, "results": results},
    }
    return {200: {"description": "As PaddleHub answers.",
                  "content": {"application/json": {"schema": schema}}}}  # fmt: skip


def check_style(name: str) -> None:
    """Raise `BadOption` for what cannot be done."""
    if name == "Bald":
        return
    if name in STYLES:
        raise BadOption(f"The style {name} is not offered here; only Bald is.")
    raise BadOption(f"There is no style {name[:40]!r}; {nearest(name[:40], STYLES)}")


def router(context: Context) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/predict", tags=["old clients"])
    problems = described(*PHOTO_PROBLEMS)

    @api.post(
        "/image/stgan_celeba",
        summary="As `hub serving start -m stgan_celeba`",
        responses=_gives({"type": "string"}) | problems,
        response_class=Response,
        openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["image", "style"],
                "properties": {"image": _FILES, "style": _TEXTS, "info": _TEXTS},
            }}}}},
    )  # fmt: skip
    async def celeba(request: Request) -> Response:
        """Files `image`, one `style` each (Bald), and `info`, which is not needed any more."""

        def act(form: Form) -> Act[str]:
            images, styles = form.files.get("image", []), form.fields.get("style", [])
            if not 1 <= len(images) <= _MOST:
                raise Refused("bad_request", f"Send 1 to {_MOST} files as image.")
            if len(styles) not in (1, len(images)):
                raise Refused("bad_request", "Send one style for each image.")
            for style in styles:
                check_style(style)
            return lambda holder: _celeba(context, images, holder)

        results = await context.photo(request, act)
        return JSONResponse({"status": "000", "msg": "", "results": results})

    @api.post(
        "/stgan_bald",
        summary="As `hub serving start -m stgan_bald`",
        responses=_gives({"type": "object"}) | problems,
        response_class=Response,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {
            "schema": {
                "type": "object",
                "required": ["images"],
                "properties": {"images": {
                    "type": "array", "minItems": 1, "maxItems": 1, "items": {"type": "string"},
                }},
            }}}}},
    )  # fmt: skip
    async def bald(request: Request) -> Response:
        """`images`: one photo as base64. Three degrees, of the photo's own size, as JPEG with red
        and blue exchanged."""

        def act(body: object) -> Act[dict[str, str]]:
            images = body.get("images") if isinstance(body, dict) else None
            if not isinstance(images, list) or len(images) != 1 or not isinstance(images[0], str):
                raise Refused("bad_request", "Send one photo: {'images': ['base64 of a JPEG']}.")
            try:
                data = base64.b64decode(images[0], validate=True)
            except (binascii.Error, ValueError):
                raise Refused("bad_request", "The image is not base64.") from None
            context.options.limits.check_file(len(data))
            return lambda holder: _bald(context, data, holder)

        results = await context.json(request, act)
        return JSONResponse({"status": "000", "msg": "", "results": results})

    return api


def _celeba(context: Context, images: list[bytes], holder: Holder) -> str:
    """A text that reads as a list of dictionaries in Python and in JSON."""
    found = []
    for number, data in enumerate(images):
        context.options.limits.check_file(len(data))
        made = jobs.edit(context.editor, data, Wish(format="PNG"), holder)
        text = base64.b64encode(made.data).decode("ascii")
        # a name as the old server gave it; there is no such file
        name = f"stgan_output/Bald_{number}.png"
        found.append({"path": name, "base64": f"data:image/png;base64,{text}"})
    return json.dumps(found)


def _bald(context: Context, data: bytes, holder: Holder) -> dict[str, str]:
    found = {}
    if not data:
        raise WrongType("The photo is empty.")
    with jobs.open_shot(context.editor, data, holder) as shot:
        for name, degree in DEGREES.items():
            pixels = jobs.bald(shot, Wish(degree), holder).photo.shallow().pixels
            swapped = read(np.ascontiguousarray(pixels[..., ::-1]))
            found[name] = base64.b64encode(encode(swapped, "JPEG")).decode("ascii")
    return found
