"""The attributes of CelebA on any photo, each by the way that does it best.

`catalogue` lists them, `portrait` is a face seen once, `run` orders several edits; one module a
way.
"""

from .catalogue import CATALOGUE, Attribute, Direction, check
from .estimate import labels
from .portrait import Portrait
from .run import run

NETWORKS = ("sight", "person_mask", "hair_parser", "hat", "celeba_labels")
"""What an edit opens, in this order."""

__all__ = [
    "CATALOGUE", "NETWORKS", "Attribute", "Direction", "Portrait", "check", "labels", "run",
]  # fmt: skip
