"""Keyframes that cost nothing, and a scene to film; see `filming`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from filming import DOME, SIZE, around, dome, draw_key, moved, noisy, read, write
from tonsure.film import key

__all__ = ["DOME", "SIZE", "around", "dome", "draw_key", "moved", "noisy", "read", "write"]


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Keyframes are drawn; `calls` counts them."""
    state = {"calls": 0}

    def make(*arguments: Any, **options: Any) -> Any:
        state["calls"] += 1
        return draw_key(*arguments, **options)

    monkeypatch.setattr(key, "make", make)
    return state


@pytest.fixture(scope="session")
def scene(astronaut: np.ndarray) -> np.ndarray:
    """(360, 480, 3) uint8: one person before a wall."""
    return around(astronaut)
