"""What verbs do alike before the first photo: settings, checks that need no photo, the editor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import bounded

if TYPE_CHECKING:
    from ..editor import Editor
    from ..settings import Settings
    from .outputs import Job


def settings(**given: Any) -> Settings:
    """The settings in force, with `given` from the command line (None: not given).

    Raises `BadOption` for one that is not allowed.
    """
    from ..errors import BadOption
    from ..settings import load

    found = load(given).settings
    if found.quality is not None and not 1 <= found.quality <= 100:
        raise BadOption(f"The quality is {found.quality}; it goes from 1 to 100.")
    return found


def check_existing(overwrite: bool, skip_existing: bool) -> None:
    """Raise `BadOption` if results that exist are to be both replaced and left."""
    from ..errors import BadOption

    if overwrite and skip_existing:
        raise BadOption("--overwrite and --skip-existing exclude each other.")


def check_stdout(jobs: Sequence[Job], as_json: bool) -> None:
    """Raise `BadOption` if standard output is to take both the picture and `--json`."""
    from ..errors import BadOption

    if as_json and jobs[0].target is None:
        raise BadOption("Standard output takes either the picture or --json; give -o a file.")


def editor(chosen: Settings, *, model: Path | None = None, at_once: int = 1) -> Editor:
    """The editor of these settings, for `at_once` photos at a time."""
    from ..editor import Editor
    from .parallel import share

    return Editor(
        threads=bounded(share(chosen.threads, at_once)), min_face=chosen.min_face,
        limits=chosen.limits, model=model, device=chosen.device,
    )  # fmt: skip
