"""The formats that tables are written in, table by table."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import IO, Any, ClassVar

import pyarrow as pa
from pyarrow import parquet

from alad.data import csv_text, json_lines
from alad.data.spool import FROM_TEXT, typed

ROWS_OF_ARROW = 1 << 16  # in a batch


class TableFormat(ABC):
    """Writes tables into an open file."""

    typed: ClassVar[bool] = True  # does it have numbers, where CSV has text alone?
    of_one_schema: ClassVar[bool] = True  # must all tables have the same types?

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._writer: Any = None

    def needs_all(self, schema: pa.Schema) -> bool:
        """Tell whether all tables must be known before the first is written."""
        return self.typed and FROM_TEXT in (schema.metadata or {})

    @abstractmethod
    def write(self, table: pa.Table) -> None:
        """Write the next table."""

    def end(self) -> None:
        """Write what ends the file."""
        if self._writer is not None:
            self._writer.close()

    def abandon(self) -> None:  # noqa: B027 (most have nothing to do)
        """Write nothing more, not when this is collected either; after `end` it changes nothing."""

    def read_back(self, path: str) -> Iterator[pa.Table]:
        """Yield what was written, of a format that is of one schema."""
        raise NotImplementedError  # where tables may have several types, nobody asks


class Csv(TableFormat):
    """Text, the columns separated by commas."""

    typed = of_one_schema = False
    delimiter: ClassVar[str] = ","
    _begun = False

    def write(self, table: pa.Table) -> None:
        if not self._begun:
            csv_text.write_header(table.column_names, self._file, self.delimiter)
            self._begun = True
        csv_text.write_rows(table, self._file, self.delimiter)


class Tsv(Csv):
    """Text, the columns separated by tabs."""

    delimiter = "\t"


class Parquet(TableFormat):
    """A row group for every table."""

    def write(self, table: pa.Table) -> None:
        table = typed(table)
        self._writer = self._writer or parquet.ParquetWriter(self._file, table.schema)
        self._writer.write_table(table)

    def abandon(self) -> None:
        if self._writer is not None:
            self._writer.is_open = False

    def read_back(self, path: str) -> Iterator[pa.Table]:
        content = parquet.ParquetFile(path, pre_buffer=False)
        return (content.read_row_group(at) for at in range(content.num_row_groups))


class Arrow(TableFormat):
    """Arrow's file format, as `pyarrow.feather` writes it, not compressed."""

    def needs_all(self, schema: pa.Schema) -> bool:
        """Tell it of dictionaries too: one stands before all tables that use it."""
        dictionaries = any(map(pa.types.is_dictionary, schema.types))
        return dictionaries or super().needs_all(schema)

    def write(self, table: pa.Table) -> None:
        table = typed(table)
        self._writer = self._writer or pa.ipc.new_file(self._file, table.schema)
        self._writer.write_table(table, max_chunksize=ROWS_OF_ARROW)

    def read_back(self, path: str) -> Iterator[pa.Table]:
        content = pa.ipc.open_file(pa.OSFile(path))
        batches = map(content.get_batch, range(content.num_record_batches))
        return (pa.Table.from_batches([batch]) for batch in batches)


class JsonLines(TableFormat):
    """An object a line."""

    of_one_schema = False

    def write(self, table: pa.Table) -> None:
        json_lines.write(typed(table), self._file)


SUFFIXES: dict[str, type[TableFormat]] = {
    ".csv": Csv,
    **dict.fromkeys((".tsv", ".txt"), Tsv),
    **dict.fromkeys((".parquet", ".pq"), Parquet),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), Arrow),
    **dict.fromkeys((".jsonl", ".ndjson"), JsonLines),
}


def format_of(suffix: str, file: IO[bytes]) -> TableFormat:
    """Make the writer that a suffix asks for."""
    return SUFFIXES[suffix](file)
