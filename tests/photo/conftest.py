"""One small file of each kind that is read."""

from __future__ import annotations

import numpy as np
import pytest

from samples import KINDS, files


@pytest.fixture(params=KINDS)
def sample(request: pytest.FixtureRequest, picture: np.ndarray) -> tuple[str, bytes]:
    """Kind and bytes of one file after the other."""
    return request.param, files(picture)[request.param]
