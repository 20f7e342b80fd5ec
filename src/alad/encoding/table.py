"""Tables as float32 matrices: fitted on training rows only, stored as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self
from warnings import warn

import numpy as np

from alad.data.column_kinds import guess
from alad.data.columns import Column, categories, check_finite, listed, numbers
from alad.data.frames import Columns, columns
from alad.encoding.columns import (
    CategoryCode,
    Code,
    NumberCode,
    NumberCodes,
    code_of,
    from_state,
    to_state,
)
from alad.encoding.images import is_images
from alad.encoding.scalings import SCALINGS
from alad.errors import InputError

MANY_ROWS = 20  # fewer may hold strange values by chance


class TableEncoder:
    """Any table -> float32 matrix [n, width_], row by row the same whatever the other rows are.

    `scaling` is a key of SCALINGS; `drop` names columns to leave out (or numbers them, for arrays);
    `owner` is who expects the columns, for messages.

    After fit: `n_features_in_`, `feature_names_in_` (only if the names are the user's), `width_`,
    `output_names_`, and `source_` [width_], the input column of every output column.
    """

    unit: ClassVar[str] = "row"  # what it encodes, for messages

    def __init__(
        self,
        scaling: str = "standard",
        drop: Sequence[str | int] = (),
        *,
        owner: str = "TableEncoder",
    ) -> None:
        self.scaling = scaling
        self.drop = drop
        self.owner = owner

    def fit(self, X: Any, rows: np.ndarray | None = None) -> Self:
        """Learn columns, kinds and scales. Raises InputError naming the column at fault.

        rows: bool [n], those from which levels and scales are learnt; None = all. What kind of
        column it is, all rows say.
        """
        if self.scaling not in SCALINGS:
            known = listed(list(SCALINGS), len(SCALINGS))
            raise InputError(f"scaling is {self.scaling!r}; choose one of {known}")
        table = columns(X)
        dropped = _dropped(table, self.drop)
        kept = [i for i in range(len(table.names)) if table.names[i] not in dropped]
        if not kept:
            raise InputError(f"drop leaves no column; there were {listed(table.names)}")
        read = [guess(table.names[i], table.raw[i]) for i in kept]
        read = read if rows is None else [column.of(rows) for column in read]
        codes = [code_of(column, self.scaling) for column in read]
        if all(isinstance(code, CategoryCode) and not code.levels for code in codes):
            raise InputError("every cell of the table is missing; there is nothing to learn from")
        return self._settle(table.names, table.named, kept, codes)

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
        found = [code for code in codes if isinstance(code, NumberCode)]
        self._number_codes = NumberCodes(found, [self._starts[at] for at in self._numbers])
        self.output_names_ = [name for code in codes for name in code.output_names]
        self.source_ = np.repeat(np.array(kept), widths)
        self.width_ = len(self.output_names_)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """float32 [n, width_]. Columns are found by name; InputError if some are missing or new."""
        table = _read(X)
        places = self._matched(table)
        out = np.zeros((table.n_rows, self.width_), dtype=np.float32)
        if self._numbers:
            values = self._values(table, [places[at] for at in self._numbers])
            self._number_codes.encode(values, out)
        for code, place, start in zip(self._codes, places, self._starts, strict=True):
            if isinstance(code, CategoryCode):
                part = out[:, start : start + len(code.output_names)]
                column = categories(code.name, table.raw[place])
                code.encode(column, part)
                _warn_of_values(code, column)
        return out

    @property
    def shape_(self) -> tuple[int]:
        """Of an encoded row."""
        return (self.width_,)

    def blocks(self, X: Any) -> Iterator[np.ndarray]:
        """The encoded rows in pieces that fit into memory: of a table a single one."""
        yield self.transform(X)

    def fit_transform(self, X: Any, rows: np.ndarray | None = None) -> np.ndarray:
        """fit, then transform all of X, reading it once."""
        table = columns(X)
        return self.fit(table, rows).transform(table)

    @property
    def used_names_(self) -> tuple[str, ...]:
        """Names of the columns that are not dropped, in their order."""
        return tuple(self._names[i] for i in self._kept)

    def cells(self, X: Any) -> list[list[Any]]:
        """[n][used columns]: what stands in the table, as Python values."""
        table = _read(X)
        raw = [table.raw[place].to_pylist() for place in self._matched(table)]
        return [list(row) for row in zip(*raw, strict=True)]

    def decode(self, matrix: np.ndarray) -> list[list[Any]]:
        """[n][used columns]: the values that encoded rows [n, width_] stand for, nearest ones."""
        parts, start = [], 0
        for code in self._codes:
            stop = start + len(code.output_names)
            parts.append(code.decode(matrix[:, start:stop]))
            start = stop
        return [list(row) for row in zip(*parts, strict=True)]

    def _values(self, table: Columns, places: list[int]) -> np.ndarray:
        """The number columns at those places of the table, float64 [n, places]."""
        names = [self._codes[at].name for at in self._numbers]
        if table.matrix is None:
            raw = (table.raw[place] for place in places)
            read = [numbers(name, cells).values for name, cells in zip(names, raw, strict=True)]
            return np.stack(read, axis=1)
        whole = places == list(range(table.matrix.shape[1]))
        values = table.matrix if whole else table.matrix[:, places]
        check_finite(names, values)
        return values

    def _matched(self, table: Columns) -> list[int]:
        """Where in the table the columns of the codes are, in their order."""
        if self._named and table.named:
            return self._by_name(table)
        if table.named or self._named:
            self._warn_of_names(table)
        if len(table.names) != self.n_features_in_:
            raise InputError(self._wrong_width(table))
        return self._kept

    def _by_name(self, table: Columns) -> list[int]:
        due = [self._names[i] for i in self._kept]
        place = {name: i for i, name in enumerate(table.names)}
        missing = [name for name in due if name not in place]
        known = set(self._names)
        extra = [name for name in table.names if name not in known]
        if missing or extra:
            raise InputError(self._wrong_names(table, missing, extra))
        return [place[name] for name in due]

    def _wrong_width(self, table: Columns) -> str:
        return (
            f"X has {len(table.names)} features, but {self.owner} is expecting "
            f"{self.n_features_in_} features as input"
        )

    def _wrong_names(self, table: Columns, missing: list[str], extra: list[str]) -> str:
        same = len(table.names) == self.n_features_in_
        start = "X has other columns than at fit" if same else self._wrong_width(table)
        parts = [f"missing: {listed(missing)}"] if missing else []
        parts += [f"unknown, to be removed: {listed(extra)}"] if extra else []
        return "; ".join([start, *parts])

    def _warn_of_names(self, table: Columns) -> None:
        has, was = ("has", "without") if table.named else ("does not have valid", "with")
        text = f"X {has} feature names, but {self.owner} was fitted {was} feature names"
        warn(f"{text}; columns are taken in their order", UserWarning, stacklevel=4)

    def state(self) -> dict[str, Any]:
        """All that transform needs, as JSON can hold it; floats survive JSON to the last bit."""
        return {
            "scaling": self.scaling,
            "drop": _keys(self.drop),
            "owner": self.owner,
            "names": list(self._names),
            "named": self._named,
            "kept": list(self._kept),
            "codes": [to_state(code) for code in self._codes],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The encoder whose `state` this is; InputError if it is none's."""
        encoder = cls(state["scaling"], tuple(state["drop"]), owner=state["owner"])
        codes = [from_state(code) for code in state["codes"]]
        _check_state(state, codes)
        return encoder._settle(state["names"], state["named"], list(state["kept"]), codes)


def _read(X: Any) -> Columns:
    """New rows; InputError if they are images, which a model of a table cannot score."""
    if is_images(X):
        raise InputError("X is images, but this model is of a table; give a table")
    return columns(X)


def _warn_of_values(code: CategoryCode, column: Column) -> None:
    """A warning if many rows hold only values that training rows did not: coded anew, perhaps."""
    strange = not code.rare and set(code.levels).isdisjoint(column.levels or code.levels)
    if code.levels and strange and len(column.values) >= MANY_ROWS:
        warn(
            f"column {code.name!r} holds no value that it had at fit ({listed(code.levels)}); "
            "is it written in another way?",
            UserWarning,
            stacklevel=4,
        )


def _check_state(state: Mapping[str, Any], codes: list[Code]) -> None:
    """Does every code have its column? InputError if not."""
    names, kept = state["names"], state["kept"]
    texts = isinstance(names, list) and all(isinstance(name, str) for name in names)
    whole = isinstance(kept, list) and all(type(i) is int for i in kept)
    ordered = texts and whole and sorted({*kept} & {*range(len(names))}) == kept
    if not ordered or not codes or [names[i] for i in kept] != [code.name for code in codes]:
        raise InputError("the stored columns do not fit together")
    if type(state["named"]) is not bool or len(set(names)) < len(names):
        raise InputError("the stored column names are none")


def _keys(drop: str | int | Sequence[str | int]) -> list[str | int]:
    """What to drop as plain names and numbers; a single one may come without its list."""
    try:
        keys = [drop] if isinstance(drop, str | int) else [*drop]
        return [str(key) if isinstance(key, str) else int(key) for key in keys]
    except (TypeError, ValueError):
        raise InputError(f"drop is {drop!r}; give names or numbers of columns") from None


def _dropped(table: Columns, drop: Sequence[str | int]) -> set[str]:
    """Names of the columns to leave out; InputError if there is no such column."""
    numbered = {} if table.named else dict(enumerate(table.names))
    wanted = [numbered.get(key, key) if isinstance(key, int) else key for key in _keys(drop)]
    absent = [str(key) for key in wanted if key not in table.names]
    if absent:
        raise InputError(f"no column {listed(absent)} to drop; there are {listed(table.names)}")
    return {str(key) for key in wanted}
