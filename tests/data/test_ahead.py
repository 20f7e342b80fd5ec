"""Items made ahead by another thread come in their order, and errors where they belong."""

import threading
import time
import warnings
from collections.abc import Iterator

import pytest

from alad.data.ahead import ahead


def test_items_come_in_their_order():
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []


def test_no_more_are_made_than_may_wait():
    made = []

    def items() -> Iterator[int]:
        for at in range(50):
            made.append(at)
            yield at

    several = ahead(items(), most=2)
    next(several)
    time.sleep(0.3)
    assert len(made) <= 4  # one taken, two that wait, one at the door
    several.close()
    assert threading.active_count() == 1


def test_an_error_comes_after_what_was_made_before():
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("three")

    got = []
    with pytest.raises(KeyError, match="three"):
        for item in ahead(items()):
            got.append(item)
    assert got == [1, 2]


def test_who_stops_early_closes_what_made_them():
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    for _ in ahead(ahead(items())):
        break
    assert closed.wait(5)
    assert threading.active_count() == 1


def test_warnings_reach_who_asked():
    def items() -> Iterator[int]:
        warnings.warn("from afar", UserWarning, stacklevel=1)
        yield 1

    with pytest.warns(UserWarning, match="from afar"):
        assert list(ahead(items())) == [1]
