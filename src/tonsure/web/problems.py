"""Errors as `application/problem+json` (RFC 9457), with the stable codes of `tonsure.errors`."""

from __future__ import annotations

import json
import logging
import re
from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..errors import ModelError, TonsureError

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("tonsure.web")

STATUS = {
    "bad_option": 400,
    "bad_request": 400,
    "unreadable_input": 400,
    "truncated_input": 400,
    "unauthorized": 401,
    "wrong_origin": 403,
    "not_found": 404,
    "wrong_method": 405,
    "too_slow": 408,
    "limit_exceeded": 413,
    "wrong_type": 415,
    "wrong_host": 421,
    "no_face": 422,
    "face_too_small": 422,
    "busy": 429,
    "rate_limited": 429,
    "internal": 500,
    "unwritable_output": 500,
    "model": 503,
    "model_missing": 503,
    "model_damaged": 503,
    "draining": 503,
    "no_room": 503,
    "timed_out": 503,
}
"""Every code that the server gives, and its status."""

_OF_STATUS = {
    404: ("not_found", "There is nothing at this address; /docs lists what there is."),
    405: ("wrong_method", "This address does not take that method; /docs lists what it takes."),
}
_ELSEWHERE = re.compile(
    r"--\w|TONSURE_|`|\bsetting|Editor\(|Limits\(|Pillow|mode 'rb'|tonsure\[|\bpath\b"
)
"""Words of the command line and of Python, which mean nothing to who sends a request."""
_WAYS = {
    "no_face": "choose another one, or send a photo where it is larger or turned to the camera.",
    "limit_exceeded": "send a smaller photo.",
    "wrong_type": "send JPEG, PNG, WebP or AVIF.",
    "bad_option": "/docs lists what is allowed.",
}


class Refused(Exception):
    """A request that is not answered as asked: a code of `STATUS`, a sentence, headers."""

    def __init__(self, code: str, said: str, **headers: str) -> None:
        super().__init__(said)
        self.code, self.said = code, said
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def body(code: str, said: str, request_id: str) -> dict[str, Any]:
    """The members of a problem."""
    status = STATUS[code]
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": said,
        "code": code,
        "request_id": request_id,
    }


def answer(
    code: str, said: str, request_id: str, headers: dict[str, str] | None = None
) -> Response:
    """The response of a problem."""
    text = json.dumps(body(code, said, request_id))
    return Response(text, STATUS[code], headers, media_type=MEDIA_TYPE)


def from_error(error: Exception, request_id: str) -> Response:
    """The response that `error` becomes; of faults nothing but their existence is told."""
    if isinstance(error, Refused):
        return answer(error.code, error.said, request_id, error.headers)
    if isinstance(error, TonsureError) and STATUS.get(error.code, 500) != 500:
        return answer(error.code, worded(error), request_id)
    if isinstance(error, HTTPException):
        code, said = _OF_STATUS.get(error.status_code, ("bad_request", f"{error.detail}."))
        return answer(code, said, request_id, dict(error.headers or {}))
    if isinstance(error, MemoryError):
        said = "The server has no memory left for this photo; send a smaller one."
        return answer("no_room", said, request_id, {"Retry-After": "5"})
    # where it happened, not what it said: messages of libraries may hold what a client sent
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
    _log.error("%s fault %s at %s", request_id, type(error).__name__, place)
    said = f"A fault of the server; it is in its log under {request_id}."
    return answer("internal", said, request_id)


def worded(error: TonsureError) -> str:
    """The sentence of `error` for who sends requests: the same fact, and their way out."""
    if isinstance(error, ModelError):  # its own sentence names files of this machine
        return (
            "A network of this server is missing or damaged; its operator must reinstall tonsure."
        )
    said = error.said("http")
    if said != str(error):  # it has words for this door
        return said
    if error.code != "no_face" and not _ELSEWHERE.search(said):
        return said
    fact, way = said.split(";")[0].rstrip("."), _WAYS.get(error.code, "send another photo.")
    if _ELSEWHERE.search(fact):
        fact = "This cannot be done over HTTP"
    return f"{fact}; {way}"


async def handle(request: Request, error: Exception) -> Response:
    """For FastAPI's table of handlers."""
    response = from_error(error, request.scope.get("tonsure.id", "-"))
    if response.status_code == 405:  # of an address with two routes each knows its own method only
        own = dict(getattr(error, "headers", None) or {}).get("Allow", "")
        stated = request.app.openapi()["paths"].get(request.url.path, {})
        methods = {m.strip() for m in own.split(",") if m.strip()} | {m.upper() for m in stated}
        response.headers["Allow"] = ", ".join(sorted(methods))
    return response


def described(*codes: str) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of these codes, as FastAPI's `responses`."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status = STATUS[code]
        entry = found.setdefault(
            status,
            {
                "description": "",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )
        entry["description"] += (", " if entry["description"] else "") + f"`{code}`"
        if status == 429:
            entry["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return found


SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "one sentence, with the way out"},
        "code": {"type": "string", "enum": sorted(STATUS)},
        "request_id": {"type": "string"},
    },
}
"""A problem, for OpenAPI."""
