"""Break networks and rules one at a time, and tell whether the tests notice.

    python scripts/disturb.py [NAME ...]

Each disturbance is made in this process, and the tests that should turn red run under it: portraits
and their figures, above all. At least eleven of the thirteen have to be noticed; the exit code says
whether they were.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import pytest  # noqa: E402

from tonsure.hair import hat, matte  # noqa: E402
from tonsure.hair.classes import BACKGROUND, HAIR  # noqa: E402
from tonsure.hair.people import People  # noqa: E402
from tonsure.head import compose, features, outline  # noqa: E402
from tonsure.make import beneath  # noqa: E402
from tonsure.models import session  # noqa: E402

LEAST = 11
_PORTRAIT = "tests/test_portraits.py::test_it_is_measured_as_it_was[{}]"
Outputs = list[np.ndarray]


@dataclass(frozen=True)
class Disturbance:
    """`way` opens a context in which something is broken; `tests` should see it."""

    way: Callable[[], contextlib.AbstractContextManager[None]]
    tests: tuple[str, ...]


def of(portrait: str) -> str:
    """The test of a portrait's figures."""
    return _PORTRAIT.format(portrait)


@contextlib.contextmanager
def moved(owner: Any, name: str, value: Any) -> Iterator[None]:
    """`owner.name` is `value` for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def answered(net: str, change: Callable[[Outputs], Outputs]) -> Any:
    """The outputs of a network, changed."""
    opened = session.open

    class Changed:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def run(self, *given: Any) -> Outputs:
            return change([np.array(one) for one in self.inner.run(*given)])

    def open(name: str, threads: int | None = None) -> Any:
        found = opened(name, threads)
        return Changed(found) if name == net else found

    return moved(session, "open", open)


def _little_hair(outputs: Outputs) -> Outputs:
    """Classes (n, 9, h, w): four fifths of the hair are taken for background."""
    classes = outputs[0]
    classes[:, BACKGROUND] += 0.8 * classes[:, HAIR]
    classes[:, HAIR] *= 0.2
    return outputs


def _brighter(outputs: Outputs) -> Outputs:
    """Residual (n, 3, h, w) of the upper third: the dome is lit from above."""
    outputs[0][:, :, : outputs[0].shape[2] // 3] += 0.4
    return outputs


def _colours(outputs: Outputs) -> Outputs:
    """Dark is bright."""
    return [outputs[0], -outputs[1]]


def _wall(outputs: Outputs) -> Outputs:
    outputs[0][:, beneath.BACKGROUND] += 6
    return outputs


_RADII, _GROW = outline.radii, matte.grow
WAYS: dict[str, Disturbance] = {
    "sight misses hair": Disturbance(lambda: answered("sight", _little_hair), (of("stairs"),)),
    "hair_parser misses hair": Disturbance(
        lambda: answered("hair_parser", _little_hair), (of("hill"),)
    ),
    "person_mask sees nobody": Disturbance(
        lambda: answered("person_mask", lambda o: [0 * one for one in o]), (of("hill"),)
    ),
    "hat sees none": Disturbance(
        lambda: answered("hat", lambda o: [0 * one for one in o]),
        ("tests/test_portraits.py::test_hat_and_glasses_stay",),
    ),
    "bare adds light": Disturbance(lambda: answered("bare", _brighter), (of("president"),)),
    "beneath gives other colours": Disturbance(
        lambda: answered("beneath", _colours),
        ("tests/make/test_colours.py::test_what_is_hidden_has_the_colours_beside_it",),
    ),
    "beneath lays wall everywhere": Disturbance(
        lambda: answered("beneath", _wall), (of("brunette"),)
    ),
    "a hat has to be sure": Disturbance(
        lambda: moved(hat, "WORN", 1.1), ("tests/test_portraits.py::test_hat_and_glasses_stay",)
    ),
    "hair is grown by less": Disturbance(
        lambda: moved(matte, "grow", lambda plane, reach: _GROW(plane, 0.3 * reach)), (of("hill"),)
    ),
    "skulls are larger": Disturbance(
        lambda: moved(outline, "radii", lambda *given: 1.08 * _RADII(*given)), (of("hill"),)
    ),
    "no ear is drawn": Disturbance(
        lambda: moved(
            features, "hidden_ears", lambda scene, *given: ((), np.zeros(scene.shape, np.float32))
        ),
        (of("astronaut"),),
    ),
    "nobody else is there": Disturbance(
        lambda: moved(People, "of", lambda face, found: People(face)),
        ("tests/hair/test_people.py::test_every_pixel_has_one_owner",),
    ),
    "skin has no grain": Disturbance(
        lambda: moved(compose, "_grains", lambda *given: []), (of("president"),)
    ),
}


def failing(names: Iterable[str]) -> list[str]:
    """Which of these tests are red, the first of them at least."""
    red: list[str] = []

    class Listener:
        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed:
                red.append(report.nodeid.rsplit("::", 1)[-1])

    quiet = ["-x", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    tests = [str(ROOT / name) for name in names]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([*quiet, *tests], plugins=[Listener()])
    return red


def main(names: list[str]) -> int:
    """Run the disturbances of these names, or all; a line each."""
    chosen = {name: WAYS[name] for name in names or WAYS}
    if red := failing(sorted({test for one in chosen.values() for test in one.tests})):
        print(f"Undisturbed {red[0]} is red already.")
        return 1
    seen = 0
    for name, one in chosen.items():
        with one.way():
            red = failing(one.tests)
        seen += bool(red)
        print(
            f"{'noticed ' if red else 'MISSED  '} {name}: {', '.join(red) or 'all green'}",
            flush=True,
        )
    print(f"{seen} of {len(chosen)} noticed")
    return 0 if seen >= min(LEAST, len(chosen)) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
