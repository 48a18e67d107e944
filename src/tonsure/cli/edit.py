"""`tonsure edit`: the attributes of CelebA on any photo, both ways, several at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options, start
from .console import Batch, ending
from .task import shown_paths, whose

if TYPE_CHECKING:
    from ..editor import Editor
    from .outputs import Job


def edit(
    photos: options.Photos,
    sets: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="NAME=D",
            help="What to change and by how much: 1 adds it, -1 takes it away, 0.5 is halfway. May "
            "be given several times; 2:NAME=D is for face 2 alone. `tonsure attributes` lists the "
            "names.",
        ),
    ],
    output: Annotated[str | None, options.output("name.edit.jpg beside name.jpg")] = None,
    face: options.Face = "largest",
    min_face: options.MinFace = None,
    recursive: options.Recursive = False,
    overwrite: options.Overwrite = False,
    skip_existing: options.SkipExisting = False,
    quality: options.Quality = None,
    model: options.Model = None,
    threads: options.Threads = None,
    device: options.Device = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:  # fmt: skip
    """Change hair colour, skin, brows, glasses and more of the person in a photo.

    The tool estimates what the person has already. The result has the photo's size, format and
    metadata, and is marked as edited. No file is overwritten unasked.
    """
    with ending(debug):
        from .inputs import gather
        from .outputs import assign

        settings = start.settings(
            min_face=min_face, quality=quality, threads=threads, device=device
        )
        start.check_existing(overwrite, skip_existing)
        wanted = parsed(sets)
        jobs = assign(gather(photos, recursive), output, kind="edit")
        start.check_stdout(jobs, as_json)
        editor = start.editor(settings, model=model)
        wanted.check(editor, face)
        task = _Task(editor, wanted, face, settings.quality, overwrite, skip_existing)
        task.check(jobs)
        with Batch(len(jobs), as_json=as_json, quiet=quiet) as batch:
            for job in jobs:
                with batch.photo(job.photo.name, debug) as outcome:
                    outcome.tell(*task.run(job))
        batch.finish()


@dataclass(frozen=True)
class Wanted:
    """What `--set` asks for: of the chosen faces, and of single ones by their number."""

    usual: dict[str, float]
    each: dict[int, dict[str, float]]

    def check(self, editor: Editor, face: str) -> None:
        """Raise `BadOption` for what could be done to no photo."""
        editor.check(0.0, face=face)
        for changes in (self.usual, *self.each.values()):
            editor.check_changes(changes)


def parsed(sets: Sequence[str]) -> Wanted:
    """`NAME=D` and `N:NAME=D`; `BadOption` for what is neither, and for a name given twice."""
    from ..errors import BadOption

    found = Wanted({}, {})
    for text in sets:
        place, colon, rest = text.rpartition(":")
        name, equals, value = rest.partition("=")
        if not equals or not name:
            raise BadOption(f"--set {text!r} is not NAME=D, such as Blond_Hair=1 or Eyeglasses=-1.")
        try:
            d = float(value)
        except ValueError:
            raise BadOption(
                f"--set {text!r}: {value!r} is not a number; 1 is there, -1 away."
            ) from None
        if colon and not (place.isascii() and place.isdigit() and int(place)):
            raise BadOption(
                f"--set {text!r}: {place!r} is not the number of a face; they count from 1."
            )
        goal = found.each.setdefault(int(place), {}) if colon else found.usual
        if name in goal:
            raise BadOption(f"--set has {name} twice; give it once.")
        goal[name] = d
    return found


class _Task:
    """What is done to each photo."""

    def __init__(
        self, editor: Editor, wanted: Wanted, face: str, quality: int | None, overwrite: bool,
        skip_existing: bool,
    ) -> None:  # fmt: skip
        self.editor, self.wanted, self.face, self.quality = editor, wanted, face, quality
        self.overwrite, self.skip_existing = overwrite, skip_existing

    def check(self, jobs: list[Job]) -> None:
        """Raise `BadOption` for outputs that could be written for no photo."""
        from ..photo.formats import of_path

        for job in jobs:
            if job.target is not None:
                of_path(job.target)

    def run(self, job: Job) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        """Edit one photo: what to say, remarks, the record."""
        from ..errors import OutputExists, UnwritableOutput
        from ..photo import check_free, chosen
        from ..photo.formats import of_path
        from .outputs import make_folder, to_stdout

        targets = [] if job.target is None else [job.target]
        record: dict[str, Any] = {"status": "done", "outputs": [str(path) for path in targets]}
        left_out = f"{job.photo.name}: left out, {job.target} exists.", (), {
            **record, "status": "skipped",
        }  # fmt: skip
        for path in targets:
            if self.skip_existing and path.exists():
                return left_out
            check_free(path, self.overwrite)
            if not job.make_folder and not path.parent.is_dir():
                raise UnwritableOutput(
                    f"There is no folder {path.parent} to save in; make it first."
                )
        with self.editor.open(job.photo.source, name=job.photo.name) as shot:
            result = shot.edit(self.wanted.usual, self.face, each=self.wanted.each or None)
        del shot  # the photo as it was, too: memory that the encoder needs
        if job.target is None:
            made = chosen(result.photo).name
            to_stdout(result.encode(made, quality=self.quality))
        else:
            made = of_path(job.target).name
            if job.make_folder:
                make_folder(job.target.parent)
            try:
                result.save(job.target, overwrite=self.overwrite, quality=self.quality)
            except OutputExists:
                if not self.skip_existing:
                    raise
                return left_out
        notes = tuple(
            f"  {whose(note.face, len(result.found))}{note.text}" for note in result.notes(made)
        )
        count = "1 face" if len(result.found) == 1 else f"{len(result.found)} faces"
        line = f"{job.photo.name} → {shown_paths(targets)} ({count})"
        return line, notes, record | result.report_as(made)
