"""One made case's result beside the truth, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tonsure.lab.evaluate.wide.cases import Case
from tonsure.lab.evaluate.wide.look import NAMES
from tonsure.lab.evaluate.wide.people import Bytes
from tonsure.planes import LUMA, Plane, blur

Mask = npt.NDArray[np.bool_]

LOW = 0.25
"""Width of the blur of the low-frequency error, in eye distances."""
_FEW = 0.05  # squared eye distances of a class below which it has no figure


def measure(
    case: Case,
    result: Bytes,
    was: npt.NDArray[np.uint8] | None = None,
    now: npt.NDArray[np.uint8] | None = None,
    distance: float | None = None,
) -> dict[str, Any]:
    """The record of a `result` (H, W, 3) uint8: flat, fit for JSON, None where there is too little.

    Parameters
    ----------
    was, now : layouts of truth and result (H, W), see `look.layout`.
    distance : of the two in features, see `features`.

    Errors are in levels of 255, gradients in shares of the full range a pixel, layouts shares.
    """
    hole, unit = case.hole, case.face.iod
    least = max(12.0, _FEW * unit**2)
    off = result.astype(np.float32) - case.truth.astype(np.float32)
    error = np.abs(off).mean(-1)
    weight = hole.astype(np.float32)
    sigma = LOW * unit
    low = blur(off * weight[..., None], sigma) / np.maximum(blur(weight, sigma), 1e-3)[..., None]
    smooth = np.abs(low).mean(-1)
    slopes = [_slope(picture) for picture in (result, case.truth)]
    zones = {"all": hole, "below": hole & case.below}
    zones |= {name: hole & (case.classes == k) for k, name in enumerate(NAMES)}
    zones |= {f"{name}_below": zones[name] & case.below for name in NAMES}
    record: dict[str, Any] = {"case": case.name, "area": float(hole.sum()) / unit**2}
    for name, zone in zones.items():
        enough = zone.sum() >= least
        record[f"area_{name}"] = round(float(zone.sum()) / unit**2, 4)
        for key, plane in (("error", error), ("low", smooth), ("gradient", slopes[0]),
                           ("gradient_truth", slopes[1])):  # fmt: skip
            record[f"{key}_{name}"] = float(plane[zone].mean()) if enough else None
    if was is not None and now is not None:
        for name, zone in (("all", hole), *((n, hole & (was == k)) for k, n in enumerate(NAMES))):
            known = zone & (was < len(NAMES))
            enough = known.sum() >= least
            record[f"layout_{name}"] = float((was == now)[known].mean()) if enough else None
    record["distance"] = distance
    return record


def means(records: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Of every figure the mean over the cases that have it."""
    out: dict[str, float | None] = {}
    for key in records[0] if records else ():
        values = [row[key] for row in records if isinstance(row[key], float)]
        if values:
            out[key] = float(np.mean(values))
    return out


def paired(
    ours: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """Two ways case by case: `cases` that both have, `better`, how many of them ours has the
    smaller error in, `difference`, ours less the other's, its mean, and `deviation`, the standard
    error of that mean."""
    theirs = {row["case"]: row["error_all"] for row in others}
    off = [
        row["error_all"] - theirs[row["case"]]
        for row in ours
        if row["error_all"] is not None and theirs.get(row["case"]) is not None
    ]
    count = len(off)
    return {
        "cases": float(count),
        "better": float(sum(value < 0 for value in off)),
        "difference": float(np.mean(off)) if count else 0.0,
        "deviation": float(np.std(off, ddof=1) / count**0.5) if count > 1 else 0.0,
    }


def _slope(pixels: Bytes) -> Plane:
    """Length of the grey values' gradient (H, W), in shares of the full range a pixel."""
    grey = pixels.astype(np.float32) @ LUMA / 255
    down, across = np.gradient(grey)
    return np.asarray(np.hypot(down, across), dtype=np.float32)
