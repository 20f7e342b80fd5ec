"""What holds of every table that can be thought of, tried on many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alad.encoding import SCALINGS, TableEncoder

COLUMNS = st.lists(st.integers(-9_999, 9_999), min_size=3, max_size=30)
quickly = settings(max_examples=40, deadline=None, derandomize=True)


@pytest.mark.parametrize("scaling", SCALINGS)
@quickly
@given(column=COLUMNS, exponent=st.integers(-12, 12))
def test_a_decoded_number_is_encoded_as_the_number_was(scaling: str, column: list, exponent: int):
    """Numbers of four digits come back as ones that float32 cannot tell from them."""
    x = np.array([float(f"{number}e{exponent}") for number in column])[:, np.newaxis]
    encoder = TableEncoder(scaling).fit(x)
    code = encoder.transform(x)
    again = encoder.transform(np.array(encoder.decode(code), dtype=float))
    assert (np.abs(again - code) <= 3 * np.spacing(np.abs(code) + np.float32(1e-30))).all()
