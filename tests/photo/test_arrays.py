"""Arrays of floating-point numbers and tensors: in, and back as what they were."""

from __future__ import annotations

import numpy as np
import pytest

from tonsure import photo
from tonsure.errors import WrongType


def edited(read: photo.Photo) -> photo.Photo:
    """`read` with its upper half white."""
    pixels = read.pixels.copy()
    pixels[: len(pixels) // 2] = np.iinfo(pixels.dtype).max
    return read.with_pixels(pixels)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)])
def test_floats_come_back_as_they_were(dtype, channels):
    array = np.random.default_rng(0).random((8, 5, *channels)).astype(dtype)
    array[7, 0] = 1.0005  # as resampling leaves it
    read = photo.read(array)
    assert read.pixels.dtype == np.uint16
    back = photo.as_given(read)
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)
    changed = photo.as_given(edited(read))
    assert np.array_equal(changed[4:], array[4:])
    colours = {(2,): 1, (4,): 3}.get(channels)  # the last channel is transparency
    assert ((changed[:4] if colours is None else changed[:4, :, :colours]) == 1).all()


def test_floats_are_the_pixels_that_bytes_would_be():
    values = np.random.default_rng(1).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    assert np.array_equal(photo.read((values / 255).astype(np.float32)).eight(), values)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((4, 4, 3), 200.0), "divide by 255"),
        (np.full((4, 4, 3), -1.0), "bring them there"),
        (np.full((4, 4, 3), np.nan), "from nan to nan"),
        (np.zeros((2, 4, 4, 3)), "batch of 2 is not one photo"),
        (np.zeros((4, 4, 3), np.int32), "not int32"),
        (np.zeros((4, 4, 5), np.uint8), r"shape \(4, 4, 5\) is no photo"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
    ],
)
def test_what_is_no_photo(array, said):
    with pytest.raises(WrongType, match=said):
        photo.read(array)


@pytest.mark.parametrize("shape", [(1, 6, 7, 3), (6, 7, 3), (3, 6, 7), (1, 3, 6, 7), (6, 7)])
@pytest.mark.parametrize("kind", ["float32", "bfloat16", "float64", "uint8"])
def test_tensors_come_back_as_tensors(shape, kind):
    torch = pytest.importorskip("torch")
    dtype = getattr(torch, kind)
    made = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    tensor = (made * 255).to(dtype) if kind == "uint8" else made.to(dtype).requires_grad_()
    read = photo.read(tensor)
    assert (read.height, read.width) == (6, 7)
    back = photo.as_given(edited(read))
    assert isinstance(back, torch.Tensor)
    assert (back.shape, back.dtype, back.device) == (tensor.shape, tensor.dtype, tensor.device)
    rows = next(k for k, n in enumerate(shape) if n == 6)
    assert torch.equal(back.narrow(rows, 3, 3), tensor.narrow(rows, 3, 3))
    assert (back.narrow(rows, 0, 3) == (255 if kind == "uint8" else 1)).all()
