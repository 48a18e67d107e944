"""The command line, run within the test's process, with drawn heads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tonsure.cli.app import app


@dataclass
class Ran:
    """Exit code, standard output as bytes, standard error."""

    code: int
    bytes: bytes
    said: str

    @property
    def out(self) -> str:
        return self.bytes.decode()

    @property
    def records(self) -> list[dict[str, Any]]:
        """One for each line of standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(drawn: Any) -> Callable[..., Ran]:
    """`run("bald", path, ...)`."""

    def ran(*arguments: object, stdin: bytes | None = None) -> Ran:
        result = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout_bytes, result.stderr)

    return ran


@pytest.fixture
def photos(data: Path, tmp_path: Path) -> Path:
    """A folder: two people, a cup, a broken file, a text, and one more person in a folder below."""
    portrait = (data / "astronaut.jpg").read_bytes()
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(portrait)
    (folder / "b.JPG").write_bytes(portrait)
    (folder / "cup.jpg").write_bytes((data / "cup.jpg").read_bytes())
    (folder / "cut.jpg").write_bytes(portrait[:20_000])
    (folder / "notes.txt").write_text("not a photo")
    (folder / "below" / "a.jpg").write_bytes(portrait)
    return folder
