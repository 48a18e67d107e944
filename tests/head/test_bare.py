"""Layers beneath the hair: what the net's word is held to, and which clothes lend their colour."""

from __future__ import annotations

import numpy as np

from tonsure.head import bare
from tonsure.planes import Plane


def _ear(rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An ear at the left of a head on a plane of 64 x 64, and the plane's y from -1 to 1."""
    ear, head = np.zeros((2, 64, 64), np.float32)
    ear[rows, 8:14] = 1
    head[:, 14:50] = 1
    y = ((np.arange(64, dtype=np.float32) + 0.5) / bare.DENSITY - 1)[:, None]
    return ear, head, y


def test_half_an_ear_goes_on_upwards_alone() -> None:
    ear, head, y = _ear(slice(40, 52))
    goes_on = bare._going_on(ear, head, y)
    assert goes_on[30:40, 8:14].min() > 0.9
    assert goes_on[50:, :8].max() == 0  # what hangs beside its lobe hangs behind it
    assert goes_on[30, 0] == 0  # nor does it become much wider
    assert goes_on[40:52, 9:30].min() == 1  # no gap opens towards the head
    assert goes_on[:, 50:].min() == 1  # of the other side nothing is known


def test_a_whole_ear_does_not_go_on() -> None:
    goes_on = bare._going_on(*_ear(slice(24, 50)))
    assert goes_on[:20, :30].max() == 0
    assert goes_on[24:50, :6].max() < 0.5


def test_behind_strands_before_the_background_is_background() -> None:
    seen, told = np.zeros((2, 8, 8, 5), np.float32)
    seen[..., bare.BACKGROUND] = 1
    told[..., bare.NECK] = 1
    none, one = np.zeros((8, 8), np.float32), np.ones((8, 8), np.float32)
    y = np.full((8, 1), 1.5, np.float32)
    out = bare._layers(seen, none, told, one, none, y)
    assert out[..., bare.BACKGROUND].min() > 0.99
    unseen = bare._layers(np.zeros_like(seen), none, told, one, one, y)
    assert unseen[..., bare.NECK].min() > 0.9


def test_an_ear_arches_to_the_head_and_no_further() -> None:
    y = ((np.arange(60) + 0.5) / bare.DENSITY - 0.5)[:, None].astype(np.float32)
    ear, head = np.zeros((60, 80), np.float32), np.zeros((60, 80), np.float32)
    head[:, 20:50] = 1
    ear[20:46, 56:64] = 1  # between it and the head is a gap that hair left
    found = bare._arch(ear, head, y)
    assert found[34:44, 50:62].min() > 0.9
    assert found[:14].max() < 0.05  # above the tip there is nothing
    assert found[:, 66:].max() < 0.05
    assert found[:, :20].max() == 0  # nor at the side where no ear is seen
