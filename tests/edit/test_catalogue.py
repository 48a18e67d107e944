"""The one list of attributes, and what it refuses."""

from __future__ import annotations

import pytest

from tonsure.attributes import STANDARD
from tonsure.edit.catalogue import CATALOGUE, Direction, check, told
from tonsure.edit.run import ORDER
from tonsure.errors import BadOption


def test_it_has_the_thirteen_in_their_order():
    assert tuple(CATALOGUE) == STANDARD
    assert [one["name"] for one in told()] == list(STANDARD)
    for one in CATALOGUE.values():
        if one.on or one.off:
            assert one.name in ORDER


def test_few_believable_is_experimental():
    assert Direction("", "", 6, 12).experimental
    assert not Direction("", "", 7, 12).experimental
    assert Direction("", "", 9, 16).experimental
    assert not Direction("", "", 10, 16).experimental


def test_changes_lose_their_zeros():
    assert check({"Blond_Hair": 1, "Young": 0}) == {"Blond_Hair": 1.0}
    assert check({}) == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Blond": 1}, "Blond_Hair"),
        ({"blond_hair": 1}, "write 'Blond_Hair'"),
        ({"Blond_Hair": 1.2}, "from -1"),
        ({"Blond_Hair": True}, "from -1"),
        ({"Blond_Hair": float("nan")}, "from -1"),
        ({"Blond_Hair": "1"}, "from -1"),
        ({"Blond_Hair": 0.5, "Black_Hair": 0.5}, "exclude each other"),
        ({"Bald": -1}, "Bald=1 can"),
        ({"Bangs": 1, "Bald": 1}, "exclude each other"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    with pytest.raises(BadOption, match=said):
        check(changes)


def test_what_is_taken_away_excludes_nothing():
    assert len(check({"Blond_Hair": 1, "Black_Hair": -1})) == 2
