"""Open data of any kind as a source of rows or images, by `source_of`.

data -> batches
    frame of pandas, polars or Arrow, array, list of rows, row as a dictionary or Series -> one
    Arrow stream (`__arrow_c_stream__`), read once -> its own, small ones joined
    lazy frame of polars, dataset of Arrow -> its own
    file; "-", standard input, read once -> one
    `Query` of a database -> its own, joined
    list of files, folder of part files, pattern, URL -> one for each file
    array of images -> one
    `Pictures`; folder, picture or table of pictures, pictures by a list or pattern -> as many
    pictures as suit their size

A new kind of source is a function from the data to a `TableSource` or an `ImageSource`, and a row
of `OPENERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, cast

import narwhals as nw
import numpy as np
import pyarrow as pa

from alad.data.database import Query, is_database, shown
from alad.data.image_source import ImageSource
from alad.data.part_files import Part, numbered, parts_at, place_of_files, with_cells
from alad.data.picture_files import are_pictures, holds_pictures
from alad.data.pictures import Pictures
from alad.data.reading import explained, place_of, read_batches
from alad.data.records import are_records, columns_of_records
from alad.data.refusals import listed
from alad.data.remote import is_url
from alad.data.source import FileTables, Source, TableSource
from alad.data.writing import STREAM
from alad.errors import InputError

CHANNELS = (1, 3, 4)  # lengths of the last axis of images; others are most likely no channels
BATCHES_AHEAD = 2  # of a dataset
LEAST_ROWS = 1 << 16  # in a batch of a stream, but for the last; smaller ones are joined


def source_of(
    X: Any,
    *,
    size: tuple[int, int] | None = None,
    strict: bool = False,
    mask: str | Path | None = None,
) -> Source:
    """Open X as a source, for detectors and for the command line.

    size, strict, mask: of pictures in a folder or file, see `alad.Pictures`. Raises InputError if
    there is nothing at a path; its content is checked when it is read.
    """
    opener = next(opener for opener in OPENERS if opener.fits(X))
    return opener.opened(X, {"size": size, "strict": strict, "mask": mask})


def table_source(X: Any) -> TableSource:
    """Open X as a source of a table; InputError if it is images."""
    source = source_of(X)
    if not isinstance(source, TableSource):
        raise InputError("X is images, but this model is of a table; give a table")
    return source


def image_source(source: Source, but: str) -> ImageSource:
    """Give back a source of images; InputError for a table, or what cannot be read at all.

    but: why it is to be images, and the remedy.
    """
    if isinstance(source, TableSource):
        source.names  # noqa: B018 - nothing is there, or a list of images: reading it says so
        raise InputError(f"X is a table, {but}")
    return cast(ImageSource, source)


class Opener(NamedTuple):
    """A kind of data: the test for it, and the function that opens it."""

    fits: Callable[[Any], bool]
    opened: Callable[[Any, dict[str, Any]], Source]  # data, {size, strict} of pictures -> source


def _is_path(X: Any) -> bool:
    return isinstance(X, str | Path)


def _are_paths(X: Any) -> bool:
    return isinstance(X, list | tuple) and bool(X) and all(map(_is_path, X))


def _is_stream(X: Any) -> bool:
    """Tell whether X is an Arrow stream, but neither a frame nor a series."""
    whole = nw.dependencies.is_into_dataframe(X) or nw.dependencies.is_into_series(X)
    return hasattr(X, "__arrow_c_stream__") and not whole and not isinstance(X, pa.RecordBatch)


def _at_path(X: str | Path, of_pictures: dict[str, Any]) -> Source:
    if not str(X):
        raise InputError("the name of the table is empty; name a file, or - for standard input")
    if str(X) == STREAM:
        place = place_of(X)
        pieces = _once(lambda: [FileTables(place, read_batches(X))], place)
        return TableSource(pieces, place, again=False)
    if is_database(X):
        raise InputError(
            f"{shown(str(X))}: is a database; give a query, too: --query 'select …' of fit and "
            "score; for others write its rows to a file"
        )
    if not is_url(X) and holds_pictures(X):
        return ImageSource(Pictures(X, **of_pictures), str(X))
    parts = parts_at(X)
    files = [part.file for part in parts if isinstance(part.file, str | Path)]
    if not is_url(X) and are_pictures(files):  # of a pattern
        return ImageSource(Pictures(files, **of_pictures), str(X))
    return _files(parts, str(X))


def _files(parts: Sequence[Part], place: str) -> TableSource:
    """Make a source of files of the same columns; of several, those without rows are skipped."""
    numbers = numbered(parts)

    def pieces() -> Iterator[FileTables]:
        first: list[str] = []
        for part in parts:
            read = read_batches(part.file, may_be_empty=len(parts) > 1)
            with closing(with_cells(read, part, numbers)) as tables:
                table, file = FileTables(place_of(part.file), tables).peeked()
                first = first or table.column_names
                _check_same(part, table.column_names, parts[0], first)
                if table.num_rows:
                    yield file

    return TableSource(pieces, place, files=[part.file for part in parts])


def _check_same(part: Part, names: Sequence[str], first: Part, due: Sequence[str]) -> None:
    """Raise InputError if a file has other columns than the first one."""
    if sorted(names) != sorted(due):
        changes = {
            "missing": [name for name in due if name not in names],
            "new": [name for name in names if name not in due],
        }
        told = [f"{word}: {listed(changed)}" for word, changed in changes.items() if changed]
        what = f"{part.file}: has other columns than {first.file}; {'; '.join(told)}"
        raise InputError(f"{what}; give files of the same columns")


def _of_query(X: Query, _: dict[str, Any]) -> TableSource:
    return TableSource(lambda: [FileTables(X.place, X.tables())], X.place)


def _of_stream(X: Any, _: dict[str, Any]) -> TableSource:
    def pieces() -> Iterator[pa.Table]:
        with explained("X"):
            small: list[pa.RecordBatch] = []  # batches to be joined
            for batch in pa.RecordBatchReader.from_stream(X):
                small += [batch] if batch.num_rows else []
                if sum(map(len, small)) >= LEAST_ROWS:
                    yield pa.Table.from_batches(small)
                    small = []
            if small:
                yield pa.Table.from_batches(small)

    return TableSource(_once(pieces, "X"), again=False)


def _once(pieces: Callable[[], Iterable[Any]], place: str) -> Callable[[], Iterable[Any]]:
    """Make a function callable once; a second call raises InputError."""
    calls = iter([pieces])

    def pieces_once() -> Iterable[Any]:
        first = next(calls, None)
        if first is None:
            raise InputError(f"{place}: is a stream, was read, and cannot be read again; save it")
        return first()

    return pieces_once


def _of_images(X: Any, _: dict[str, Any]) -> ImageSource:
    """Open an array of images. Raises InputError if it has another shape."""
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
    shape = getattr(X, "shape", None)
    rows = len(X) if isinstance(X, list | tuple) else shape[0] if shape else None
    return TableSource(lambda: [X], n_rows=rows, in_memory=True)


def _of_records(X: Any, _: dict[str, Any]) -> TableSource:
    return TableSource(lambda: [columns_of_records(X)], in_memory=True)


def _of_paths(X: Sequence[str | Path], of_pictures: dict[str, Any]) -> Source:
    others = [place for place in X if not are_pictures([place])]
    if not others:
        return ImageSource(Pictures(X, **of_pictures), place_of_files(X))
    if len(others) < len(X):
        what = "is no picture, and others are" if Path(others[0]).exists() else "is not there"
        raise InputError(f"{others[0]}: {what}; leave it out, or name the folder of the pictures")
    parts = [part for place in X for part in _parts_of(place)]
    return _files(parts, place_of_files(X))


def _parts_of(place: str | Path) -> list[Part]:
    """List the files at one of several places."""
    if str(place) == STREAM:
        raise InputError("- is standard input; give it alone, or name files")
    return parts_at(place)


def _is_lazy(X: Any) -> bool:
    return nw.dependencies.is_polars_lazyframe(X) and hasattr(X, "collect_batches")


def _of_lazy(X: Any, _: dict[str, Any]) -> TableSource:
    """Open a lazy frame of polars, which is computed a batch at a time, each time it is read."""
    return TableSource(lambda: X.collect_batches(chunk_size=LEAST_ROWS, maintain_order=True))


def _is_dataset(X: Any) -> bool:
    return type(X).__module__ == "pyarrow._dataset" and hasattr(X, "to_batches")


def _of_dataset(X: Any, _: dict[str, Any]) -> TableSource:
    """Open a dataset of Arrow, files of which are read as they are asked for."""

    def pieces() -> Iterator[pa.Table]:
        with explained("X"):
            batches = X.to_batches(
                batch_size=LEAST_ROWS, batch_readahead=BATCHES_AHEAD, fragment_readahead=1
            )
            yield from (pa.Table.from_batches([batch]) for batch in batches if batch.num_rows)

    return TableSource(pieces)


OPENERS = [  # the first that fits opens it
    Opener(lambda X: isinstance(X, Source), lambda X, _: X),
    Opener(lambda X: isinstance(X, np.ndarray) and X.ndim == 2, _of_table),
    Opener(lambda X: isinstance(X, Pictures), lambda X, _: ImageSource(X, X.place)),
    Opener(lambda X: isinstance(X, Query), _of_query),
    Opener(_is_path, _at_path),
    Opener(_are_paths, _of_paths),
    Opener(lambda X: getattr(X, "ndim", 0) in (3, 4), _of_images),
    Opener(are_records, _of_records),
    Opener(_is_lazy, _of_lazy),
    Opener(_is_dataset, _of_dataset),
    Opener(_is_stream, _of_stream),
    Opener(lambda X: True, _of_table),
]
