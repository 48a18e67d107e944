"""What can go wrong, each in one sentence with the way out.

    TonsureError                internal          1
    ├── InternalFault           internal          1
    ├── BadOption               bad_option        2
    ├── OutputExists            output_exists     3
    ├── NoFace                  no_face           4
    │   └── FaceTooSmall        face_too_small    4
    ├── UnreadableInput         unreadable_input  5
    │   ├── TruncatedInput      truncated_input   5
    │   └── WrongType           wrong_type        5
    ├── UnwritableOutput        unwritable_output 1
    ├── ModelError              model             6
    │   ├── ModelMissing        model_missing     6
    │   └── ModelDamaged        model_damaged     6
    ├── SomeFailed              some_failed       7
    └── LimitExceeded           limit_exceeded    8

The columns are the class, its stable `code` and the exit code of the command line.  What does not
stop the work is a `Note`: a code of `WARNINGS` with its sentence.

Where the way out is an option, the command line and HTTP call it otherwise than Python does: an
error then has a sentence of its own for them, see `TonsureError.said`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

Door = Literal["python", "cli", "http"]


class TonsureError(Exception):
    """The root: a sentence for people, a stable `code` for programs, and an `exit_code`.

    Parameters
    ----------
    sentence : what went wrong and the way out, in Python's words; `str` gives it.
    cli, http : the same in the words of the command line and of who sends requests, where they
        differ.
    """

    code = "internal"
    exit_code = 1

    def __init__(self, sentence: str = "", *, cli: str = "", http: str = "") -> None:
        super().__init__(sentence)
        self._said = {"cli": cli, "http": http}

    def said(self, door: Door) -> str:
        """The sentence in the words of the door that the caller came through."""
        return self._said.get(door) or str(self)


class InternalFault(TonsureError):
    """A mistake of this program."""


class BadOption(TonsureError):
    """An option has a value that is not allowed."""

    code = "bad_option"
    exit_code = 2


class OutputExists(TonsureError):
    """A file would have been overwritten."""

    code = "output_exists"
    exit_code = 3


class NoFace(TonsureError):
    """No usable face."""

    code = "no_face"
    exit_code = 4


class FaceTooSmall(NoFace):
    """There is a face, with too few pixels to work on."""

    code = "face_too_small"


class UnreadableInput(TonsureError):
    """The photo cannot be opened or decoded."""

    code = "unreadable_input"
    exit_code = 5


class TruncatedInput(UnreadableInput):
    """The photo's end is missing."""

    code = "truncated_input"


class WrongType(UnreadableInput):
    """Not a picture, or of a format that is not read."""

    code = "wrong_type"


class UnwritableOutput(TonsureError):
    """The result cannot be written where it was asked for."""

    code = "unwritable_output"


class ModelError(TonsureError):
    """Weights cannot be used."""

    code = "model"
    exit_code = 6


class ModelMissing(ModelError):
    """There is no such model, or its file is gone."""

    code = "model_missing"


class ModelDamaged(ModelError):
    """The file is not what was shipped."""

    code = "model_damaged"


class SomeFailed(TonsureError):
    """Of several photos some failed; the others are done."""

    code = "some_failed"
    exit_code = 7


class LimitExceeded(TonsureError):
    """The photo is larger than the settings allow."""

    code = "limit_exceeded"
    exit_code = 8


INTERRUPTED = 130
"""Exit code after Ctrl-C."""

WARNINGS: dict[str, str] = {
    "already_bald": "This head is already bald; it was left as it is.",
    "hat_kept": "A hat or scarf covers hair; it was kept, and only hair beside it was removed.",
    "hair_leaves_picture": "The hair goes beyond the picture's border; look at the result there.",
    "long_hair": "Long hair was removed; neck and shoulders behind it are a guess.",
    "small_face": "The face has few pixels; the result is coarser than in a larger photo.",
    "face_skipped": "The face is too small to work on; it was left as it is.",
    "first_frame": "The picture is animated; only its first frame was used.",
    "dropped": "Not kept in the result:",
    "cut_off": "The file is cut off, its picture is whole; missing:",
    "experimental": "This edit is experimental; believable among unseen people was",
    "nothing_to_do": "Left as it is.",
    "hdr": "The film is HDR; it was edited as it is coded and keeps its tags, look at it on such a "
    "screen.",
    "earlier_edit": "The photo is already marked as edited by a trained model.",
}
"""Every warning's code and sentence."""


@dataclass(frozen=True)
class Note:
    """A warning: `code` (a key of `WARNINGS`), `text`, and the number of the `face`, from 1."""

    code: str
    text: str
    face: int | None = None

    @classmethod
    def of(cls, code: str, face: int | None = None, detail: str = "") -> Note:
        """The warning `code`, its sentence followed by `detail`."""
        text = WARNINGS.get(code, code)
        return cls(code, f"{text} {detail}".rstrip(), face)


def fault(error: Exception) -> TonsureError:
    """What an error of the machine means; what is left is a mistake of this program."""
    if isinstance(error, TonsureError):
        return error
    kind, said = type(error).__name__, str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        return LimitExceeded("There is not enough memory; use a smaller version of the photo.")
    if isinstance(error, ImportError):
        name = error.name or "a library"
        return ModelMissing(f"{name} is missing or broken ({said}); install tonsure anew.")
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename is not None else ""
        reason = error.strerror or said
        return UnwritableOutput(f"The system refuses ({where}{reason}); --debug shows where.")
    return InternalFault(f"internal fault ({kind}: {said}); --debug shows where, please report it.")


def nearest(value: str, allowed: Iterable[str], least: float = 0.6) -> str:
    """Half a sentence for a value that is not allowed: the nearest match, or all of them.

    A match is as near as `least` (0..1), see `difflib.get_close_matches`.
    """
    choices = list(allowed)
    near = get_close_matches(value.lower(), choices, n=1, cutoff=least)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"choose {choices[0]}." if len(choices) == 1 else f"choose one of {', '.join(choices)}."
