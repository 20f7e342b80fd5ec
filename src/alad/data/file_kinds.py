"""What a file is: by its first bytes, and by the end of its name."""

from collections.abc import Iterator
from pathlib import PurePath

import pyarrow as pa

from alad.data.refusals import NO_ROWS
from alad.errors import InputError

UNREADABLE = (
    (b"PK\x03\x04", "a zip, Excel or NumPy file; save its table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an Excel file; save the sheet as CSV"),
    (b"SQLite format 3", "a SQLite database; save a table of it as CSV or Parquet"),
    (b"ORC", "an ORC file; save it as Parquet"),
    (b"Obj\x01", "an Avro file; save it as Parquet"),
    (b"\x93NUMPY", "a NumPy file; save it as CSV, or give the array to detector.fit"),
    (b"\x89HDF", "an HDF5 file; save the table as Parquet"),
    (b"%PDF", "a PDF file; save the table as CSV"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed; unpack it, or use gzip"),
    (b"BZh", "bzip2-compressed; unpack it, or use gzip"),
    (b"\xfd7zXZ", "xz-compressed; unpack it, or use gzip"),
)
NAMED = {  # no plain text, by the end of the name
    **dict.fromkeys((".parquet", ".pq"), "Parquet"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "Arrow"),
    **dict.fromkeys((".jsonl", ".ndjson"), "JSON lines"),
    **dict.fromkeys((".xlsx", ".xls"), "Excel"),
    **dict.fromkeys((".npy", ".npz"), "NumPy"),
    ".gz": "gzip",
}


def check_readable(head: bytes) -> None:
    """Raise InputError if a file's first bytes are those of a format that is not read."""
    for magic, what in UNREADABLE:
        if head.startswith(magic):
            raise InputError(f"is {what}")


def as_named(name: str, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield tables read as CSV from a file, whatever its name.

    Nonsense is text too, one column without a row. Raises InputError for such where the name says
    that the file is something else.
    """
    said = NAMED.get(PurePath(name).suffix.lower())
    first = None
    try:
        first = next(tables)
    except ValueError as error:
        if said is None or not (isinstance(error, UnicodeDecodeError) or str(error) == NO_ROWS):
            raise
    if said and (first is None or not first.num_rows or first.num_columns == 1):
        cure = "copy it again, or save it as CSV or Parquet"
        raise InputError(f"is neither {said}, as its name says, nor a table of text; {cure}")
    if first is not None:
        yield first
        yield from tables
