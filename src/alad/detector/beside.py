"""A frame with its scores and decisions beside the rows, of the kind that it came as."""

from typing import Any

import narwhals as nw
import numpy as np

from alad.errors import InputError


def with_columns(X: Any, added: dict[str, np.ndarray]) -> Any:
    """Append columns [n] to a frame of pandas (its index is kept), polars or Arrow.

    Raises InputError if X is no frame, or has a column of one of these names.
    """
    if not nw.dependencies.is_into_dataframe(X):
        raise InputError(
            f"X is a {type(X).__name__}, beside whose rows no columns can stand; give a frame of "
            "pandas, polars or Arrow"
        )
    frame = nw.from_native(X, eager_only=True)
    if taken := [name for name in added if name in frame.columns]:
        raise InputError(f"the frame has a column {taken[0]!r} already; rename it")
    if nw.dependencies.is_pandas_dataframe(X):  # a Series would be matched by its index
        return X.assign(**added)
    backend = frame.implementation
    series = [nw.new_series(name, values, backend=backend) for name, values in added.items()]
    return frame.with_columns(*series).to_native()
