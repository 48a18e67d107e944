"""Units on the machines of a Ray cluster: actors keep the networks open, Ray Data hands out."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from .. import errors
from ..errors import ModelMissing, TonsureError, UnreadableInput, fault
from .sources import Unit

_TRIES, _PAUSE = 3, 2.0  # to reach a cluster; seconds between
_AHEAD = 2  # units that an actor holds: the one it does, and the next
_BLOCKS = 20_000  # at most so many objects are handed out; more units share them
_STORE = 100_000_000  # bytes of shared memory of a cluster that we start: only notes pass through


def library() -> Any:
    """Ray, with Ray Data; raises `ModelMissing` where it is not installed."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ModelMissing(
            "Clusters need Ray; 'pip install \"ray[data]\"' installs it (from the source: "
            "'pip install .[ray]')."
        ) from error
    return ray


class Bald:
    """An actor: a worker with open networks. A row goes in as number and unit, and comes out with
    what came of it as JSON."""

    def __init__(self, maker: Any) -> None:
        kind, arguments = maker
        self._worker = kind(*arguments)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            told = self._worker.do(int(row["unit"]), json.loads(row["what"]))
        except Exception as error:  # which ends the batch: the caller has to hear of it in words
            known = fault(error)
            told = {"fault": type(known).__name__, "said": known.said("cli")}
        return {"told": json.dumps(told)}


def done(
    maker: Any, left: list[tuple[int, Unit]], address: str, workers: int | None
) -> Iterator[dict[str, Any]]:
    """Do units on the cluster at `address` ("auto": this machine's) and give what came of each, in
    the order in which they end. A unit whose worker died is done by another one.

    Raises `ModelMissing`, `UnreadableInput` where no cluster answers, and what workers raise.
    """
    ray = library()
    threads = maker[1][3].threads
    with connected(address):
        fit = int(ray.cluster_resources().get("CPU", 1) // threads)
        most = max(1, min(workers or fit or 1, len(left)))
        rows = [{"unit": number, "what": json.dumps(unit)} for number, unit in left]
        dataset = ray.data.from_items(rows, override_num_blocks=min(len(rows), _BLOCKS)).map(
            Bald,
            fn_constructor_args=(maker,),
            num_cpus=threads,
            compute=ray.data.ActorPoolStrategy(
                min_size=max(1, min(most, fit)), max_size=most,
                max_tasks_in_flight_per_actor=_AHEAD,
            ),
        )  # fmt: skip
        for row in dataset.iter_rows():
            told = json.loads(row["told"])
            if "fault" in told:
                raise _known(told["fault"])(told["said"])
            yield told


@contextmanager
def connected(address: str) -> Iterator[None]:
    """A connection to a cluster, quiet; one that was there already is used and stays."""
    ray = library()
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {
        "log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True,
    }  # fmt: skip
    try:
        if address == "auto":
            try:
                ray.init(address="auto", **quiet)
            except ConnectionError:  # there is none yet
                ray.init(include_dashboard=False, object_store_memory=_STORE, **quiet)
        else:
            _join(address, quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UnreadableInput(f"No Ray cluster answers at {address} ({first}).") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        with redirect_stdout(sys.stderr):  # Ray tells there of workers that died
            yield
    finally:
        ray.shutdown()


def _join(address: str, options: dict[str, Any]) -> None:
    """Connect; a cluster that is busy or just begins may not answer at once."""
    for left in reversed(range(_TRIES)):
        try:
            library().init(address=address, **options)
            return
        except ConnectionError:
            if not left:
                raise
            time.sleep(_PAUSE)


def _known(name: str) -> type[TonsureError]:
    found = getattr(errors, name, TonsureError)
    return found if isinstance(found, type) and issubclass(found, TonsureError) else TonsureError
