"""For the whole suite: no network, and nothing of the user's own settings."""

from __future__ import annotations

import os
import socket
from typing import Any

import numpy as np
import pytest


class NetworkUsed(AssertionError):
    """The tool works offline; a test that opens a connection has found a fault."""


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Any:
    patch = pytest.MonkeyPatch()

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise NetworkUsed(f"a connection was asked for: {args[1:]}")

    for name in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, name, refuse)
    patch.setattr(socket, "getaddrinfo", refuse)
    patch.setattr(socket, "create_connection", refuse)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in list(os.environ):
        if name.startswith("TONSURE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TONSURE_CONFIG", str(tmp_path / "no-such-config.toml"))


@pytest.fixture
def picture() -> np.ndarray:
    """A drawn picture (48, 64, 3) uint8: slopes, an edge, some grain; no two corners alike."""
    y, x = np.mgrid[0:48, 0:64]
    rgb = np.stack([x * 4, y * 5, (x + y) * 2], -1)
    rgb[10:30, 20:40] = (200, 40, 90)
    rgb += np.random.default_rng(1).integers(0, 6, rgb.shape)
    return np.clip(rgb, 0, 255).astype(np.uint8)
