"""Captions and bars over the eyes: they are found, looked beneath, and stay."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import portraits
from tonsure.hair.overlay import overlay
from tonsure.head.make import make


def captioned(name: str, above: float) -> tuple[np.ndarray, np.ndarray]:
    """A portrait with a caption, its middle so many eye distances above the eyes; and where it
    is."""
    picture, (face, *_) = portraits.pixels(name), portraits.people(name)
    plain = Image.fromarray(picture)
    high = face.iod * 0.5
    at = (face.centre[0], float(face.eyes[:, 1].mean()) - above * face.iod)
    how = {"font": ImageFont.load_default(high), "anchor": "mm"}
    ImageDraw.Draw(plain).text(
        at, "NO HAIR", fill="white", stroke_width=round(0.07 * high), stroke_fill="black", **how
    )
    out = np.asarray(plain)
    return out, (out != picture).any(-1)


def barred(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A portrait with a black bar over the eyes; and where it is."""
    picture, (face, *_) = portraits.pixels(name).copy(), portraits.people(name)
    left, right = np.round(face.eyes.mean(0)[0] + np.array([-1.2, 1.2]) * face.iod).astype(int)
    top, low = np.round(face.eyes.mean(0)[1] + np.array([-0.3, 0.3]) * face.iod).astype(int)
    where = np.zeros(picture.shape[:2], bool)
    where[top:low, left:right] = True
    picture[where] = 3
    return picture, where


@pytest.mark.parametrize("name", [*portraits.SINGLES, *portraits.GROUPS])
def test_where_nothing_was_laid_over_nothing_is_found(name):
    for face in portraits.people(name):
        assert overlay(portraits.pixels(name), face) is None


@pytest.mark.parametrize("name", ["astronaut", "vice", "blonde"])
def test_a_caption_is_found_and_what_lies_beneath_it_is_not_white(name):
    picture, where = captioned(name, 1.6)
    found = overlay(picture, portraits.people(name)[0])
    whole = found.on((0, 0, picture.shape[1], picture.shape[0]))
    assert whole[where].mean() > 0.75  # an outline's last pixels are half the photo's
    assert whole[where & (picture.min(-1) > 240)].mean() > 0.9
    assert (whole & ~where).sum() < 0.4 * where.sum()
    letters = where & (picture.min(-1) > 240)
    assert found.beneath[letters].min(-1).mean() < 200
    assert np.array_equal(found.beneath[:4], picture[:4])


@pytest.mark.parametrize("name", ["hill", "president"])
def test_a_bar_is_found_to_its_edges(name):
    picture, where = barred(name)
    found = overlay(picture, portraits.people(name)[0])
    whole = found.on((0, 0, picture.shape[1], picture.shape[0]))
    assert whole[where].all()
    assert (whole & ~where).sum() < 0.35 * where.sum()
    assert found.beneath[where].mean() > 40


def test_three_white_spots_are_no_caption():
    picture = portraits.pixels("hill").copy()
    (face,) = portraits.people("hill")
    x, y, step = *(round(v) for v in face.centre), round(0.4 * face.iod)
    for k in (-1, 0, 1):
        picture[y - 4 * step : y - 3 * step, x + k * step : x + k * step + step // 3] = 255
    assert overlay(picture, face) is None


@pytest.mark.parametrize("name", ["astronaut"])
def test_a_caption_over_hair_is_no_hat_and_stays_whole(name):
    picture, where = captioned(name, 1.7)
    face = portraits.people(name)[0]
    plain, made = make(portraits.pixels(name), face, threads=1), make(picture, face, threads=1)
    assert "hat_kept" not in made.warnings
    x0, y0, x1, y1 = made.box
    letters = where[y0:y1, x0:x1] & (picture[y0:y1, x0:x1].min(-1) > 240)
    assert letters.sum() > 50
    assert made.mask[letters].mean() < 0.05 * 255
    # all hair goes but what the letters lie on
    assert (made.mask > 127).sum() > 0.8 * ((plain.mask > 127).sum() - where.sum())


def test_in_another_box_it_is_the_same():
    picture, _ = barred("hill")
    found = overlay(picture, portraits.people("hill")[0])
    whole = found.on((0, 0, picture.shape[1], picture.shape[0]))
    x0, y0, x1, y1 = found.box
    for box in ((x0 + 9, y0 + 7, x1 - 3, y1 - 5), (0, 0, 5, 6), (x0, y0, x1, y1)):
        assert np.array_equal(found.on(box), whole[box[1] : box[3], box[0] : box[2]])
