"""The field `edits`: all attributes of the catalogue, by face or for all."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from tonsure.errors import BadOption
from tonsure.web.edits import Edits, parsed


@pytest.fixture
def here(serve):
    return serve()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{}", Edits(1.0)),
        ('{"bald": 0.4}', Edits(0.4)),
        ('{"Bald": 0.4}', Edits(0.4)),
        ('{"bald": {"2": 0.4}}', Edits(each={2: 0.4})),
        ('{"Blond_Hair": 1}', Edits(changes={"Blond_Hair": 1.0})),
        (
            '{"bald": 0.5, "Pale_Skin": -1}',
            Edits(changes={"Bald": 0.5, "Pale_Skin": -1.0}),
        ),
        (
            '{"bald": {"1": 1}, "Eyeglasses": {"1": 1, "2": -0.5}}',
            Edits(apart={1: {"Bald": 1.0, "Eyeglasses": 1.0}, 2: {"Eyeglasses": -0.5}}),
        ),
    ],
)
def test_edits_are_read(text, wanted):
    assert parsed(text) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "not JSON"),
        ('{"Blond_Hare": 1}', "Blond_Hair"),
        ('{"bald": 1, "Bald": 1}', "more than once"),
        ('{"Blond_Hair": 2}', "from -1"),
        ('{"Blond_Hair": "1"}', "from -1"),
        ('{"Blond_Hair": {"left": 1}}', "by their number"),
        ('{"Blond_Hair": 1, "Eyeglasses": {"1": 1}}', "in all, or in none"),
        ('{"Blond_Hair": 1, "Black_Hair": 1}', "exclude"),
        ('{"bald": -1}', "from 0"),
    ],
)
def test_other_edits_are_refused(text, said):
    with pytest.raises(BadOption, match=said):
        parsed(text)


def test_an_edit_of_other_attributes(here, portrait, astronaut):
    answer = here.photo("/v1/edit", portrait, edits='{"Eyeglasses": 1}', format="png")
    assert answer.status == 200, answer.body
    changed = (np.asarray(Image.open(io.BytesIO(answer.body)).convert("RGB")) != astronaut).any(-1)
    assert 0.005 < changed.mean() < 0.1
    told = here.photo(
        "/v1/edit", portrait, accept="application/json", edits='{"Eyeglasses": {"1": 1}}'
    )
    report = json.loads(told.body)["report"]
    assert [step["attribute"] for step in report["edits"]] == ["Eyeglasses"]
    assert here.photo("/v1/edit", portrait, edits='{"Bald": -1}').code == "bad_option"
    assert here.photo("/v1/edit", portrait, edits='{"Young": {"7": 1}}').code == "no_face"


def test_the_catalogue_is_told(here):
    from tonsure.edit.catalogue import told

    answer = here.get("/v1/attributes")
    assert json.loads(answer.body) == {"attributes": told()}
    assert np.all([one["name"] for one in told()])
