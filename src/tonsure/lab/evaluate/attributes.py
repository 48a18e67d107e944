"""The edits of the tool itself, beside those of generators, on the same pictures of CelebA.

Each attribute is turned to what the label says the person has not, by each method and at each
degree; the laboratory's judge, which saw none of this, says whether it turned. Figures:

- `turned`: share that the judge calls turned, yes and no equally common;
- `flipped`: of the other labels those that changed, without the ones that hang together with it;
- `psnr`, `ssim`: of picture and edit;
- `same`: share of pixels that kept their bits;
- `identity`: distance of dlib's network, where it lies in the cache;
- `fid`, `kid`: of all edits of a method beside the pictures as they were, in the features that
  `likeness.NETS` names, on the aligned face.

An edit that changed nothing (no hair, hidden brows, nothing to take off) is not counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage import metrics

from tonsure.attributes import STANDARD
from tonsure.edit.catalogue import CATALOGUE
from tonsure.editor import Editor
from tonsure.errors import BadOption
from tonsure.faces import Face, Frame
from tonsure.lab import identity
from tonsure.lab.data import labels as lists
from tonsure.lab.evaluate import judge as judges
from tonsure.lab.evaluate import skin
from tonsure.lab.likeness import NETS, Looks

Bytes = npt.NDArray[np.uint8]

_COLOURS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
_BEARDS = ("Mustache", "No_Beard", "Goatee", "5_o_Clock_Shadow", "Sideburns")
TOUCHED: Mapping[str, tuple[str, ...]] = {
    "Bald": (*_COLOURS, "Bangs", "Receding_Hairline", "Sideburns", "Straight_Hair", "Wavy_Hair",
             "Wearing_Hat"),
    "Bangs": ("Receding_Hairline", "Straight_Hair", "Wavy_Hair"),
    **dict.fromkeys(_COLOURS[:3], _COLOURS),
    "Bushy_Eyebrows": ("Arched_Eyebrows",),
    "Male": (*_BEARDS, "Attractive", "Heavy_Makeup", "Wearing_Lipstick", "Bushy_Eyebrows",
             "Arched_Eyebrows", "Big_Lips", "Big_Nose", "Rosy_Cheeks", "Pointy_Nose"),
    "Mouth_Slightly_Open": ("Smiling", "High_Cheekbones"),
    "Mustache": _BEARDS,
    "No_Beard": _BEARDS,
    "Young": (*_COLOURS, "Attractive", "Bags_Under_Eyes"),
}  # fmt: skip
"""Labels that hang together with an attribute, and may change with it."""
TOOL = "tonsure"
_LEAST = 48  # pixels a face is tall


@dataclass(frozen=True)
class Record:
    """One edit of one picture by one method; `group` is sex, age, skin tone."""

    picture: str
    method: str
    attribute: str
    d: float
    group: tuple[str, str, str]
    turned: bool
    flipped: float
    psnr: float
    ssim: float
    same: float
    identity: float | None


def figures(
    images: Path, labels: Path, *, beside: Sequence[str] = (), degrees: Sequence[float] = (1.0,),
    count: int = 40, attributes: Sequence[str] = STANDARD, threads: int | None = None,
    tell: Callable[[str], None] = lambda _: None, looks: dict[str, Looks] | None = None,
) -> list[Record]:  # fmt: skip
    """Of `count` pictures of `images`, spread over those that `labels`, CelebA's list, names.

    `beside` are generators as `Editor(model=...)` takes them; the tool itself goes to degree 1.
    `looks`, if given, gets what FID and KID need, by method; it raises `ModelMissing` then, where
    the features' net is not in the cache.
    """
    known = lists.read(labels)
    missing = next((name for name in STANDARD if name not in known.attributes), None)
    if missing is not None:
        raise BadOption(f"{labels} has no column {missing}.")
    if count < 1:
        raise BadOption("--count is 1 or more.")
    if not images.is_dir():
        raise BadOption(f"There is no folder {images}.")
    files = {path.stem: path for path in images.iterdir() if path.is_file()}
    rows = [k for k, name in enumerate(known.files) if Path(name).stem in files]
    if not rows:
        raise BadOption(f"{images} has no picture that {labels} has a row of.")
    sees = judges.open(threads=1)
    editors = {TOOL: Editor(threads=threads)}
    editors |= {name: Editor(model=name, threads=threads) for name in beside}
    if looks is not None:
        looks.update((name, Looks()) for name in editors)
    found: list[Record] = []
    for k in rows[:: max(1, len(rows) // count)][:count]:
        name = known.files[k]
        with Image.open(files[Path(name).stem]) as opened:
            pixels = np.asarray(opened.convert("RGB"))
        row = dict(zip(known.attributes, (known.values[k] > 0).tolist(), strict=True))
        for method, editor in editors.items():
            eyes = None if looks is None else looks[method]
            found += _of(pixels, name, row, method, editor, sees, degrees, attributes, eyes)
        tell(f"{name}: {len(found)} edits")
    return found


def _of(
    pixels: Bytes, name: str, row: Mapping[str, bool], method: str, editor: Editor,
    sees: judges.Judge, degrees: Sequence[float], attributes: Sequence[str], eyes: Looks | None,
) -> list[Record]:  # fmt: skip
    """Of one picture by one method."""
    out = []
    with editor.open(pixels) as shot:
        if not shot.faces or shot.faces[0].height < _LEAST:
            return []
        face = shot.faces[0]
        group = (
            "men" if row["Male"] else "women", "young" if row["Young"] else "old",
            skin.tone(skin.ita(pixels, face)),
        )  # fmt: skip
        before = _asked(sees, pixels, face)
        for attribute in attributes:
            way = -1 if row[attribute] else 1
            for degree in degrees:
                if method == TOOL and (degree > 1 or CATALOGUE[attribute].direction(way) is None):
                    continue
                result = shot.edit({attribute: way * degree}, 1)
                image = np.asarray(result.image)
                if (image == pixels).all():
                    continue
                after = _asked(sees, image, face)
                if eyes is not None:
                    both = np.stack([judges.view(x, Frame.of(face)) for x in (pixels, image)])
                    eyes.add(both[None], both[None])
                own = sees.names.index(attribute)
                free = [
                    k for k, label in enumerate(sees.names)
                    if k != own and label not in TOUCHED.get(attribute, ())
                ]  # fmt: skip
                out.append(Record(
                    name, method, attribute, way * degree, group, bool(after[own]) == (way > 0),
                    float((after[free] != before[free]).mean()), *_alike(pixels, image),
                    _person(pixels, image, face),
                ))  # fmt: skip
    return out


def _asked(sees: judges.Judge, pixels: Bytes, face: Face) -> npt.NDArray[np.bool_]:
    """(40,) yes or no, decided as if both were equally common."""
    views = judges.view(pixels, Frame.of(face))[None]
    return np.asarray(sees.balanced(sees.probabilities(views))[0] > 0.5)


def _alike(before: Bytes, after: Bytes) -> tuple[float, float, float]:
    """PSNR (dB), SSIM, and the share of pixels whose bits are the same."""
    psnr: Any = metrics.peak_signal_noise_ratio
    ssim: Any = metrics.structural_similarity
    same = float((before == after).all(-1).mean())
    return float(psnr(before, after)), float(ssim(before, after, channel_axis=2)), same


def _person(before: Bytes, after: Bytes, face: Face) -> float | None:
    """How far apart the two are as persons; None where the network was never made."""
    if not identity.path().is_file():
        return None
    return identity.distance(before, face, after, face, threads=1)


REALISM = ("fid", "fid_halves", "kid", "kid_halves")
KEYS = ("turned", "flipped", "psnr", "ssim", "same", "identity")


def table(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Means by method, attribute, degree and direction; `people` counts them."""
    cells: dict[tuple[str, str, float], list[Record]] = defaultdict(list)
    for one in records:
        cells[one.method, one.attribute, one.d].append(one)
    order = sorted(cells, key=lambda key: (key[0] != TOOL, key[0], STANDARD.index(key[1]), -key[2]))
    return [
        {"method": m, "attribute": a, "d": d, **means(cells[m, a, d])} for m, a, d in order
    ]  # fmt: skip


def groups(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Means by method and sex, age or skin tone, over all attributes."""
    cells: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for one in records:
        for group in one.group:
            cells[one.method, group].append(one)
    return [{"method": m, "group": g, **means(found)} for (m, g), found in sorted(cells.items())]


def means(records: Sequence[Record]) -> dict[str, Any]:
    """`people`, and the mean of each of `KEYS`; None where nothing was measured."""
    out: dict[str, Any] = {"people": len(records)}
    for key in KEYS:
        values = [v for one in records if (v := getattr(one, key)) is not None]
        out[key] = round(float(np.mean(values)), 4) if values else None
    return out


def overall(records: Iterable[Record]) -> dict[str, dict[str, float]]:
    """Of each method the mean and the least of `turned` over attributes and directions, d = 1."""
    shares: dict[str, list[float]] = defaultdict(list)
    for row in table(records):
        if abs(row["d"]) == 1:
            shares[row["method"]].append(row["turned"])
    return {m: {"mean": round(float(np.mean(v)), 4), "least": min(v)} for m, v in shares.items()}


def realism(looks: Mapping[str, Looks]) -> list[dict[str, Any]]:
    """FID and KID by method; `..._halves` is what two halves of the originals have between them."""
    rows = []
    for method, eyes in looks.items():
        row: dict[str, Any] = {"method": method, "people": len(eyes.pooled)}
        if eyes.pooled:
            for key, (each, floor) in eyes.distances().items():
                row |= {key: each[0], f"{key}_halves": floor}
        rows.append(row)
    return rows


def markdown(records: Sequence[Record], looks: Mapping[str, Looks] | None = None) -> str:
    """The tables for a document."""
    lines = []
    for head, rows in ((("method", "attribute", "d"), table(records)),
                       (("method", "group"), groups(records))):  # fmt: skip
        columns = (*head, "people", *KEYS)
        lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        lines += ["| " + " | ".join(_told(row[c]) for c in columns) + " |" for row in rows]
        lines.append("")
    if looks:
        columns = ("method", "people", *REALISM)
        lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        lines += [
            "| " + " | ".join(_told(row.get(c)) for c in columns) + " |" for row in realism(looks)
        ]
        lines += ["", f"Features: {NETS['fid']}.", ""]
    return "\n".join(lines)


def _told(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def plain(records: Sequence[Record], looks: Mapping[str, Looks] | None = None) -> dict[str, Any]:
    """For a program."""
    return {
        "realism": realism(looks or {}), "features": NETS["fid"],
        "overall": overall(records), "attributes": table(records), "groups": groups(records),
        "edits": [asdict(one) for one in records],
    }  # fmt: skip
