"""People cut out on nothing: hair leaves nothing behind, and hidden colours are never seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import portraits
from tonsure import transparency
from tonsure.editor import Editor
from tonsure.hair.classes import BACKGROUND, HAIR
from tonsure.hair.parse import parse
from tonsure.planes import blur
from tonsure.scene import look


@dataclass(frozen=True)
class Head:
    box: tuple[int, int, int, int]
    colour: np.ndarray
    opacity: np.ndarray | None


def test_hidden_colours_are_not_shown():
    alpha = np.array([[0, 255, 51, 16]], np.uint8)
    red, blue = (np.full((1, 4, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    seen = [transparency.shown(one, alpha) for one in (red, blue)]
    assert (seen[0][0, 0] == transparency.GROUND).all()
    assert np.array_equal(seen[0][0, 0], seen[1][0, 0])
    assert seen[0][0, 1].tolist() == seen[0][0, 2].tolist() == [255, 0, 0]
    assert np.abs(seen[0][0, 3].astype(int) - [203, 75, 75]).max() <= 1


@pytest.mark.parametrize("deep", [False, True])
def test_laid_over(deep):
    scale = 257 if deep else 1
    kind = np.uint16 if deep else np.uint8
    pixels = np.full((1, 6, 3), 200 * scale, kind)
    alpha = (np.array([[255, 255, 0, 255, 128, 255]]) * scale).astype(kind)
    opacity = np.array([[255, 0, 255, 255, 0]], np.uint8)
    colour = np.full((1, 5, 3), 40, np.uint8)
    weight = np.array([[255, 255, 255, 0, 255]], np.uint8)
    out, clear = transparency.apply(pixels, alpha, [(Head((0, 0, 5, 1), colour, opacity), weight)])
    assert clear[0].tolist() == [k * scale for k in (255, 0, 255, 255, 0, 255)]
    # of what is gone no colour is left either
    assert out[0, :, 0].tolist() == [k * scale for k in (40, 40, 40, 200, 40, 200)]
    half, clear = transparency.apply(
        pixels, alpha, [(Head((0, 0, 5, 1), colour, opacity), weight // 2)]
    )
    assert abs(int(clear[0, 1]) / scale - 128) <= 1  # half gone
    assert half[0, 1, 0] == 200 * scale  # and what is left has its own colour
    assert half[0, 2, 0] == 40 * scale


def test_the_ground_is_taken_off():
    colour, cover = np.array([[[10, 90, 250]]], np.uint8), np.full((1, 1), 0.5, np.float32)
    mixed = (colour * 0.5 + transparency.GROUND * 0.5).astype(np.uint8)
    assert np.abs(transparency.lifted(mixed, cover).astype(int) - colour).max() <= 2
    ground = np.full((1, 1, 3), transparency.GROUND, np.uint8)
    assert np.array_equal(transparency.lifted(ground, 0 * cover), ground)
    white = transparency.before(colour, np.full((1, 1), 51, np.uint8), 255)
    assert white[0, 0].tolist() == [206, 222, 254]
    assert transparency.before(colour, None, 255) is colour


def test_a_layer_hides_as_much_as_it_is_opaque():
    weight, opacity = np.array([[255, 100]], np.uint8), np.array([[51, 255]], np.uint8)
    head = Head((0, 0, 2, 1), np.zeros((1, 2, 3), np.uint8), opacity)
    assert transparency.cover(head, weight).tolist() == [[51, 100]]


def test_only_what_is_not_opaque_is_clear():
    assert not transparency.is_clear(None)
    assert not transparency.is_clear(np.full((2, 2), 65535, np.uint16))
    assert transparency.is_clear(np.array([[255, 254]], np.uint8))


def test_a_person_cut_out_whole_way():
    picture, face = portraits.pixels("hill"), portraits.people("hill")[0]
    scene = look(picture, face, 48.0, 1)
    classes = parse(scene)
    box = (0, 0, picture.shape[1], picture.shape[0])
    inside = scene.to_photo(scene.inside, box) > 0.99
    wall = scene.to_photo(classes[..., BACKGROUND], box)
    alpha = (np.clip(1.5 - 2 * blur(wall, 1.0), 0, 1) * 255).astype(np.uint8)
    alpha[~inside] = 0
    hair = scene.to_photo(classes[..., HAIR], box) > 0.9
    cut = np.dstack([picture, alpha])
    cut[alpha == 0, :3] = (255, 0, 255)
    with Editor(threads=1).open(cut) as shot:
        out = shot.bald().image
        mask = shot.mask() > 0
    assert np.array_equal(out[~mask], cut[~mask])
    solid = out[..., 3] > 12
    ears = face.landmarks[[127, 356], 1].mean()
    rows = np.arange(len(out))[:, None]
    top = np.flatnonzero(solid.any(1))[0]
    assert top > np.flatnonzero((alpha > 12).any(1))[0] + 3  # his hair stood up
    # beside and above the head there is nothing, where there was hair, but for the head's own edge
    gone = hair & (out[..., 3] == 0)
    assert gone.sum() > 0.1 * face.iod**2
    assert (out[..., 3][hair & (rows < ears)] > 12).mean() > 0.3
    # an ear that hair hid reaches over its edge
    assert (solid & (alpha == 0)).sum() < 0.15 * face.iod**2
    purple = (out[..., 0] > 150) & (out[..., 2] > 150) & (out[..., 1] < 90) & solid & (alpha < 255)
    assert not purple.any()
