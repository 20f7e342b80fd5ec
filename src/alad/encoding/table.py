"""Tables as float32 matrices: fitted on training rows only, stored as JSON."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from alad.data.ahead import ahead
from alad.data.array_file import Scratch
from alad.data.columns import Column, categories, check_finite, numbers
from alad.data.frames import Columns, Drop, chosen, keys
from alad.data.opening import table_source
from alad.data.refusals import listed
from alad.data.source import BATCH_ROWS, TableSource
from alad.data.typed import CELLS_IN_MEMORY, TypedTable, typed
from alad.encoding import mismatch
from alad.encoding.category_columns import CategoryCode
from alad.encoding.columns import Code, code_of, from_state, to_state
from alad.encoding.known_values import KnownValues
from alad.encoding.long_table import VALUES_IN_MEMORY, encoded_in_file
from alad.encoding.number_columns import NumberCode, NumberCodes, SideBySide
from alad.encoding.rows import Encoded, ReadRows
from alad.encoding.scalings import SCALINGS
from alad.errors import InputError, located
from alad.progress import SILENT_SECONDS, Progress


class TableEncoder:
    """Any table -> float32 matrix [n, width_]; a row's numbers do not depend on the other rows.

    `scaling` is a key of SCALINGS; `drop` names columns to leave out (or numbers them, for arrays);
    `owner` is who expects the columns, for messages; `shown`: is progress of a long fit shown?

    After fit: `n_features_in_`, `feature_names_in_` (only if the names are the user's), `width_`,
    `output_names_`, `source_` [width_], the input column of every output column, and
    `known_`, what learnt rows had in each.
    """

    unit: ClassVar[str] = "row"  # what it encodes, for messages

    def __init__(
        self,
        scaling: str = "standard",
        drop: Drop = (),
        *,
        owner: str = "TableEncoder",
        shown: bool = False,
    ) -> None:
        self.scaling, self.drop, self.owner, self._shown = scaling, drop, owner, shown

    @contextmanager
    def gathered(self, X: Any) -> Iterator[TypedTable]:
        """Read all rows of X in one pass, not yet encoded, for `fit` and `fit_transform`.

        Those of a table longer than memory lie in a file, which exists as long as the context.
        """
        source = table_source(X)
        with Scratch(source.scratch) as scratch:
            with (
                self._progress("reading", source.expected_rows()) as progress,
                closing(source.batches(CELLS_IN_MEMORY)) as batches,
            ):
                table = typed(batches, self.drop, scratch, progress.advance)
            pa.default_memory_pool().release_unused()  # Arrow keeps what reading has freed
            yield table

    def _typed(self, X: Any) -> TypedTable:
        return X if isinstance(X, TypedTable) else typed(table_source(X).batches(), self.drop)

    def _progress(self, what: str, total: int | None, unit: str = "rows") -> Progress:
        label = f"{self.owner}: {what}"
        return Progress(label, total, unit=unit, enabled=self._shown, after=SILENT_SECONDS)

    def fit(self, X: Any, rows: np.ndarray | None = None) -> Self:
        """Learn columns, kinds and scales. Raises InputError naming the column at fault.

        X: a source or what is one, or what `gathered` gives. rows: bool [n], those from which
        levels and scales are learnt; None = all. Kinds of columns are learnt from all rows.
        """
        if self.scaling not in SCALINGS:
            names = listed(list(SCALINGS), len(SCALINGS))
            raise InputError(f"scaling is {self.scaling!r}; choose one of {names}")
        table = self._typed(X)
        codes = []
        with self._progress("learning columns", len(table.columns), "columns") as progress:
            for column in table.columns:
                whole = column.whole()
                codes.append(code_of(whole if rows is None else whole.of(rows), self.scaling))
                progress.advance(len(codes))
        if all(isinstance(code, CategoryCode) and not code.levels for code in codes):
            raise InputError("every cell of the table is missing; give rows with values")
        return self._settle(table.names, table.named, table.kept, codes)

    def _settle(
        self, names: Sequence[str], named: bool, kept: list[int], codes: list[Code]
    ) -> Self:
        self._names, self._named = tuple(names), named
        self._kept, self._codes = kept, codes
        self.n_features_in_ = len(names)
        if named:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        widths = [len(code.output_names) for code in codes]
        self._starts = [0, *np.cumsum(widths)[:-1].tolist()]
        self._numbers = [at for at, code in enumerate(codes) if isinstance(code, NumberCode)]
        number_codes = [code for code in codes if isinstance(code, NumberCode)]
        self._number_codes = NumberCodes(number_codes, [self._starts[at] for at in self._numbers])
        self.known_ = KnownValues(codes, self._starts, self._number_codes)
        self.output_names_ = [name for code in codes for name in code.output_names]
        self.source_ = np.repeat(np.array(kept), widths)
        self.width_ = len(self.output_names_)
        return self

    @property
    def shape_(self) -> tuple[int]:
        """Shape of an encoded row."""
        return (self.width_,)

    def fit_transform(self, X: Any, rows: np.ndarray | None = None) -> Encoded:
        """Fit, then encode all of X, which is read once: float32 [n, width_].

        Of what `gathered` gives they lie in a file where they are too many for memory.
        """
        table = self._typed(X)
        self.fit(table, rows)
        if table.scratch is None or len(table) * self.width_ <= VALUES_IN_MEMORY:
            return self._encoded_part(table, slice(0, len(table)))
        with self._progress("encoding", len(table)) as progress:
            encode, shape = partial(self._encoded_part, table), (len(table), self.width_)
            return encoded_in_file(encode, shape, table.scratch, progress.advance)

    def _encoded_part(self, table: TypedTable, rows: slice) -> np.ndarray:
        """Encode rows of a table, from one to another."""
        if table.matrix is None:
            numbers = [table.columns[at].part(rows).values for at in self._numbers]
            values: SideBySide | np.ndarray = SideBySide(numbers)
        else:
            values = chosen(table.matrix[rows], [table.kept[at] for at in self._numbers])
        count = len(range(*rows.indices(len(table))))
        return self._encoded(count, values, lambda at: table.columns[at].part(rows))

    def transform(self, X: Any) -> np.ndarray:
        """Encode X as float32 [n, width_], by column names; InputError if one is missing.

        As models see it: a hole in a column that never had one at fit is its median.
        """
        return self.known_.filled(self.read(X).encoded)

    def blocks(self, X: Any) -> Iterator[np.ndarray]:
        """Yield encoded rows, a batch of the source at a time; NaN for a hole never met at fit."""
        return (encoded for _, encoded in self.batches(X))

    def batches(self, X: Any) -> Iterator[tuple[Columns, np.ndarray]]:
        """Yield batches of a source, of bounded size, each with its rows as `blocks` has them.

        Where there may be several, the next ones are read and encoded meanwhile, by another thread.
        """
        source = table_source(X)
        read = ((batch, encoded) for batch, encoded, _ in self._read(source))
        return read if (source.n_rows or math.inf) <= BATCH_ROWS else ahead(read)

    def read(self, X: Any) -> ReadRows:
        """Read X once: rows as `blocks` has them, and cells [n][used columns] as Python values."""
        _, blocks, cells = zip(*self._read(table_source(X)), strict=True)
        encoded = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        return ReadRows(encoded, lambda: [row for batch in cells for row in batch()])

    def _read(
        self, source: TableSource
    ) -> Iterator[tuple[Columns, np.ndarray, Callable[[], list[list[Any]]]]]:
        """Yield each batch, its encoded rows [n, width_], and a function that gives their cells."""
        for number, batch in enumerate(source.stream()):
            with located(batch.place) if batch.place else nullcontext():
                places = self._matched(batch)
                if number == 0 and (unknown := self._unknown(batch)):
                    mismatch.warn_of_unused(unknown)
                values = self._numbers_of(batch, [places[at] for at in self._numbers])
                category = partial(self._category_of, batch, places)
                encoded = self._encoded(batch.n_rows, values, category)
            yield batch, encoded, partial(batch.cells, places)

    def _numbers_of(self, batch: Columns, places: list[int]) -> SideBySide | np.ndarray:
        """Read the number columns, at those places of the batch, as float64 [n, places]."""
        codes = self._number_codes.codes
        if batch.matrix is None:
            read = (
                numbers(code.name, batch.raw[at], batch.before, batch.decimal or code.decimal)
                for code, at in zip(codes, places, strict=True)
            )
            return SideBySide([column.values for column in read])
        values = chosen(batch.matrix, places)
        check_finite([code.name for code in codes], values, batch.before)
        return values

    def _category_of(self, batch: Columns, places: list[int], at: int) -> Column:
        """Read the category column of code number `at`."""
        code = self._codes[at]
        return categories(code.name, batch.raw[places[at]])

    def _encoded(
        self,
        n: int,
        values: SideBySide | np.ndarray,
        category: Callable[[int], Column],
    ) -> np.ndarray:
        """Encode number columns [n, numbers] and category columns as float32 [n, width_]."""
        out = np.zeros((n, self.width_), dtype=np.float32)
        if self._numbers:
            self._number_codes.encode(values, out)
        for at, (code, start) in enumerate(zip(self._codes, self._starts, strict=True)):
            if isinstance(code, CategoryCode):
                code.encode(category(at), out[:, start : start + len(code.output_names)])
        return out

    @property
    def codes_(self) -> tuple[tuple[Code, int], ...]:
        """The code of each used column, and its first output column."""
        return tuple(zip(self._codes, self._starts, strict=True))

    @property
    def number_codes_(self) -> NumberCodes:
        """The codes of all number columns, side by side."""
        return self._number_codes

    def cells(self, X: Any) -> tuple[np.ndarray, list[Column]]:
        """Read X, not encoded: number columns float64 [n, numbers], and the category columns.

        Of X that is one batch.
        """
        (batch,) = table_source(X).batches()
        places = self._matched(batch)
        others = [at for at in range(len(self._codes)) if at not in self._numbers]
        read = [self._category_of(batch, places, at) for at in others]
        if not self._numbers:
            return np.zeros((batch.n_rows, 0)), read
        values = self._numbers_of(batch, [places[at] for at in self._numbers])
        return values[slice(0, batch.n_rows)], read

    def encoded_cells(self, values: np.ndarray, columns: Sequence[Column]) -> np.ndarray:
        """Encode what `cells` gives, as `blocks` does: float32 [n, width_]."""
        others = [at for at in range(len(self._codes)) if at not in self._numbers]
        of = dict(zip(others, columns, strict=True))
        return self._encoded(len(values), values, of.__getitem__)

    @property
    def used_names_(self) -> tuple[str, ...]:
        """Names of the columns that are not dropped, in their order."""
        return tuple(self._names[i] for i in self._kept)

    def decode(self, matrix: np.ndarray) -> list[list[Any]]:
        """Recover the nearest values [n][used columns] of encoded rows [n, width_]."""
        parts: list[Any] = [None] * len(self._codes)
        if self._numbers:
            for at, part in zip(self._numbers, self._number_codes.decode(matrix), strict=True):
                parts[at] = part
        for at, (code, start) in enumerate(zip(self._codes, self._starts, strict=True)):
            if isinstance(code, CategoryCode):
                parts[at] = code.decode(matrix[:, start : start + len(code.output_names)])
        return [list(row) for row in zip(*parts, strict=True)]

    def _matched(self, table: Columns) -> list[int]:
        """Find the places of the codes' columns in the table, in their order."""
        due = self._names, self._named, self._kept
        return mismatch.matched(table, *due, self._unknown(table), self.owner)

    def unread(self, names: Sequence[str]) -> list[str]:
        """List the columns that no code reads: left out at fit, or not there; none of arrays."""
        read = set(self.used_names_)
        return [name for name in names if name not in read] if self._named else []

    def _unknown(self, table: Columns) -> list[str]:
        """List the columns of a table that were not there at fit."""
        known = set(self._names)
        return [name for name in self.unread(table.labels or ()) if name not in known]

    def state(self) -> dict[str, Any]:
        """Give all that `transform` needs, as JSON can hold it; floats survive to the last bit."""
        return {
            "scaling": self.scaling,
            "drop": keys(self.drop),
            "owner": self.owner,
            "names": list(self._names),
            "named": self._named,
            "kept": list(self._kept),
            "codes": [to_state(code) for code in self._codes],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Restore the encoder of a `state`; InputError if it is none."""
        encoder = cls(state["scaling"], tuple(state["drop"]), owner=state["owner"])
        codes = [from_state(code) for code in state["codes"]]
        mismatch.check_state(state, [code.name for code in codes])
        return encoder._settle(state["names"], state["named"], list(state["kept"]), codes)
