"""What lies in an output folder: made cases, and for each way its results as PNG.

    OUT/cases/NAME.{made,truth,hole,classes}.png and .json      the made cases
    OUT/METHOD/made/NAME.png, OUT/METHOD/real/NAME.png          results, METHOD tonsure or telea
    OUT/report.json, report.md, records.jsonl, sheets/          what was measured

Results are kept from run to run as long as the tool's own code and networks are the same.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

import tonsure
from tonsure.lab.evaluate.wide.people import Bytes

_STATE = "made-by.json"


def fingerprint() -> str:
    """Of all code and networks of the tool but the laboratory's: 16 hexadecimal digits."""
    root = Path(tonsure.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        inner = path.relative_to(root)
        if path.is_file() and inner.parts[0] != "lab" and "__pycache__" not in inner.parts:
            digest.update(str(inner).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def renew(out: Path) -> bool:
    """Forget results in `out` that another state of the tool made; whether there were any."""
    state = {"tool": fingerprint(), "version": tonsure.__version__}
    file = out / _STATE
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    old = known is not None and known.get("tool") != state["tool"]
    if old:
        for path in out.glob("*/*/*.png"):
            path.unlink()
        for path in out.glob("*/notes.json"):
            path.unlink()
    out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(state) + "\n", encoding="utf-8")
    return old


def write(path: Path, pixels: Bytes) -> None:
    """A PNG at `path`, its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    Image.fromarray(pixels).save(part, "PNG")
    part.replace(path)


def read(path: Path) -> Bytes | None:
    """(H, W, 3) of a PNG, or None if there is none."""
    if not path.is_file():
        return None
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def results(folder: Path) -> Path:
    """Where in `folder` results lie: an output folder's own, or any that holds made/ and real/."""
    return folder / "tonsure" if (folder / "tonsure").is_dir() else folder
