"""What is done to each photo: options, and warm networks to do it with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from .. import report
from ..editor import Editor
from ..errors import BadOption, TonsureError, UnreadableInput, fault
from ..photo import FORMATS, Limits, chosen
from ..result import Result


@dataclass(frozen=True)
class Order:
    """The options of a batch, of plain values: it goes to other machines.

    Attributes
    ----------
    degree, style, face : as of `Shot.bald`; `face` as a word.
    quality : of JPEG, WebP and AVIF, 1 to 100; default: as the source.
    threads : of the networks within one photo.
    min_face, device : as of `Editor`.
    limits : the values of `photo.Limits`.
    """

    degree: float = 1.0
    style: str = "recede"
    face: str = "largest"
    quality: int | None = None
    threads: int = 1
    min_face: float | None = None
    device: str = "auto"
    limits: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `BadOption` for values that no photo takes."""
        self.editor.check(self.degree, self.style, self.face)
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise BadOption(f"The quality is {self.quality}; it goes from 1 to 100.")

    @property
    def shaping(self) -> dict[str, Any]:
        """Those values that results depend on."""
        every = asdict(self)
        return {name: every[name] for name in ("degree", "style", "face", "quality", "min_face")}

    @cached_property
    def editor(self) -> Editor:
        """One editor for all photos; its networks stay open."""
        return Editor(
            threads=self.threads, min_face=self.min_face, limits=Limits(**self.limits),
            device=self.device,
        )  # fmt: skip

    def bald(self, source: Any, name: str) -> Result:
        """The result for one photo. Raises as `Editor.open` and `Shot.bald` do."""
        with self.editor.open(source, name=name) as shot:
            return shot.bald(self.degree, self.style, self.face, last=True)

    def made(self, source: Any, name: str, format: str | None = None) -> Made:
        """A photo's file, or what was wrong with it; nothing is raised but `BadOption`."""
        try:
            content = source() if callable(source) else source
            if content is None:
                raise UnreadableInput(f"There is no photo in {name}.")
            result = self.bald(content, name)
            kind = chosen(result.photo, format).name
            data = result.encode(kind, quality=self.quality)
            row = {"status": "done", "input": name} | result.report_as(kind)
            return Made(data, FORMATS[kind].suffixes[0], row, result)
        except BadOption:
            raise
        except Exception as error:
            return Made(None, "", failure(name, fault(error)))


@dataclass(frozen=True)
class Made:
    """What became of a photo: `data` is the result's file (None: none) with its `suffix`, `row` the
    report's row, `result` what can be asked for more."""

    data: bytes | None
    suffix: str
    row: dict[str, Any]
    result: Result | None = None


def failure(name: str, error: TonsureError) -> dict[str, Any]:
    """The report's row of a photo that failed."""
    return {"status": "failed", "input": name, "error": report.of_error(error, "cli")}
