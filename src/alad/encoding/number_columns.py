"""How number columns become columns of a matrix, fitted on training rows.

One output column each, scaled, and a second one (0 or 1) for "missing" if training rows missed it.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from ctypes import c_double, c_int64, c_void_p
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from alad.data.columns import Column
from alad.data.spelling import COMMA, POINT
from alad.encoding.scalings import (
    IDENTITY,
    RATIO_LIMIT,
    SCALINGS,
    Parameters,
    is_constant,
    limited,
    novelty,
    ratio,
)
from alad.native import build

RAW_LIMIT = 1e150  # numbers beyond are read as this: their squares must be finite in float64
LIMIT = 1e15  # and encoded numbers beyond as this: squares and their sums finite in float32
ENCODED_AT_ONCE = 256  # rows: what is worked on stays in the processor's cache


@dataclass(frozen=True)
class NumberCode:
    """A number column: scaled, the median where missing, an indicator if it ever was missing."""

    name: str
    fill: float
    missing: bool
    scaling: str
    constant: float | None  # the value of a column that has only one
    warp: Parameters = field(default_factory=dict)
    shift: float = 0.0
    unit: float = 1.0
    decimal: str = POINT  # the mark before decimals, where a text can be read with either
    kept: float | None = None  # as `constant`, for a scaling that keeps the column as it is

    @classmethod
    def fit(cls, column: Column, scaling: str) -> Self:
        holes = np.isnan(column.values)
        x = limited(column.values[~holes], RAW_LIMIT)
        common = (column.name, float(np.median(x)), bool(holes.any()), scaling)
        if is_constant(x) and not SCALINGS[scaling].constants:
            return cls(*common, float(x[0]), decimal=column.decimal)
        warp = SCALINGS[scaling].warp.fit(x)
        shift, unit = SCALINGS[scaling].spread(SCALINGS[scaling].warp.apply(x, **warp))
        unit = unit or 1.0  # 0 if it underflows
        kept = float(x[0]) if is_constant(x) else None
        return cls(*common, None, warp, shift, unit, column.decimal, kept)

    @property
    def output_names(self) -> list[str]:
        return [self.name, *([f"{self.name}=<missing>"] if self.missing else [])]

    def scaled(self, x: np.ndarray) -> np.ndarray:
        """Scale numbers x [n], none missing."""
        return NumberCodes([self], [0]).scaled(x[:, np.newaxis])[:, 0]


def _shortest(x: float, between: Sequence[float]) -> float:
    """Round x to the fewest digits, at most six, that keep it between two numbers."""
    low, high = between
    if low <= 0 <= high:
        return 0.0
    rounded = (float(f"{x:.{digits}g}") for digits in range(1, 7))
    return next((short for short in rounded if low <= short <= high), float(f"{x:.6g}"))


class SideBySide:
    """Columns float64 [n] as a matrix [n, columns], of which slices of rows are made on demand."""

    def __init__(self, columns: Sequence[np.ndarray]):
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.stack([column[rows] for column in self._columns], axis=1)


class NumberCodes:
    """The number columns of a table, encoded side by side, a block of rows at a time.

    codes: those of the columns; starts: the first output column of each.
    """

    def __init__(self, codes: Sequence[NumberCode], starts: Sequence[int]):
        self.codes = codes
        self._at = np.array(starts, dtype=np.intp)
        self._columns = _run(self._at)
        self._fill = np.array([code.fill for code in codes])
        self._marked = np.flatnonzero([code.missing for code in codes])
        self._unmarked = np.flatnonzero([not code.missing for code in codes])
        self._constant = np.flatnonzero([code.constant is not None for code in codes])
        self._constants = np.array([code.constant for code in codes if code.constant is not None])
        self._groups = _alike(codes)
        # side by side, with a shift and a unit each and nothing else
        self._linear = (
            [len(group.at) for group in self._groups] == [len(codes)]
            and SCALINGS[self._groups[0].scaling].warp is IDENTITY
            and isinstance(self._columns, slice)
            and not len(self._marked)
        )

    def encode(self, values: "np.ndarray | SideBySide", out: np.ndarray) -> None:
        """Encode values [n, columns], NaN where missing, into their columns of out [n, width].

        NaN stays where a column has a hole that never had one at fit.
        """
        in_c = self._linear and build.problem() is None
        for start in range(0, len(values), ENCODED_AT_ONCE):
            rows = slice(start, start + ENCODED_AT_ONCE)
            block = values[rows]
            if np.isnan(block).any():
                out[rows, self._columns], marks = self.block(block)
                out[rows, self._at[self._marked] + 1] = marks
            elif in_c:
                self._encode_in_c(block, out[rows, self._columns])
            else:  # the same numbers, and marks are 0
                out[rows, self._columns] = self._without_holes(block)
                out[rows, self._at[self._marked] + 1] = 0

    def _encode_in_c(self, values: np.ndarray, out: np.ndarray) -> None:
        """Encode values [n, columns], none missing, into out [n, columns], as NumPy does."""
        values, (group,) = np.ascontiguousarray(values, np.float64), self._groups
        by = group.shift.ctypes.data, group.unit.ctypes.data, RAW_LIMIT, LIMIT
        to = out.ctypes.data, out.strides[0] // out.itemsize
        _scale_in_c()(values.ctypes.data, *values.shape, *by, *to)

    def block(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Encode values [n, columns]: the same shape, and marks of holes, bool [n, marked]."""
        holes = np.isnan(values)
        encoded = self._without_holes(np.where(holes, self._fill, values))
        if (new := holes[:, self._unmarked]).any():
            encoded[:, self._unmarked] = np.where(new, np.nan, encoded[:, self._unmarked])
        return encoded, holes[:, self._marked]

    def _without_holes(self, values: np.ndarray) -> np.ndarray:
        """Encode values [n, columns], none missing: the same shape."""
        return limited(self.scaled(limited(values, RAW_LIMIT)), LIMIT)

    @property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """The output columns of what `block` gives."""
        return self._at, self._at[self._marked] + 1

    def decode(self, encoded: np.ndarray) -> list[list[float | None]]:
        """Find the numbers that encoded rows [n, width] stand for: [columns][n]; None for missing.

        Each is the shortest, of at most six digits, that float32 cannot tell from it: 0, not 9e-10.
        """
        codes = encoded[:, self._at]
        limits = (np.nextafter(codes, np.float32(to)) for to in (-np.inf, np.inf))
        low, high = (self.unscaled(limit.astype(np.float64)).T.tolist() for limit in limits)
        found = self.unscaled(codes.astype(np.float64)).T.tolist()
        holes = np.zeros(codes.shape, bool)
        holes[:, self._marked] = encoded[:, self._at[self._marked] + 1] >= 0.5
        return [
            [
                None if hole else _shortest(x, between)
                for x, hole, *between in zip(*column, strict=True)
            ]
            for column in zip(found, holes.T.tolist(), low, high, strict=True)
        ]

    def unscaled(self, codes: np.ndarray) -> np.ndarray:
        """Undo `scaled` for codes [n, columns]; codes is overwritten."""
        codes[:, self._constant] = self._constants
        for group in self._groups:
            codes[:, group.at] = limited(group.unscaled(codes[:, group.at]), RAW_LIMIT)
        return codes

    def scaled(self, x: np.ndarray) -> np.ndarray:
        """Scale numbers x [n, columns], none missing; x is overwritten."""
        if len(self._constant):
            x[:, self._constant] = novelty(x[:, self._constant], self._constants)
        for group in self._groups:
            if len(group.at) == len(self.codes):
                return group.scaled(x)
            x[:, group.at] = group.scaled(x[:, group.at])
        return x


@functools.cache
def _scale_in_c() -> Callable[..., None]:
    scale = build.library().alad_scale
    scale.argtypes = [
        *(c_void_p, c_int64, c_int64, c_void_p, c_void_p),
        *(c_double, c_double, c_void_p, c_int64),
    ]
    scale.restype = None
    return scale


@dataclass(frozen=True)
class _Alike:
    """Columns whose scaling is the same function of arrays of parameters."""

    at: np.ndarray
    scaling: str
    warp: Parameters  # arrays with a number for each of the columns
    shift: np.ndarray
    unit: np.ndarray

    def scaled(self, x: np.ndarray) -> np.ndarray:
        return ratio(SCALINGS[self.scaling].warp.apply(x, **self.warp) - self.shift, self.unit)

    def unscaled(self, codes: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # of codes that no number has
            t = limited(codes * self.unit, RATIO_LIMIT) + self.shift
            return SCALINGS[self.scaling].warp.undo(t, **self.warp)


def _run(places: np.ndarray) -> np.ndarray | slice:
    """Give places as a slice if they follow one another, which NumPy reads and writes faster."""
    if len(places) and (np.diff(places) == 1).all():
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


def _alike(codes: Sequence[NumberCode]) -> list[_Alike]:
    """Group the columns that vary by scaling; one whose parameters are lists stands alone."""
    places: dict[tuple[str, int], list[int]] = {}
    for place, code in enumerate(codes):
        if code.constant is None:
            together = SCALINGS[code.scaling].warp.together
            places.setdefault((code.scaling, -1 if together else place), []).append(place)
    return [
        _group(scaling, at, [codes[place] for place in at]) for (scaling, _), at in places.items()
    ]


def _group(scaling: str, at: list[int], codes: list[NumberCode]) -> _Alike:
    warp = {name: np.array([code.warp[name] for code in codes]) for name in codes[0].warp}
    if not SCALINGS[scaling].warp.together:
        warp = codes[0].warp
    shift, unit = (np.array([getattr(code, name) for code in codes]) for name in ("shift", "unit"))
    return _Alike(np.array(at), scaling, warp, shift, unit)


def sound_number(code: NumberCode) -> bool:
    """Tell whether the code's parameters are numbers, and all that it encodes is finite."""
    given = [code.fill, code.shift, code.unit]
    given += [value for value in (code.constant, code.kept) if value is not None]
    plain = all(
        type(number) in (int, float) and abs(number) <= sys.float_info.max for number in given
    )
    marked = code.decimal in (POINT, COMMA)
    if not plain or not marked or not isinstance(code.missing, bool) or code.unit <= 0:
        return False
    probe = np.array([-RAW_LIMIT, 0.0, code.fill, RAW_LIMIT])
    with np.errstate(divide="raise", invalid="raise"):
        return bool(np.isfinite(code.scaled(limited(probe, RAW_LIMIT))).all())
