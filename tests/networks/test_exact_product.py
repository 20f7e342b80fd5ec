"""Products without rounding on the way: sums have no order, and are right."""

from __future__ import annotations

import numpy as np
import pytest

from alad.networks.exact_product import SUMMANDS, ExactMatrix, exact_product

SIZES = [(1, 1), (7, 3), (121, 64), (242, 128), (SUMMANDS, 33)]


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers of very different sizes."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=shape) * 10.0 ** generator.uniform(-3, 3, size=shape)


@pytest.mark.parametrize("slices", [1, 2])
@pytest.mark.parametrize(("inputs", "outputs"), SIZES)
def test_sums_have_no_order(inputs: int, outputs: int, slices: int):
    """BLAS may add up as it likes: with the summands in another order every bit is the same."""
    x, weight = drawn(60, inputs), drawn(inputs, outputs, seed=1)
    expected = exact_product(x, ExactMatrix.of(weight, slices))
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(inputs)
        matrix = ExactMatrix.of(weight[order], slices)
        np.testing.assert_array_equal(exact_product(x[:, order], matrix), expected)
        one_by_one = sum_in_turn(x[:, order], weight[order], slices)
        np.testing.assert_array_equal(one_by_one, expected)


def sum_in_turn(x: np.ndarray, weight: np.ndarray, slices: int) -> np.ndarray:
    """The same product without BLAS, one summand after the other, slice by slice."""
    matrix, total = ExactMatrix.of(weight, slices), 0.0
    rest, parts = x, []
    for number in range(1, slices + 1):
        largest = np.abs(x).max(axis=1, keepdims=True)
        unit = np.ldexp(1.0, np.frexp(largest)[1] - number * matrix.row_bits)
        parts.append(np.rint(rest / unit) * unit)
        rest = rest - parts[-1]
    pairs = [(0, 0)] if slices == 1 else [(0, 1), (1, 0), (0, 0)]
    for one, other in pairs:
        part = np.zeros((len(x), weight.shape[1]))
        for number in range(len(weight)):
            part = part + parts[one][:, number, None] * matrix.slices[other][number]
        total = total + part
    return np.asarray(total)


@pytest.mark.parametrize(("slices", "tolerance"), [(1, 2.0**-20), (2, 2.0**-41)])
@pytest.mark.parametrize(("inputs", "outputs"), [*SIZES, (2_000, 5)])
def test_the_error_is_small(inputs: int, outputs: int, slices: int, tolerance: float):
    """Of each summand, relative to the row's and the column's largest numbers."""
    x, weight = drawn(20, inputs), drawn(inputs, outputs, seed=1)
    got = exact_product(x, ExactMatrix.of(weight, slices))
    exact = np.asarray(x, np.longdouble) @ np.asarray(weight, np.longdouble)
    bound = np.abs(x).max(axis=1)[:, None] * np.abs(weight).max(axis=0) * inputs
    assert (np.abs(got - exact) <= tolerance * bound).all()


def test_sizes_of_rows_do_not_matter():
    """Powers of two are taken out: the error is relative, and 0 gives 0."""
    x, matrix = drawn(1, 9), ExactMatrix.of(drawn(9, 4, seed=1), 1)
    expected = exact_product(x, matrix)
    for size in (2.0**-149, 2.0**-40, 2.0**100):
        np.testing.assert_array_equal(exact_product(size * x, matrix), size * expected)
    np.testing.assert_array_equal(exact_product(np.zeros((2, 9)), matrix), np.zeros((2, 4)))


def test_whole_numbers_are_exact_up_to_the_last_bit():
    """As many summands as are allowed, each as large as can be."""
    bits = 22  # (53 - 9) / 2, of 2^9 summands
    x = np.full((3, SUMMANDS), 2.0**bits - 1.0)
    weight = np.full((SUMMANDS, 2), 1.0 - 2.0**bits)
    expected = -SUMMANDS * (2**bits - 1) ** 2
    got = exact_product(x, ExactMatrix.of(weight, 1))
    assert got.astype(object).astype(int).tolist() == [[expected] * 2] * 3


def test_one_slice_of_float32_and_two_of_float64():
    assert len(ExactMatrix.of(np.eye(3, dtype=np.float32)).slices) == 1
    assert len(ExactMatrix.of(np.eye(3)).slices) == 2
