"""Open whatever people give as a source of rows or images; `source_of` is the one way in.

what is given -> its batches
    frame of pandas, polars or Arrow, array, list of rows -> one
    Arrow stream (`__arrow_c_stream__`) -> its own, small ones joined; read once
    file; "-", standard input, which is read once -> one
    list of files, folder of part files -> one a file
    array of images -> one
    `Pictures`; folder, picture or table of pictures -> as many pictures as suit their size

A new kind of source is a function from what is given to a `TableSource` or an `ImageSource`, and
its row in `OPENERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pyarrow as pa

from alad.data.picture_files import holds_pictures
from alad.data.pictures import Pictures
from alad.data.reading import explained, part_files, place_of, read_table
from alad.data.refusals import listed
from alad.data.source import ImageSource, Source, TableSource
from alad.data.writing import STREAM
from alad.errors import InputError

CHANNELS = (1, 3, 4)  # the last axis of colour images; another length is most likely no channel
LEAST_ROWS = 1 << 16  # of a batch of a stream: smaller ones are joined, up to the last


def source_of(X: Any, *, size: tuple[int, int] | None = None, strict: bool = False) -> Source:
    """The source that X is; the one way in, for detectors and for the command line.

    size, strict: of pictures in a folder or file, see `alad.Pictures`. Raises InputError if there
    is nothing at a path; what lies there is refused when it is read.
    """
    opener = next(opener for opener in OPENERS if opener.fits(X))
    return opener.opened(X, {"size": size, "strict": strict})


class Opener(NamedTuple):
    """A kind of thing that people give: does it fit, and the source that it is."""

    fits: Callable[[Any], bool]
    opened: Callable[[Any, dict[str, Any]], Source]  # what is given; size and strict of pictures


def _is_path(X: Any) -> bool:
    return isinstance(X, str | Path)


def _are_paths(X: Any) -> bool:
    return isinstance(X, list | tuple) and bool(X) and all(map(_is_path, X))


def _is_stream(X: Any) -> bool:
    """An Arrow stream that is no frame and no series."""
    whole = nw.dependencies.is_into_dataframe(X) or nw.dependencies.is_into_series(X)
    return hasattr(X, "__arrow_c_stream__") and not whole and not isinstance(X, pa.RecordBatch)


def _at_path(X: str | Path, of_pictures: dict[str, Any]) -> Source:
    if not str(X):
        raise InputError("the name of the table is empty; name a file, or - for standard input")
    if str(X) == STREAM:
        return TableSource(_once(lambda: [read_table(X)], place_of(X)), place_of(X), again=False)
    if holds_pictures(X):
        return ImageSource(Pictures(X, **of_pictures), str(X))
    if Path(X).is_dir():
        return _files(part_files(Path(X)), str(X))
    return TableSource(lambda: [read_table(X)], str(X))


def _files(paths: Sequence[str | Path], place: str) -> TableSource:
    """Several files of the same columns; those without rows are passed over."""

    def pieces() -> Iterator[pa.Table]:
        first: list[str] = []
        for path in paths:
            table = read_table(path, may_be_empty=True)
            first = first or table.column_names
            if sorted(table.column_names) != sorted(first):
                raise InputError(f"{path}: {_differing(table.column_names, first, paths[0])}")
            if table.num_rows:
                yield table

    return TableSource(pieces, place)


def _differing(names: list[str], first: list[str], where: str | Path) -> str:
    missing = [name for name in first if name not in names]
    unknown = [name for name in names if name not in first]
    parts = [
        f"{word}: {listed(some)}" for word, some in (("missing", missing), ("new", unknown)) if some
    ]
    return f"has other columns than {where}; {'; '.join(parts)}"


def _of_stream(X: Any, _: dict[str, Any]) -> TableSource:
    def pieces() -> Iterator[pa.Table]:
        with explained("X"):
            yield from _regrouped(pa.RecordBatchReader.from_stream(X))

    return TableSource(_once(pieces, "X"), again=False)


def _regrouped(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The batches of a stream, small ones joined."""
    waiting: list[pa.RecordBatch] = []
    for batch in reader:
        waiting += [batch] if batch.num_rows else []
        if sum(map(len, waiting)) >= LEAST_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _once(pieces: Callable[[], Iterable[Any]], place: str) -> Callable[[], Iterable[Any]]:
    """The same, which refuses to be called again."""
    calls = iter([pieces])

    def pieces_once() -> Iterable[Any]:
        first = next(calls, None)
        if first is None:
            raise InputError(f"{place}: is a stream, was read, and cannot be read again; save it")
        return first()

    return pieces_once


def _of_images(X: Any, _: dict[str, Any]) -> ImageSource:
    """An array of images. Raises InputError if its shape is none of theirs."""
    pixels = np.asarray(X)
    if pixels.ndim == 3 and pixels.shape[2] in CHANNELS:
        raise InputError(
            f"X has the shape {pixels.shape}, which is one image; give several, or X[np.newaxis]"
            f"; of windows of {pixels.shape[2]} sensors a table: X.reshape(len(X), -1)"
        )
    if pixels.ndim == 3:
        pixels = pixels[..., np.newaxis]
    if 0 in pixels.shape:
        raise InputError(
            f"images have the shape {np.shape(X)}; give [n, height, width] or [n, height, width, "
            "channels], with at least 1 sample"
        )
    if pixels.shape[3] not in CHANNELS:
        turned = (
            ": channels come last; X.transpose(0, 2, 3, 1)" if pixels.shape[1] in (1, 3) else ""
        )
        raise InputError(
            f"images of shape {pixels.shape} have {pixels.shape[3]} channels, not 1, 3 or 4{turned}"
        )
    return ImageSource(pixels)


def _of_table(X: Any, _: dict[str, Any]) -> TableSource:
    sized = hasattr(X, "__len__") and getattr(X, "ndim", 2) != 0
    return TableSource(lambda: [X], n_rows=len(X) if sized else None, in_memory=True)


def _called(paths: Sequence[str | Path]) -> str:
    return f"{paths[0]} and {len(paths) - 1} more" if paths[1:] else str(paths[0])


OPENERS = [  # the first that fits opens it
    Opener(lambda X: isinstance(X, Source), lambda X, _: X),
    Opener(lambda X: isinstance(X, Pictures), lambda X, _: ImageSource(X, str(X.source))),
    Opener(_is_path, _at_path),
    Opener(_are_paths, lambda X, _: _files(X, _called(X))),
    Opener(lambda X: getattr(X, "ndim", 0) in (3, 4), _of_images),
    Opener(_is_stream, _of_stream),
    Opener(lambda X: True, _of_table),
]
