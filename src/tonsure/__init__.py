"""The same photo with the person in it bald: `tonsure.bald("me.jpg").save("me-bald.jpg")`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .editor import Editor, Shot, bald
    from .errors import Note, TonsureError
    from .film.follower import Follower
    from .film.video import video
    from .photo import Limits
    from .result import Result
    from .scale.dataset import batch

__version__ = "0.1.0"

__all__ = [
    "Editor", "Follower", "Limits", "Note", "Result", "Shot", "TonsureError", "__version__", "bald",
    "batch", "video",
]  # fmt: skip

# where the public names live; loaded when first asked for, so that importing costs nothing
_HOMES = {
    "Editor": "editor",
    "Follower": "film.follower",
    "Limits": "photo",
    "Note": "errors",
    "Result": "result",
    "Shot": "editor",
    "TonsureError": "errors",
    "bald": "editor",
    "batch": "scale.dataset",
    "video": "film.video",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tonsure' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
