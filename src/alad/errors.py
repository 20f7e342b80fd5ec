"""The errors that a user sees: bad input, an engine that cannot, training that failed."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Bad input or a bad parameter: one line that names the value and the remedy (exit code 2)."""


class StorageError(InputError):
    """A folder or file that cannot be written or read: the message begins with its path."""


class ResumeError(StorageError):
    """A checkpoint of another training: of other data, other settings or another version."""


class EngineError(InputError):
    """An engine that cannot run a model, or cannot be had here: why, in one line."""


class TrainingError(RuntimeError):
    """Training that cannot go on, such as a loss that is no longer finite (exit code 1)."""


def on_one_line(error: Exception) -> str:
    """Format kind and message of an error, without line breaks, for a table of results."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


@contextmanager
def located(place: object) -> Iterator[None]:
    """Prefix the message of an InputError with a file or folder, unless it names one itself."""
    try:
        yield
    except StorageError:
        raise
    except InputError as error:
        if str(error).startswith((f"{place}: ", f"{place}/")):
            raise
        raise InputError(f"{place}: {error}") from error


def first_line(error: BaseException) -> str:
    """Cut the message of an error to its first line, at most 200 characters."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.splitlines()[0].split())[:200]
