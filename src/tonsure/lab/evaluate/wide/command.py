"""What `tonsure lab evaluate wide` does."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonsure.editor import Editor
from tonsure.errors import BadOption
from tonsure.lab.evaluate.wide import (
    cases,
    error,
    features,
    left,
    look,
    report,
    runs,
    sheets,
    teacher,
    ways,
)
from tonsure.lab.evaluate.wide.people import Bytes, Person, people

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to do.

    Attributes
    ----------
    data : folder with `wide/` and `teacher/`.
    out : where everything goes, see `runs`.
    count : made cases at most; 0 leaves them out.
    seed : of their draw.
    against : folders of earlier results, measured beside.
    made : made cases of another output folder, instead of making them.
    real : whether the real photos are edited and measured.
    sheets : whether contact sheets are written.
    features : whether the distance in features is measured.
    baselines : whether Telea's method and doing nothing are measured, too.
    """

    data: Path
    out: Path
    count: int = 72
    seed: int = 0
    against: tuple[Path, ...] = ()
    made: Path | None = None
    real: bool = True
    sheets: bool = False
    features: bool = True
    baselines: bool = True
    threads: int | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """Whose results lie in `out`."""
        return ("tonsure", "telea") if self.baselines else ("tonsure",)

    @property
    def teacher(self) -> Path:
        """The teacher's file."""
        return self.data / "teacher" / teacher.NAME


def run(plan: Plan, tell: Tell = print) -> dict[str, Any]:
    """Edit, measure, write; the content of `report.json`. Raises `BadOption`, `ModelMissing`."""
    names = ["tonsure", "telea", "nothing", *(folder.name for folder in plan.against)]
    if len(set(names)) < len(names):
        raise BadOption("Folders of earlier results need names of their own.")
    if plan.features:
        features.check()
    editor = Editor(threads=plan.threads)
    if runs.renew(plan.out):
        tell("Earlier results in this folder are another tool's; they are made anew.")
    persons = list(people(plan.data))
    notes: dict[str, list[str]] = {}
    made = _made(plan, persons, editor, notes, tell) if plan.count or plan.made else {}
    real = _real(plan, persons, editor, notes, tell) if plan.real else {}
    result = {
        "facts": {
            "tool": runs.fingerprint(), "data": str(plan.data), "seed": plan.seed,
            "cases": len(made.get("records", {}).get("tonsure", [])),
            "photos": len(persons) if plan.real else 0,
        },
        "made": made.get("means", {}),
        "pairs": made.get("pairs", {}),
        "real": real.get("means", {}),
        "failed": {name: told for name, told in notes.items() if told},
        "records": {"made": made.get("records", {}), "real": real.get("records", {})},
    }  # fmt: skip
    (plan.out / "report.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (plan.out / "report.md").write_text(report.markdown(result), encoding="utf-8")
    tell(f"The report is {plan.out / 'report.md'}.")
    return result


def _made(
    plan: Plan, persons: list[Person], editor: Editor, notes: dict[str, list[str]], tell: Tell
) -> dict[str, Any]:
    folder = (plan.made or plan.out) / "cases"
    if not folder.is_dir() and plan.made is None:
        tell("Looking at the people to make cases of.")
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)  # of a run that was stopped
        for case in _make(plan, persons, editor):
            case.write(part)
        part.rename(folder)
    names = cases.names(folder)
    if not names:
        raise BadOption(f"There are no made cases in {folder}.")
    records: dict[str, list[dict[str, Any]]] = {}
    tiles = []
    for number, name in enumerate(names):
        case = cases.Case.read(folder, name)
        x, y = case.face.eyes.mean(0).tolist()
        found = _edited(plan, "made", name, case.made, (x, y), editor, notes)
        if plan.baselines:
            found["nothing"] = case.made
        found |= _earlier(plan, "made", name, case.truth)
        truth = _layout(case.truth, case, editor)
        for way, pixels in found.items():
            now = _layout(pixels, case, editor) if way != "nothing" else None
            apart = None
            if plan.features:
                apart = features.distance(
                    pixels, case.truth, case.hole, case.face, threads=plan.threads
                )
            records.setdefault(way, []).append(error.measure(case, pixels, truth, now, apart))
        if plan.sheets:
            tiles.append(sheets.row([case.made, case.truth, *_shown(plan, found)], name))
        if number % 10 == 9:
            tell(f"made cases: {number + 1} of {len(names)}")
    sheets.write(tiles, plan.out / "sheets", "made")
    means = {way: report.with_ratios(error.means(rows)) for way, rows in records.items()}
    pairs = {
        way: error.paired(records["tonsure"], rows)
        for way, rows in records.items()
        if way != "tonsure"
    }
    return {"records": records, "means": means, "pairs": pairs}


def _make(plan: Plan, persons: list[Person], editor: Editor) -> Iterator[cases.Case]:
    sitters = [look.sitter(person, plan.teacher, editor) for person in persons]
    known = [sitter for sitter in sitters if sitter is not None]
    targets = [one for one in known if one.person.hair != "long" and cases.is_target(one)]
    donors = [one for one in known if one.person.hair == "long" and cases.is_donor(one)]
    return cases.make(
        targets,
        donors,
        lambda one: look.parsed(one.person.pixels, one.face, plan.threads),
        count=plan.count,
        seed=plan.seed,
    )


def _layout(pixels: Bytes, case: cases.Case, editor: Editor) -> Any:
    return look.layout(look.parsed(pixels, case.face, editor.threads)[0])


def _edited(
    plan: Plan,
    kind: str,
    name: str,
    pixels: Bytes,
    place: tuple[float, float],
    editor: Editor,
    notes: dict[str, list[str]],
) -> dict[str, Bytes]:
    """Results by way, from the folder or made now."""
    paths = {way: plan.out / way / kind / f"{name}.png" for way in plan.ways}
    file = plan.out / "tonsure" / "notes.json"
    told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    have = {way: runs.read(path) for way, path in paths.items()}
    if any(pixels is None for pixels in have.values()):
        bald = ways.bald(pixels, *place, editor)
        have = {way: getattr(bald, way) for way in paths}
        for way, path in paths.items():
            runs.write(path, getattr(bald, way))
        if bald.failed:
            told[name] = list(bald.notes)
            file.write_text(json.dumps(told), encoding="utf-8")
    if name in told:
        notes[name] = told[name]
    return {way: found for way, found in have.items() if found is not None}


def _real(
    plan: Plan, persons: list[Person], editor: Editor, notes: dict[str, list[str]], tell: Tell
) -> dict[str, Any]:
    records: list[dict[str, Any]] = []
    tiles: dict[str, list[Any]] = {"long": [], "others": []}
    zooms: dict[str, list[Any]] = {"long": [], "others": []}
    began = time.perf_counter()
    for number, person in enumerate(persons):
        x, y, width, height = person.box
        place = (x + width / 2, y + height / 2)
        found = _edited(plan, "real", person.name, person.pixels, place, editor, notes)
        found |= _earlier(plan, "real", person.name, person.pixels)
        record = _record(plan, person, found, editor)
        records.append(record)
        group = "long" if person.hair == "long" else "others"
        if plan.sheets:
            shown = [person.pixels, *_shown(plan, found)]
            tiles[group].append(sheets.row(shown, person.name))
            zooms[group].append(
                sheets.row(sheets.zoom(shown, place[0], y + 1.4 * height, 3 * height), person.name)
            )
        if number % 10 == 9:
            tell(f"photos: {number + 1} of {len(persons)}, {time.perf_counter() - began:.0f} s")
    for group in tiles:
        sheets.write(tiles[group], plan.out / "sheets", group)
        sheets.write(zooms[group], plan.out / "sheets", f"{group}-zoom")
    means = {}
    for group in tiles:
        rows = [row for row in records if (row["hair"] == "long") == (group == "long")]
        names = dict.fromkeys(way for row in rows for way in row["left"])
        means[group] = {
            way: left.table([row["left"][way] for row in rows if way in row["left"]])
            for way in names
        }
    return {"records": records, "means": means}


def _record(plan: Plan, person: Person, found: dict[str, Bytes], editor: Editor) -> dict[str, Any]:
    """The hair that each way left of a real photo's."""
    record: dict[str, Any] = {"name": person.name, "hair": person.hair, "left": {}}
    face = look.face_of(person, editor)[0]
    if face is not None:
        had = left.of_head(teacher.hair(person.pixels, plan.teacher, plan.threads), face)
        for way, pixels in found.items():
            hair = teacher.hair(pixels, plan.teacher, plan.threads)
            record["left"][way] = left.left(had, hair, face)
    return record


def _earlier(plan: Plan, kind: str, name: str, like: Bytes) -> dict[str, Bytes]:
    """What the folders of earlier results hold for a photo, by the folder's name."""
    out = {}
    for folder in plan.against:
        pixels = runs.read(runs.results(folder) / kind / f"{name}.png")
        if pixels is not None and pixels.shape == like.shape:
            out[folder.name] = pixels
    return out


def _shown(plan: Plan, found: dict[str, Bytes]) -> list[Bytes]:
    """What the sheets show beside the photo: the tool's result, and the earlier ones."""
    return [found[way] for way in ("tonsure", *(p.name for p in plan.against)) if way in found]
