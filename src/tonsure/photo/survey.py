"""What a file's own structure says, before anything in it is decoded.

A survey walks over lengths and marks only.  It counts the pieces that a file consists of, since
every one costs a decoder time, finds where the picture ends, and what follows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import LimitExceeded

MOST = 10_000
"""Pieces of a file that are always allowed; more are if they are as long as real ones."""


@dataclass(frozen=True)
class Survey:
    """What was found.

    Attributes
    ----------
    end : where the picture's own bytes end.
    whole : False if the mark of its end is missing: then pixels may be missing too.
    beside : what else is in the file and is not kept, in words.
    missing : what was in the file and is cut off, in words.
    animated : more pictures follow, of which this is the first.
    """

    end: int
    whole: bool = True
    beside: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    animated: bool = False


class Cut(Exception):
    """The file is cut off so early that there is no picture; says what is missing."""


class Pieces:
    """Counts the pieces of a file of `length` bytes; real ones have `usual` bytes and more."""

    def __init__(self, length: int, usual: int) -> None:
        self._left = MOST + length // usual

    def add(self, count: int = 1) -> None:
        """Raise `LimitExceeded` if there are too many."""
        self._left -= count
        if self._left < 0:
            raise LimitExceeded(
                f"The file consists of more than {MOST:,} tiny pieces, as no camera writes; "
                "save it anew with a picture editor."
            )
