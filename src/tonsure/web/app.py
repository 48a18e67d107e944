"""All routes in one place: the page, the interface, and what operators ask for."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from .. import __version__
from ..editor import Editor
from ..errors import TonsureError
from ..examples import ASTRONAUT
from . import api, clip, jobs, predict, problems, proxies, reference
from .context import Context
from .form import Budget
from .guard import Guard, Rate
from .memory import Holder, Memory, room
from .metrics import Metrics
from .options import Options
from .problems import Refused
from .work import Stopped, Work

_PAGE = Path(__file__).with_name("page")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
}
_PROOF = 600.0  # seconds: opening networks on a busy machine takes longer than any photo after it
_log = logging.getLogger("tonsure.web")


def make(options: Options, editor: Editor | None = None) -> tuple[Guard, Context]:
    """The application, and what its routes share."""
    work = Work(options.workers, options.queue, options.work_seconds)
    context = Context(
        options,
        editor
        or Editor(
            threads=options.threads,
            min_face=options.min_face,
            limits=options.limits,
            device=options.device,
        ),
        work,
        Memory(options.memory_mb or room(options.pending_mb)),
        Metrics(work),
        Budget(options.pending_mb),
        Rate(options.rate, options.burst),
    )

    app = FastAPI(
        title="tonsure",
        version=__version__,
        summary="The same photo with the person in it bald.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    handled: list[type[Exception]] = [
        TonsureError, Refused, HTTPException, Stopped, ClientDisconnect, Exception,
    ]  # fmt: skip
    for kind in handled:
        gone = kind in (Stopped, ClientDisconnect)
        app.add_exception_handler(kind, _left if gone else problems.handle)
    app.include_router(api.router(context))
    app.include_router(clip.router(context))
    app.include_router(predict.router(context))
    _add_operators(app, context)
    _add_pages(app, options)
    plain = app.openapi

    def described() -> dict[str, Any]:
        found = plain()
        found.setdefault("components", {}).setdefault("schemas", {})["Problem"] = problems.SCHEMA
        return found

    app.openapi = described  # type: ignore[method-assign]
    return Guard(app, options, context.metrics), context


def description() -> dict[str, Any]:
    """What `/openapi.json` says, without a server."""
    guard, _ = make(Options())
    found: dict[str, Any] = guard.app.openapi()
    return found


async def _left(request: Request, error: Exception) -> Response:
    """For a client that left, or that said its end before the end of what it sends."""
    said = "The request is cut off; send it whole."
    return problems.answer("bad_request", said, request.scope.get("tonsure.id", "-"))


async def prove(context: Context) -> None:
    """One photo's whole way, which also opens all networks: then the server is ready."""
    data = await asyncio.to_thread(ASTRONAUT.read_bytes)
    # clients' limits may be below this photo
    plain = Editor(threads=context.editor.threads, device=context.editor.device)
    try:
        await context.work.do(
            lambda _: jobs.edit(plain, data, jobs.Wish(), Holder(context.memory)),
            asyncio.Event().wait,  # type: ignore[arg-type]
            seconds=max(_PROOF, context.options.work_seconds),
        )
        context.state = "ready"
    except TonsureError as error:
        context.state = str(error)
        _log.error("not ready: %s", error)
    except (Refused, Stopped) as error:
        context.state = f"the test photo was not done in time ({type(error).__name__})"
    except Exception as error:
        context.state = f"the test photo failed ({type(error).__name__})"
        problems.from_error(error, "self-test")


def _add_operators(app: FastAPI, context: Context) -> None:
    """For whoever runs the server."""

    @app.get("/healthz", tags=["operators"], summary="The process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "alive", "version": __version__}

    @app.get(
        "/readyz",
        tags=["operators"],
        summary="Photos are taken",
        responses={503: {"description": "Not yet, not any more, or something is wrong."}},
    )
    async def readyz() -> Response:
        """200 once a photo has gone the whole way; 503 before, when stopping, if it failed, and
        while every worker is at a photo that should have been done long ago."""
        state = context.readiness
        return JSONResponse({"status": state}, 200 if state == "ready" else 503)

    @app.get(
        "/metrics",
        tags=["operators"],
        summary="For Prometheus",
        response_class=Response,
        responses=problems.described("unauthorized") | {200: {"content": {"text/plain": {}}}},
    )
    async def metrics() -> Response:
        return Response(context.metrics.text(), media_type="text/plain; version=0.0.4")


def _add_pages(app: FastAPI, options: Options) -> None:
    """Files of the page, held in memory; names are ours, none comes from a client."""
    assets = {path.name: path for path in sorted(_PAGE.iterdir()) if path.suffix in _TYPES}
    assets["example.jpg"] = ASTRONAUT

    def add(route: str, data: bytes, media_type: str) -> None:
        tag = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}

        async def asset(request: Request) -> Response:
            if request.headers.get("if-none-match") == tag:
                return Response(status_code=304, headers=headers)
            return Response(data, headers=headers, media_type=media_type)

        app.get(route, include_in_schema=False)(asset)

    for name, path in assets.items():
        if name != "index.html":
            add(f"/page/{name}", path.read_bytes(), _TYPES[path.suffix])
    if options.page:
        add("/", assets["index.html"].read_bytes(), _TYPES[".html"])

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        servers = [{"url": proxies.address(request.scope)}]  # also below a proxy's path
        return JSONResponse(app.openapi() | {"servers": servers})

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        text = reference.page(app.openapi(), proxies.address(request.scope))
        return Response(text, media_type=_TYPES[".html"])
