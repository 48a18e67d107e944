"""Areas of training windows labelled by eye: `areas.csv`, an outline and what lies within it.

Most rows were mistakes of a parser: bare shoulders called clothes, fair hair in the sun called
nothing. An outline, unlike a place in what two nets say, means the same whichever nets look. The
rows of test photos are for the examination alone.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tonsure.hair import classes as c
from tonsure.lab.data import wide

Bytes = npt.NDArray[np.uint8]
Outline = npt.NDArray[np.int32]

SETS = {
    "hair": wide.some(c.HAIR),
    "not_hair": wide.ANY ^ wide.some(c.HAIR),
    "skin": wide.some(c.SKIN, c.EAR, c.NECK),
    "clothes": wide.some(c.CLOTHES),
    "background": wide.some(c.BACKGROUND),
    "worn": wide.some(c.CLOTHES, c.HAT, c.JEWELLERY, c.GLASSES),
}
"""The classes that a pixel of an area may have, by the area's label."""


@cache
def seen() -> dict[tuple[str, str], list[tuple[str, Outline]]]:
    """By set and name of a photo: labels, and outlines (N, 2) in pixels of `wide`'s window."""
    out: dict[tuple[str, str], list[tuple[str, Outline]]] = {}
    text = resources.files("tonsure.lab.assets").joinpath("areas.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        points = np.array(row["outline"].split(), np.int32).reshape(-1, 2)
        out.setdefault((row["set"], row["name"]), []).append((row["label"], points))
    return out


def painted(
    sets: wide.Sets, hair: Bytes, labels: list[tuple[str, Outline]]
) -> tuple[wide.Sets, Bytes]:
    """Sets and the teacher's hair (H, W) of one window with the areas of `labels` laid in.

    What people said about a pixel stays where it leaves a class that the area's label admits.
    """
    sets, hair = sets.copy(), hair.copy()
    for label, outline in labels:
        where = np.zeros(sets.shape, np.uint8)
        cv2.fillPoly(where, [outline], 1)
        within = where > 0
        admitted = np.uint16(SETS[label])
        both = sets[within] & admitted
        sets[within] = np.where(both > 0, both, admitted)
        hair[within] = 255 if label == "hair" else 0
    return sets, hair


def right(classes: npt.NDArray[np.integer], labels: list[tuple[str, Outline]]) -> dict[str, Any]:
    """By label: of the pixels of its areas, how many have an admitted one of the `classes` (H, W),
    and how many there are."""
    out: dict[str, Any] = {}
    for label, points in labels:
        where = np.zeros(classes.shape, np.uint8)
        cv2.fillPoly(where, [points], 1)
        told = classes[where > 0]
        before = out.get(label, np.zeros(2, np.int64))
        out[label] = before + np.array([int(((SETS[label] >> told) & 1).sum()), len(told)])
    return out


def outline(where: npt.NDArray[np.bool_], tolerance: float = 1.0) -> list[Outline]:
    """Outlines (N, 2) of the parts of `where` (H, W), off by at most `tolerance` pixels."""
    found, _ = cv2.findContours(where.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    smooth = [cv2.approxPolyDP(one, tolerance, True)[:, 0].astype(np.int32) for one in found]
    return [one for one in smooth if len(one) > 2]
