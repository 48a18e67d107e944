"""What every request passes before and after the routes: plain ASGI, the outermost layer."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from . import problems
from .metrics import Metrics
from .options import LOOPBACK_NAMES, Options, address_of
from .problems import Refused
from .proxies import Proxies

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), browsing-topics=()",
    "Cache-Control": "no-store",
}
OPEN = ("/healthz", "/readyz")
"""Asked for by machines that know neither name nor token."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger("tonsure.web")


class Rate:
    """A bucket of tokens for each client; the ones not seen for longest are forgotten."""

    def __init__(self, rate: float, burst: int, most: int = 10_000) -> None:
        self._rate, self._burst, self._most = rate / 60, max(1, burst), most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, client: str) -> None:
        """Raise `Refused` if `client` (an address) sends too much."""
        if self._rate <= 0:
            return
        key, now = _network(client), time.monotonic()
        left, seen = self._buckets.pop(key, (float(self._burst), now))
        left = min(float(self._burst), left + (now - seen) * self._rate)
        allowed = left >= 1
        self._buckets[key] = (left - 1 if allowed else left, now)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = max(1, round((1 - left) / self._rate + 0.5))
            raise Refused(
                "rate_limited", "Too many photos from one client; wait a little.",
                Retry_After=str(wait),
            )  # fmt: skip


def _network(client: str) -> str:
    """One client's addresses: an IPv6 customer has 2^64 of them."""
    address = address_of(client)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return client


class Guard:
    """Around the whole application: request id, host, origin, token, headers, log, metrics."""

    def __init__(self, app: Any, options: Options, metrics: Metrics) -> None:
        self.app, self._options, self._metrics = app, options, metrics
        self._proxies = Proxies(options.proxies)
        self._names = {name.lower() for name in (*LOOPBACK_NAMES, *options.hosts)}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        headers = _read(scope)
        given = headers.get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        scope["tonsure.id"] = request_id
        self._proxies.apply(scope, headers)
        method = scope["method"] if scope["method"] in _METHODS else "-"
        if method == "HEAD":  # every answer to GET has one; the connection leaves its body out
            scope["method"] = "GET"
        status = 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _dressed(message.get("headers", []), request_id)
            await send(message)

        try:
            self._check(scope["path"], headers)
            await self.app(scope, receive, sent)
        except Exception as error:
            # one that got through to here was answered and logged already, unless nothing was sent
            if not status:
                await problems.from_error(error, request_id)(scope, receive, sent)
        seconds = time.perf_counter() - began
        # the route, not the path: a client could write into the log
        route = getattr(scope.get("route"), "path", "-")
        self._metrics.request(route, status, seconds)
        _log.info("%s %s %s %d %.0f ms", request_id, method, route, status, seconds * 1000)

    def _check(self, path: str, headers: dict[str, str]) -> None:
        if path in OPEN:
            return
        host = headers.get("host", "")
        if not self._known(host):
            raise Refused(
                "wrong_host",
                "This server does not go by that name; its operator can allow it (--allow-host).",
            )
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "same-origin")
        if (origin is not None and _place(origin) != host.lower()) or (
            site in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate"
        ):
            raise Refused("wrong_origin", "Pages of other sites may not use this server.")
        if self._options.token and not _free(path):
            scheme, _, given = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(
                given.strip().encode(), self._options.token.encode()
            ):
                raise Refused(
                    "unauthorized", "Send the server's token: Authorization: Bearer ...",
                    WWW_Authenticate='Bearer realm="tonsure"',
                )  # fmt: skip

    def _known(self, host: str) -> bool:
        """Whether a Host header is one of ours.

        A page of somebody else's can let its own name point here (DNS rebinding); it cannot
        make a browser send an address or a name that it does not own.
        """
        try:
            parts = urlsplit("//" + host)
            name, _ = parts.hostname or "", parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.path or "," in host or not name:
            return False
        name = name.rstrip(".").lower()
        return name in self._names or address_of(name) is not None


def _place(origin: str) -> str:
    """Host and port of an Origin header, "" for what is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}


def _free(path: str) -> bool:
    """Whether a path is no secret: the pages, of which one then asks for the token."""
    return path in ("/", "/docs", "/openapi.json") or path.startswith("/page/")


def _read(scope: Message) -> dict[str, str]:
    """Headers by name; of those that came twice all values, which then match nothing."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _dressed(headers: Any, request_id: str) -> list[tuple[bytes, bytes]]:
    """The response's headers with ours; what a route says itself stays."""
    out = list(headers)
    there = {name.lower() for name, _ in out}
    for name, value in (HEADERS | {"X-Request-ID": request_id}).items():
        key = name.lower().encode()
        if key not in there:
            out.append((key, value.encode()))
    return out
