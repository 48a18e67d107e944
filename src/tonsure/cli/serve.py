"""`tonsure serve`: the page and the interface for programs, on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .console import ending, say

if TYPE_CHECKING:
    from ..settings import Loaded
    from ..web.options import Options

_NEEDED = ("fastapi", "h11", "python_multipart", "prometheus_client")
TOKEN = "TONSURE_TOKEN"


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 is all.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", help="Port to listen on; 0 picks a free one.")
    ] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A host name that clients may use; may be repeated."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with the bearer token that clients must send (or set TONSURE_TOKEN).",
        ),
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Serve other machines without a token.")
    ] = False,
    no_page: Annotated[
        bool, typer.Option("--no-page", help="Serve the HTTP API alone, without the page.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Photos worked on at once; default: half the cores."),
    ] = None,
    queue: Annotated[
        int, typer.Option(metavar="N", help="Photos that may wait; beyond that clients get 429.")
    ] = 32,
    rate: Annotated[
        float, typer.Option(metavar="N", help="Photos per minute from one client; 0 is no limit.")
    ] = 120.0,
    timeout: Annotated[
        float, typer.Option(metavar="S", help="Seconds that one photo may take, waiting included.")
    ] = 30.0,
    max_file_mb: Annotated[float, typer.Option(metavar="MB", help="Largest upload.")] = 25.0,
    max_megapixels: Annotated[float, typer.Option(metavar="MP", help="Largest photo.")] = 50.0,
    clip: Annotated[
        float, typer.Option(metavar="S", help="Longest film for the page, in seconds; 0: none.")
    ] = 10.0,
    memory: Annotated[
        float,
        typer.Option(
            metavar="MB",
            help="Memory for all photos together; default: what the machine has.",
            show_default=False,
        ),
    ] = 0.0,
    proxy: Annotated[
        str, typer.Option(metavar="ADDRESSES", help="Proxies whose X-Forwarded-For is trusted.")
    ] = "",
    drain: Annotated[
        float,
        typer.Option(metavar="S", help="Seconds to answer 503 after SIGTERM, for load balancers."),
    ] = 0.0,
    min_face: options.MinFace = None,
    threads: options.Threads = None,
    device: options.Device = None,
    debug: options.Debug = False,
) -> None:
    """Serve the page and the API.

    Only this machine is served unless --host says otherwise. Nothing is stored, and nothing of a
    photo is logged. After SIGTERM or Ctrl-C, photos in work are finished first.
    """
    with ending(debug):
        from importlib.util import find_spec

        if missing := [name for name in _NEEDED if find_spec(name) is None]:
            say(
                f"tonsure: the server needs {', '.join(missing)}; install it with "
                "'pip install fastapi h11 python-multipart prometheus-client', or from the source "
                "with 'pip install \".[web]\"'."
            )
            raise typer.Exit(2)
        from ..settings import load

        loaded = load({"min_face": min_face, "threads": threads, "device": device})
        more: dict[str, Any] = {} if workers is None else {"workers": workers}
        chosen = _options(
            loaded, max_file_mb, max_megapixels, host=host, port=port,
            hosts=tuple(allow_host or ()), token=_token(token_file), page=not no_page,
            queue=queue, rate=rate, work_seconds=timeout, proxies=proxy, drain_seconds=drain,
            memory_mb=memory, clip_seconds=clip, **more,
        )  # fmt: skip
        from ..web.options import check
        from ..web.server import Server, run

        check(chosen, open_to_all=no_token)
        server = Server(chosen)
        server.bind()  # whether it can be had is known before it is said
        where = f"[{host}]" if ":" in host else host
        what = "the API is" if no_page else "the page and the API are"
        say(f"tonsure: {what} at http://{where}:{server.port}/ (Ctrl-C ends)")
        run(server)


def _options(loaded: Loaded, file_mb: float, megapixels: float, **given: Any) -> Options:
    """The server's own limits, unless the user's settings are stricter."""
    from dataclasses import replace

    from ..web.options import Options

    settings, plain = loaded.settings, Options()
    own = replace(plain.limits, max_file_mb=file_mb, max_megapixels=megapixels)
    limits = replace(
        own, **{name: min(value, getattr(settings, name)) for name, value in vars(own).items()}
    )
    return replace(
        plain,
        limits=limits,
        min_face=settings.min_face,
        threads=settings.threads,
        device=settings.device,
        **given,
    )


def _token(file: Path | None) -> str:
    from ..errors import BadOption

    if file is None:
        return os.environ.get(TOKEN, "").strip()
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"The token in {file} cannot be read: {error}.") from error
    if not token:
        raise BadOption(f"There is no token in {file}.")
    return token
