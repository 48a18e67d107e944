"""For the whole suite: no network, and nothing of the user's own settings."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, replace
from pathlib import Path
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


@dataclass(frozen=True)
class DrawnHead:
    """A bald head that a test draws: as `head.make` gives them, without any network."""

    box: tuple[int, int, int, int]
    colour: np.ndarray
    mask: np.ndarray
    time: np.ndarray
    thin: np.ndarray
    warnings: tuple[str, ...] = ()
    opacity: np.ndarray | None = None


def draw_head(
    pixels: np.ndarray, face: Any, others: Any = (), *, alpha: Any = None, threads: Any = None
) -> DrawnHead:
    """A flat disc above the face, going from its top to its bottom."""
    x0, y0, x1, y1 = face.box
    high, wide = pixels.shape[:2]
    box = (max(int(x0), 0), max(int(y0 - (y1 - y0) / 2), 0), min(int(x1), wide), min(int(y1), high))
    w, h = box[2] - box[0], box[3] - box[1]
    y, x = np.mgrid[0:h, 0:w]
    off = np.hypot((x - w / 2) / (w / 2), (y - h / 3) / (h / 3))
    mask = (np.clip((1 - off) * 8, 0, 1) * 255).astype(np.uint8)
    time = (y * 255 // max(h - 1, 1)).astype(np.uint8)
    colour = np.full((h, w, 3), (224, 172, 150), np.uint8)
    return DrawnHead(box, colour, mask, time, np.flipud(time).copy())


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Heads are drawn instead of computed. `calls` counts them, `warnings` go into each."""
    from tonsure import head

    state: dict[str, Any] = {"calls": 0, "warnings": ()}

    def make(
        pixels: np.ndarray, face: Any, others: Any = (), *, alpha: Any = None, threads: Any = None
    ) -> DrawnHead:
        state["calls"] += 1
        return replace(draw_head(pixels, face), warnings=state["warnings"])

    monkeypatch.setattr(head, "make", make)
    return state


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the photos that tests use."""
    return Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def astronaut(data: Path) -> np.ndarray:
    """(512, 512, 3) uint8: one large face."""
    from PIL import Image

    with Image.open(data / "astronaut.jpg") as im:
        return np.asarray(im.convert("RGB"))


@pytest.fixture(scope="session")
def group(astronaut: np.ndarray) -> np.ndarray:
    """Three faces of three sizes, the middle one the largest: (300, 700, 3) uint8."""
    from PIL import Image

    picture = Image.new("RGB", (700, 300), (90, 110, 120))
    face = Image.fromarray(astronaut[0:300, 75:375])
    for x, side in ((20, 150), (200, 280), (510, 180)):
        picture.paste(face.resize((side, side)), (x, 10))
    return np.asarray(picture)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line for each reason why tests were skipped, with how many: silence looks like success."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = text.removeprefix("Skipped: ")
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} skipped: {reason}")
