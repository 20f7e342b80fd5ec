"""The two ways in which a user hears that something cannot be done."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Bad input or a bad parameter: one line that names the value and the remedy (exit code 2)."""


class TrainingError(RuntimeError):
    """A training that cannot go on, such as a loss that is no longer finite (exit code 1)."""


def on_one_line(error: Exception) -> str:
    """What went wrong, for a table of results: kind and message, without line ends."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


@contextmanager
def located(place: object) -> Iterator[None]:
    """Bad input found in here is said to be at `place`: a file, a folder; once is enough."""
    try:
        yield
    except InputError as error:
        if str(error).startswith((f"{place}: ", f"{place}/")):
            raise
        raise InputError(f"{place}: {error}") from error
