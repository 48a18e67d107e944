"""A dataset of Ray's through warm networks: for pipelines of one's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BadOption, fault
from .cluster import library
from .order import Order, failure
from .sources import COLUMNS

if TYPE_CHECKING:
    from ray.data import Dataset


def batch(
    dataset: Dataset,
    *,
    degree: float = 1.0,
    style: str = "recede",
    face: str = "largest",
    column: str | None = None,
    quality: int | None = None,
    threads: int = 1,
    min_face: float | None = None,
    device: str = "auto",
    workers: int | None = None,
) -> Dataset:
    """The same dataset of Ray Data with the people in its photos bald.

    >>> tonsure.batch(ray.data.read_images("photos")).write_parquet("bald")  # doctest: +SKIP

    Parameters
    ----------
    dataset : rows with a photo: the bytes of a file, or an array (H, W, 3) uint8. What
        `ray.data.read_images`, `read_binary_files`, `read_parquet` and `read_webdataset` give.
    degree, style, face, quality, threads, min_face, device : see `Order`.
    column : where the photo is; default: image, bytes, jpg or the like, whichever is there.
    workers : photos worked on at once, each by an actor; default: all that the cluster can.

    The photo is replaced by its result, bytes by bytes and arrays by arrays of the same shape; the
    column `tonsure` is added, with the report as JSON. A photo that fails stays as it was (bytes
    become null) and its report has "status": "failed". Nothing runs before the dataset is used.

    Raises `BadOption` and `ModelMissing`.
    """
    ray = library()
    if not isinstance(dataset, ray.data.Dataset):
        raise BadOption(
            f"A {type(dataset).__name__} is no dataset of Ray; ray.data.read_images(folder) makes "
            "one."
        )
    order = Order(degree, style, face, quality, threads, min_face, device)
    order.check()
    names = dataset.schema().names
    found = [name for name in ([column] if column else COLUMNS) if name in names]
    if not found:
        raise BadOption(f"Which column holds photos? Give column=, one of {', '.join(names)}.")
    fit = int(ray.cluster_resources().get("CPU", 1) // threads)
    size = max(1, workers or fit)
    return dataset.map(
        _Bald,
        fn_constructor_args=(order, found[0]),
        num_cpus=threads,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=size),
    )


class _Bald:
    """An actor with open networks."""

    def __init__(self, order: Order, column: str) -> None:
        self._order, self._column = order, column

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        photo = row[self._column]
        name = str(row.get("path") or row.get("__key__") or self._column)
        if isinstance(photo, np.ndarray):
            out, told = self._array(photo, name)
        else:
            made = self._order.made(photo, name)
            out, told = made.data, made.row
        return {**row, self._column: out, "tonsure": json.dumps(told)}

    def _array(self, photo: Any, name: str) -> tuple[Any, dict[str, Any]]:
        try:
            result = self._order.bald(photo, name)
        except BadOption:
            raise
        except Exception as error:
            return photo, failure(name, fault(error))
        return result.image, {"status": "done", "input": name} | result.report
