"""How the server is run: what `tonsure serve` sets, and the limits that it keeps."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from ..errors import BadOption
from ..models.session import cores
from ..photo import Limits
from .proxies import Proxies

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Options:
    """Everything that can be chosen.

    Attributes
    ----------
    host, port : where to listen; port 0 takes a free one.
    hosts : names by which clients may call the server, besides loopback and plain addresses.
    token : what clients must send as a bearer token; "" asks for none.
    limits : of a photo. Stricter than the command line's: strangers send these files.
    min_face, threads, device : see `Editor`.
    workers : photos worked on at the same time.
    queue : photos that may wait for a worker; more are refused with 429.
    memory_mb : megabytes that photos may need together while they are worked on; 0 is what the
        machine or its container has.
    pending_mb : megabytes of uploads held in memory at the same time.
    header_seconds, body_seconds : for a request's head and body to arrive.
    work_seconds : from a photo's arrival to its result.
    clip_seconds : of film that a client may send to /v1/clip; 0 takes none.
    rate, burst : photos a minute that one client may send in the long run and at once; 0 is any.
    connections : open at the same time.
    drain_seconds : after SIGTERM, to answer 503 before the socket closes, for balancers to notice.
    stop_seconds : after SIGTERM, for what was taken to be finished.
    proxies : addresses whose X-Forwarded-For is believed.
    page : whether there is a page at /.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    hosts: tuple[str, ...] = ()
    token: str = ""
    limits: Limits = field(
        default_factory=lambda: Limits(
            max_file_mb=25, max_megapixels=50, max_side=12_000, max_metadata_mb=1, max_faces=10
        )
    )
    min_face: float | None = None
    threads: int | None = None
    device: str = "auto"
    workers: int = field(default_factory=lambda: max(1, cores() // 2))
    queue: int = 32
    memory_mb: float = 0.0
    pending_mb: float = 400.0
    header_seconds: float = 10.0
    body_seconds: float = 60.0
    work_seconds: float = 30.0
    clip_seconds: float = 10.0
    rate: float = 120.0
    burst: int = 30
    connections: int = 512
    drain_seconds: float = 0.0
    stop_seconds: float = 60.0
    proxies: str = ""
    page: bool = True

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine alone."""
    if host.lower() == "localhost":
        return True
    address = address_of(host)
    return address is not None and address.is_loopback


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that `host` is written as, or None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def check(options: Options, *, open_to_all: bool = False) -> Options:
    """`options`, or `BadOption` if the server could then not be trusted.

    Beyond loopback a token is required, unless `open_to_all`.
    """
    if not options.loopback and not options.token and not open_to_all:
        raise BadOption(
            f"{options.host} can be reached from other machines: set TONSURE_TOKEN or --token-file "
            "to ask clients for a token, or give --no-token to serve whoever connects."
        )
    token = options.token
    if token and (len(token) < 16 or not (token.isascii() and token.isprintable())):
        raise BadOption("The token is too weak; give 16 characters of ASCII or more.")
    for name in ("workers", "work_seconds", "header_seconds", "body_seconds", "connections"):
        if not getattr(options, name) > 0:
            raise BadOption(f"{name} is {getattr(options, name)}; it must be more than 0.")
    for name in (
        "memory_mb",
        "queue",
        "clip_seconds",
        "rate",
        "burst",
        "drain_seconds",
        "stop_seconds",
    ):
        if not getattr(options, name) >= 0:
            raise BadOption(f"{name} is {getattr(options, name)}; it cannot be negative.")
    if not 0 <= options.port <= 65535:
        raise BadOption(f"There is no port {options.port}; choose 1 to 65535, or 0 for a free one.")
    Proxies(options.proxies)
    return options
