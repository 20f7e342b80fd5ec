"""Matrix products in NumPy that are the same to the last bit, whatever BLAS does.

The score of a row must not depend on the rows beside it, on its place among them, or on the number
of threads; but BLAS adds up in an order that depends on all three, and each order rounds otherwise.
So here nothing is rounded while it is added up: rows and matrix are first rounded to whole
multiples of a power of two, of so few bits that every sum of their products is a whole number below
2^53 and float64 holds it exactly. Exact sums have no order (Ozaki et al. 2012, of whose slices one
is enough for the precision of float32, and two for nearly that of float64).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIGNIFICAND = 53  # bits of a float64
SUMMANDS = 512  # added up exactly at a time: the more, the fewer bits are left for each


@dataclass(frozen=True)
class ExactMatrix:
    """A matrix [inputs, outputs] as a sum of slices, the first the coarsest.

    The numbers of a slice's column are whole multiples of one power of two, below 2^column_bits of
    them; rows are cut likewise, with row_bits.
    """

    slices: tuple[np.ndarray, ...]
    row_bits: int

    @property
    def whole(self) -> np.ndarray:
        """The matrix, float64."""
        return sum(self.slices[1:], self.slices[0])

    @classmethod
    def of(cls, matrix: np.ndarray, slices: int | None = None) -> ExactMatrix:
        """Slice `matrix`; slices: None = 1 of float32, 2 of float64."""
        if slices is None:
            slices = 1 if matrix.dtype == np.float32 else 2
        summands = min(max(len(matrix), 1), SUMMANDS)
        bits = SIGNIFICAND - (summands - 1).bit_length()
        wide = np.asarray(matrix, np.float64)
        cut = _cut(wide, axis=0, bits=bits - bits // 2, slices=slices)
        return cls(tuple(map(np.ascontiguousarray, cut)), bits // 2)


def exact_product(x: np.ndarray, matrix: ExactMatrix) -> np.ndarray:
    """Multiply x [n, inputs] by the matrix, each row by itself: [n, outputs], all float64.

    Relative to a row's largest number and a column's largest weight, the error is that of a product
    in float32 for one slice, and about 2^-44 for two.
    """
    if not isinstance(x, np.ndarray):  # of a graph to export: what runs it adds up in its own way
        return x @ matrix.whole
    count = len(matrix.slices)
    rows = _cut(x, axis=1, bits=matrix.row_bits, slices=count)
    total = None
    # the small products first; the last slice times the last is below the precision
    for order in reversed(range(count)):
        for at in range(order + 1):
            row_slice, weight_slice = rows[at], matrix.slices[order - at]
            for start in range(0, x.shape[1], SUMMANDS):
                chunk = slice(start, start + SUMMANDS)
                part = row_slice[:, chunk] @ weight_slice[chunk]
                total = part if total is None else np.add(total, part, out=total)
    assert total is not None  # noqa: S101  (there is a slice, and a column)
    return total


def _cut(x: np.ndarray, axis: int, bits: int, slices: int) -> list[np.ndarray]:
    """Cut x [n, m] into slices of `bits` each, which sum up to x but for a small remainder.

    Along `axis` all numbers of a slice are whole multiples of one power of two.
    """
    largest = np.abs(x).max(axis=axis, keepdims=True)
    exponent = np.frexp(largest)[1]  # abs(x) < 2^exponent
    cuts: list[np.ndarray] = []
    for number in range(1, slices + 1):
        # numbers as large as the shift are 2^(exponent - number bits) apart: adding it rounds
        shift = np.ldexp(1.5, exponent + (SIGNIFICAND - 1 - number * bits))
        cut = x + shift
        cut -= shift
        cuts.append(cut)
        if number < slices:
            x = x - cut
    return cuts
