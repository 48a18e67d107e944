"""Reading a pickle of numpy arrays, and nothing else.

`.pdparams` of Paddle 1.8 is one plain dictionary of names and float32 arrays. An unpickler calls
whatever the file names; this one knows three names, all of numpy's own reconstruction, and refuses
every other one before it is imported.
"""

from __future__ import annotations

import codecs
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tonsure.errors import ModelDamaged

_core: Any = getattr(np, "_core", None) or np.core
_SAFE = {
    ("_reconstruct",): _core.multiarray._reconstruct,
    ("ndarray",): np.ndarray,
    ("dtype",): np.dtype,
}
_HOMES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")


def _latin1(text: str, encoding: str) -> bytes:
    """How protocol 2 writes bytes: the one use of `_codecs.encode` that is allowed."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the encoding {encoding!r} is not allowed")
    return codecs.encode(text, "latin1")


NUMPY = {(home, name): value for home in _HOMES for (name,), value in _SAFE.items()}
ENCODING = {("_codecs", "encode"): _latin1}


class _Arrays(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = (NUMPY | ENCODING).get((module, name))
        if found is not None:
            return found
        raise pickle.UnpicklingError(f"it names {module}.{name}, which no array needs")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to other files")


def arrays(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """The arrays of a pickle by name. `ModelDamaged` for anything else in it."""
    try:
        found = _Arrays(io.BytesIO(path.read_bytes())).load()
    except OSError as error:
        raise ModelDamaged(f"{path} cannot be read: {error.strerror}.") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ModelDamaged(f"{path} is refused: {error}.") from None
    if not isinstance(found, dict):
        raise ModelDamaged(f"{path} is refused: it is not a dictionary of arrays.")
    out = {}
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            raise ModelDamaged(f"{path} is refused: {str(name)[:60]} is not an array.")
        if value.dtype.kind not in "fiu":
            raise ModelDamaged(f"{path} is refused: {name} holds {value.dtype}, not numbers.")
        out[name] = np.ascontiguousarray(value, dtype=np.float32)
    return out
