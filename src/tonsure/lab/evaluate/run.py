"""All photos, all methods: records as they come, then the reports.

The output folder holds, for each method, `records.jsonl`, `tiles/` and the sheets, and for all
together `report.json` and `report.md`. Running the same line again goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tonsure import faces
from tonsure.editor import Editor
from tonsure.errors import BadOption, TonsureError
from tonsure.lab.evaluate import report, sheets
from tonsure.lab.evaluate.measure import Tools, eight, look_at, measure
from tonsure.lab.evaluate.methods import Method
from tonsure.lab.evaluate.photos import Item
from tonsure.lab.evaluate.summary import bars, table

Record = dict[str, Any]


def evaluate(
    items: Sequence[Item],
    methods: Mapping[str, Method],
    tools: Tools,
    out: Path,
    *,
    editor: Editor | None = None,
    facts: Mapping[str, Any] | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Measure, write everything into `out`, and give the content of `report.json`.

    `tell` hears how many photos of how many are done. A photo that fails is a record with the
    code of its error; `facts` go into the reports as they are. Raises `BadOption` if `out` holds
    records of a photo that is not among `items`: they would be another evaluation's.
    """
    editor = editor or Editor()
    names = [str(item.path) for item in items]
    known = {name: _read(out / name / "records.jsonl", names) for name in methods}
    for done, item in enumerate(items):
        missing = {name: m for name, m in methods.items() if str(item.path) not in known[name]}
        if missing:
            for name, record in _one(item, missing, tools, out, editor).items():
                known[name][str(item.path)] = record
                (out / name).mkdir(parents=True, exist_ok=True)
                with (out / name / "records.jsonl").open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record) + "\n")
        tell(done + 1, len(items))
    records = {name: [known[name][key] for key in names] for name in methods}
    summaries = {name: table(rows, tools.judge.names) for name, rows in records.items()}
    told = dict(facts or {}) | {"photos": len(items), "methods": ", ".join(methods)}
    result = {
        "facts": told,
        "methods": {
            name: {"bars": bars(summary), "groups": summary} for name, summary in summaries.items()
        },
    }
    for name, rows in records.items():
        sheets.write(rows, out / name / "tiles", out / name)
    (out / "report.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (out / "report.md").write_text(report.markdown(summaries, told), encoding="utf-8")
    return result


def _one(
    item: Item, methods: Mapping[str, Method], tools: Tools, out: Path, editor: Editor
) -> dict[str, Record]:
    """The records of one photo by method, and its tiles."""
    records: dict[str, Record] = {}
    try:
        with editor.open(item.path) as shot:
            (face,) = faces.choose(shot.faces, "largest")
            before = look_at(shot.photo.pixels, face, tools, item.labels)
            for name, method in methods.items():
                try:
                    edit = method(shot)
                except BadOption:
                    raise
                except TonsureError as error:
                    records[name] = _failed(item, error)
                    continue
                tile = f"{item.path.stem}.jpg"
                (out / name / "tiles").mkdir(parents=True, exist_ok=True)
                picture = sheets.tile(eight(shot.photo.pixels), eight(edit.after), face)
                picture.save(out / name / "tiles" / tile, quality=90)
                record = measure(before, edit, tools) | {"tile": tile}
                records[name] = {"name": str(item.path), "status": "done"} | record
    except BadOption:
        raise
    except TonsureError as error:
        records = {name: _failed(item, error) for name in methods}
    return records


def _failed(item: Item, error: TonsureError) -> Record:
    return {"name": str(item.path), "status": "failed", "error": error.code, "passed": False}


def _read(file: Path, names: Sequence[str]) -> dict[str, Record]:
    if not file.exists():
        return {}
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    found = {record["name"]: record for record in records}
    if strange := set(found) - set(names):
        raise BadOption(
            f"{file} holds another choice of photos ({min(strange)}); name another --out."
        )
    return found
