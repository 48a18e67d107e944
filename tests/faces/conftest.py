"""Pictures that the tests of the faces room share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings
from PIL import Image

from tonsure import faces

# a slow moment of a busy machine is no failure
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

DATA = Path(__file__).resolve().parents[1] / "data"

Picture = npt.NDArray[np.uint8]


def load(name: str) -> Picture:
    with Image.open(DATA / name) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="session")
def astronaut() -> Picture:
    """(512, 512, 3), one upright face of about 105 px from forehead to chin."""
    return load("astronaut.jpg")


@pytest.fixture(scope="session")
def cup() -> Picture:
    """(400, 600, 3) without a face."""
    return load("cup.jpg")


@pytest.fixture(scope="session")
def face(astronaut: Picture) -> faces.Face:
    (one,) = faces.find(astronaut, threads=2)
    return one
