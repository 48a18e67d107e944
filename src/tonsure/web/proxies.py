"""Proxies in front of the server: whose word about the client is believed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from ..errors import BadOption

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+/?")


def address(scope: Mapping[str, Any]) -> str:
    """Where the client of a request has found this server, without a slash at the end."""
    named = dict(scope["headers"]).get(b"host", b"127.0.0.1").decode("latin-1")
    return f"{scope['scheme']}://{named}{scope.get('tonsure.prefix', '')}"


class Proxies:
    """Addresses and networks, separated by commas; `*` believes everybody. Raises `BadOption`."""

    def __init__(self, told: str) -> None:
        self._all = False
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for name in filter(None, map(str.strip, told.split(","))):
            if name == "*":
                self._all = True
                continue
            try:
                self._networks.append(ipaddress.ip_network(name))
            except ValueError:
                raise BadOption(
                    f"The proxy {name!r} is no address; write one as 10.0.0.2 or 10.0.0.0/24."
                ) from None

    def believed(self, host: str) -> bool:
        """Whether what comes from the address `host` is a proxy's word."""
        if self._all:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def apply(self, scope: MutableMapping[str, Any], headers: Mapping[str, str]) -> None:
        """Set client, scheme and prefix of an ASGI scope to what a believed proxy says of them."""
        client = scope.get("client")
        if client is None or not self.believed(client[0]):
            return
        if headers.get("x-forwarded-proto", "") in ("http", "https"):
            scope["scheme"] = headers["x-forwarded-proto"]
        if _PREFIX.fullmatch(prefix := headers.get("x-forwarded-prefix", "")):
            scope["tonsure.prefix"] = prefix.rstrip("/")
        # each proxy adds whom it saw at the end: the last that is no proxy is the client
        chain = [part.strip() for part in headers.get("x-forwarded-for", "").split(",")]
        for host in reversed([part for part in chain if part]):
            scope["client"] = (host, 0)
            if not self.believed(host):
                return
