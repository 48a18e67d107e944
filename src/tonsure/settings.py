"""Settings: defaults, overridden by the user's file, by the environment, by options."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import BadOption, nearest

if TYPE_CHECKING:
    from .photo import Limits

PREFIX = "TONSURE_"
_CONFIG = "TONSURE_CONFIG"
_OTHER = {_CONFIG, "TONSURE_DEBUG", "TONSURE_HUB", "TONSURE_TOKEN"}


@dataclass(frozen=True)
class Settings:
    """What can be set for good. None leaves the choice to the program.

    Attributes
    ----------
    threads : of the networks within one photo; two by default.
    min_face : look for faces from this height in pixels on.
    style : "recede" or "thin".
    device : what the networks run on, see `Editor`.
    quality : of JPEG, WebP and AVIF, 1 to 100, instead of the source's.
    max_file_mb, max_megapixels, max_side, max_metadata_mb, max_faces : see `photo.Limits`.
    """

    threads: int | None = None
    min_face: float | None = None
    style: str = "recede"
    device: str = "auto"
    quality: int | None = None
    max_file_mb: float = 200.0
    max_megapixels: float = 100.0
    max_side: int = 30_000
    max_metadata_mb: float = 4.0
    max_faces: int = 50

    @property
    def limits(self) -> Limits:
        """The limits of `photo.read` among them."""
        from .photo import Limits

        return Limits(**{field.name: getattr(self, field.name) for field in fields(Limits)})


@dataclass(frozen=True)
class Loaded:
    """Settings, where each came from ("default", a file, a variable, "option"), and the file."""

    settings: Settings
    origins: dict[str, str]
    file: Path


_WORDS = ("style", "device")
_TYPES: dict[str, type] = {
    name: int if name in {"threads", "quality", "max_side", "max_faces"} else float
    for name in (f.name for f in fields(Settings))
    if name not in _WORDS
} | dict.fromkeys(_WORDS, str)
NAMES = tuple(_TYPES)


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the user's file is, or would be."""
    if named := environ.get(_CONFIG):
        return Path(named)
    if sys.platform == "win32":
        folder = environ.get("APPDATA") or str(Path.home())
    else:
        folder = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(folder) / "tonsure" / "config.toml"


def load(
    options: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
) -> Loaded:
    """The settings in force; `options` are those given on the command line, None where not given.

    Raises `BadOption` for a file that cannot be read, an unknown name or a value of a wrong type.
    """
    file = config_file(environ)
    found: dict[str, tuple[Any, str]] = {}
    for name, value in _from_file(file).items():
        found[_known(name, str(file))] = (value, str(file))
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and variable not in _OTHER and text.strip():
            found[_known(variable[len(PREFIX) :].lower(), variable)] = (text, variable)
    for name, value in (options or {}).items():
        if value is not None:
            found[name] = (value, "option")
    values = {name: _value(name, value, origin) for name, (value, origin) in found.items()}
    origins = {name: found[name][1] if name in found else "default" for name in NAMES}
    return Loaded(replace(Settings(), **values), origins, file)


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadOption(f"The settings in {file} cannot be read: {error}.") from error


def _known(name: str, origin: str) -> str:
    if name not in _TYPES:
        raise BadOption(f"{origin} sets {name!r}, which is no setting; {nearest(name, NAMES)}")
    return name


def _value(name: str, value: Any, origin: str) -> Any:
    wanted = _TYPES[name]
    try:
        if isinstance(value, bool) or (wanted is str and not isinstance(value, str)):
            raise ValueError
        made = wanted(value)
        if isinstance(value, float) and made != value:
            raise ValueError
    except (TypeError, ValueError):
        kind = {int: "a whole number", float: "a number", str: "a word"}[wanted]
        raise BadOption(f"{name} is {value!r} ({origin}); it must be {kind}.") from None
    if wanted is not str and not 0 < made < float("inf"):
        raise BadOption(f"{name} is {value} ({origin}); it must be more than 0.")
    return made
