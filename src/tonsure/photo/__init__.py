"""Pixels in, pixels out: reading, colour, metadata, limits, writing."""

from .encode import as_given, chosen, encode, losses, picture
from .formats import FORMATS, Format, readable
from .limits import Limits
from .photo import Photo, frozen, greyed, thawed, to_eight
from .read import Source, read
from .write import check_free, put, write
from .xmp import MARK, earlier

__all__ = [
    "FORMATS",
    "MARK",
    "Format",
    "Limits",
    "Photo",
    "Source",
    "as_given",
    "check_free",
    "chosen",
    "earlier",
    "encode",
    "frozen",
    "greyed",
    "losses",
    "picture",
    "put",
    "read",
    "readable",
    "thawed",
    "to_eight",
    "write",
]
