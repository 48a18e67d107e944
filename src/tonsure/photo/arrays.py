"""Arrays and tensors: in as a `Photo`, and back as what they were.

Floating-point numbers go from 0 to 1 and are worked on with 16 bits; where an edit changes nothing
they come back as they were, to the last bit.  A tensor of PyTorch is known by its name: torch is
not imported here.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeGuard

import numpy as np
import numpy.typing as npt

from ..errors import WrongType
from . import colour
from .limits import Limits
from .photo import Layout, Photo, frozen, is_grey

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_SLACK = 1e-3  # that resampling may go below 0 and above 1
_DEEP = 65535


class Tensor(Protocol):
    """What is used of a `torch.Tensor`."""

    def detach(self) -> Any: ...
    def new_tensor(self, data: Any) -> Any: ...


def is_tensor(source: object) -> TypeGuard[Tensor]:
    """Whether it is a tensor of PyTorch."""
    return type(source).__module__.partition(".")[0] == "torch" and hasattr(source, "detach")


def photo_of(source: Any, limits: Limits, name: str) -> Photo:
    """The photo in an array, or in a tensor; see `photo.read`.

    Raises `WrongType` for types and shapes that are no photo, and `LimitExceeded`.
    """
    tensor = source if is_tensor(source) else None
    first = False
    array = source if tensor is None else _numbers(tensor)
    shape = tuple(array.shape)
    if array.dtype.kind != "f" and array.dtype not in (np.uint8, np.uint16):
        raise WrongType(
            f"Arrays must be uint8, uint16, or floating-point from 0 to 1, not {array.dtype}."
        )
    if array.ndim == 4:
        if len(array) != 1:
            raise WrongType(f"A batch of {len(array)} is not one photo; give them one by one.")
        array = array[0]
    if tensor is not None and array.ndim == 3:
        first = array.shape[0] in _MODES and array.shape[2] not in (3, 4)
        array = np.moveaxis(array, 0, 2) if first else array
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in _MODES):
        raise WrongType(f"An array of shape {shape} is no photo; give (H, W) or (H, W, 1 to 4).")
    if 0 in array.shape:
        raise WrongType(f"An array of shape {shape} has no pixels.")
    count = 1 if array.ndim == 2 else array.shape[2]
    exact = None
    if array.dtype.kind == "f":
        limits.check_size(array.shape[1], array.shape[0], 2 * count)
        exact = np.array(array).reshape(*array.shape[:2], count)
        array = _integers(exact).reshape(array.shape)
    limits.check_size(array.shape[1], array.shape[0], count * array.itemsize)
    pixels, alpha = colour.split(array)
    return Photo(
        frozen(pixels), None if alpha is None else frozen(alpha), _MODES[count], None,
        is_grey(pixels), name=name, given="array", layout=Layout(shape, exact, tensor, first),
    )  # fmt: skip


def as_given(values: npt.NDArray[Any], layout: Layout) -> Any:
    """`values` (H, W, C) uint8 or uint16 as the array or tensor that `layout` tells of: a copy."""
    if layout.exact is not None:
        made = (values / _DEEP).astype(layout.exact.dtype)
        values = np.where(values == _integers(layout.exact), layout.exact, made)
    if layout.first:
        values = np.moveaxis(values, 2, 0)
    values = np.array(values, order="C").reshape(layout.shape)
    return values if layout.tensor is None else layout.tensor.new_tensor(values)


def _numbers(tensor: Tensor) -> npt.NDArray[Any]:
    values = tensor.detach().cpu()
    try:
        return np.asarray(values.numpy())
    except TypeError:  # bfloat16, which NumPy has not
        return np.asarray(values.float().numpy())


def _integers(exact: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint16]:
    low, high = float(exact.min()), float(exact.max())
    if not (low >= -_SLACK and high <= 1 + _SLACK):  # NaN fails too
        way = "divide by 255" if 1 < high <= 255 and low >= 0 else "bring them there"
        raise WrongType(
            f"Floating-point pixels go from 0 to 1, these from {low:g} to {high:g}; {way}, or give "
            "uint8."
        )
    wide = exact.astype(np.float64)
    return np.asarray(np.clip(wide * _DEEP + 0.5, 0, _DEEP).astype(np.uint16))
