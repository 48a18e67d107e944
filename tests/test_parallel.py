"""Two things at the same time."""

from __future__ import annotations

import threading

import pytest

from tonsure.parallel import both


@pytest.mark.parametrize("threads", [1, 2, None])
def test_both_results_in_order(threads: int | None) -> None:
    assert both(lambda: 1, lambda: "two", threads) == (1, "two")


def test_with_threads_neither_waits_for_the_other() -> None:
    here, there = threading.Event(), threading.Event()

    def one() -> bool:
        here.set()
        return there.wait(5)

    def other() -> bool:
        there.set()
        return here.wait(5)

    assert both(one, other, 2) == (True, True)


@pytest.mark.parametrize("threads", [1, 2])
def test_what_either_raises_comes_out(threads: int) -> None:
    def fails() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        both(fails, lambda: 1, threads)
    with pytest.raises(KeyError):
        both(lambda: 1, fails, threads)
