"""Areas labelled by eye, laid into the sets that the parser is trained on."""

import numpy as np
import pytest

pytest.importorskip("torch")

from tonsure.hair.classes import CLOTHES, HAIR, NECK, SKIN
from tonsure.lab.data import areas, wide

SHAPE = (wide.HEIGHT, wide.WIDTH)
SQUARE = np.array([[40, 200], [79, 200], [79, 239], [40, 239]], np.int32)


def test_every_row_has_a_known_label_and_lies_in_the_window():
    rows = [row for photo in areas.seen().values() for row in photo]
    assert len(rows) > 500
    assert {label for label, _ in rows} <= set(areas.SETS)
    for _, points in rows:
        assert len(points) >= 3
        assert (points >= 0).all()
        assert (points < (wide.WIDTH, wide.HEIGHT)).all()


@pytest.mark.parametrize(
    ("label", "hair"), [("skin", 0), ("clothes", 0), ("hair", 255), ("not_hair", 0)]
)
def test_a_label_is_laid_within_its_outline_alone(label, hair):
    sets, teacher = np.full(SHAPE, wide.ANY, np.uint16), np.full(SHAPE, 90, np.uint8)
    out, told = areas.painted(sets, teacher, [(label, SQUARE)])
    assert (out[200:240, 40:80] == areas.SETS[label]).all()
    assert (told[200:240, 40:80] == hair).all()
    assert (out == wide.ANY).sum() == out.size - 1600
    assert (sets == wide.ANY).all()


def test_what_is_known_besides_stays_where_the_label_admits_it():
    sets = np.full(SHAPE, wide.some(NECK, CLOTHES), np.uint16)
    sets[220:] = wide.some(HAIR)
    out, _ = areas.painted(sets, np.zeros(SHAPE, np.uint8), [("skin", SQUARE)])
    assert out[210, 60] == wide.some(NECK)
    assert out[230, 60] == areas.SETS["skin"]  # the eye has the last word


def test_right_pixels_are_counted_by_label():
    classes = np.full(SHAPE, CLOTHES)
    classes[200:220] = SKIN
    told = areas.right(classes, [("skin", SQUARE), ("clothes", SQUARE)])
    assert told["skin"].tolist() == [800, 1600]
    assert told["clothes"].tolist() == [800, 1600]


def test_an_outline_is_the_area_it_was_drawn_of():
    where = np.zeros(SHAPE, bool)
    y, x = np.ogrid[: wide.HEIGHT, : wide.WIDTH]
    where[(y - 200) ** 2 + (x - 120) ** 2 < 50**2] = True
    (points,) = areas.outline(where)
    _, told = areas.painted(
        np.full(SHAPE, wide.ANY, np.uint16), np.zeros(SHAPE, np.uint8), [("hair", points)]
    )
    assert ((told > 0) ^ where).sum() < 0.03 * where.sum()
