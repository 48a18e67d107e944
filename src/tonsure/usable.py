"""Which of the chosen faces are large enough to work on."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import FaceTooSmall, Note
from .faces import Face

NEEDED = 48.0
"""Height of a face, forehead to chin, below which there is nothing to work on, in pixels."""
COARSE = 96.0
"""Height below which a result shows its few pixels."""


def usable(faces: Sequence[Face], chosen: Sequence[Face]) -> tuple[list[int], list[Note]]:
    """Numbers, from 1, of the `chosen` among a photo's `faces` that are large enough, and notes
    about the others. Raises `FaceTooSmall` if none is."""
    numbers, notes = [], []
    for face in chosen:
        number = next(k for k, other in enumerate(faces, 1) if other is face)
        size = f"({face.height:.0f} pixels from forehead to chin)"
        if face.height >= NEEDED:
            numbers.append(number)
            notes += [Note.of("small_face", number, size)] if face.height < COARSE else []
        else:
            notes.append(Note.of("face_skipped", number, size))
    if not numbers:
        raise FaceTooSmall(
            f"The face has {max(face.height for face in chosen):.0f} pixels from forehead to "
            f"chin, {NEEDED:.0f} are needed; use a larger version of the photo."
        )
    return numbers, notes
