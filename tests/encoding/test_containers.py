"""A row is encoded the same, to the last bit, from every container that can hold its cells."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from alad.classic.neighbours import KNN
from alad.encoding import TableEncoder


def table(seed: int, n: int = 60) -> pd.DataFrame:
    """Columns of random kinds in random order, among them always flags."""
    generator = np.random.default_rng(seed)
    holes = generator.random(n) < 0.2
    columns = {
        "float": generator.normal(size=n).round(2),
        "whole": generator.integers(-100, 100, n),
        "hole": np.where(holes, np.nan, generator.integers(0, 9, n)),
        "flag": generator.random(n) < 0.5,
        "text": generator.choice(["tcp", "udp", "true story"], n),
        "code": pd.Categorical(generator.choice([3, 7, 11], n)),
        "gap": np.where(holes, None, generator.choice(["u", "v"], n)),
    }
    names = generator.permutation([name for name in columns if name != "flag"])[:4]
    return pd.DataFrame({name: columns[name] for name in generator.permutation([*names, "flag"])})


def numbered(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Flags as 0 and 1 of some kind."""
    return frame.assign(flag=frame["flag"].astype(int).astype(kind))


def swapped(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers of the other byte order."""
    changed = {
        name: frame[name].to_numpy().astype(frame[name].dtype.newbyteorder(">"))
        for name in frame
        if isinstance(frame[name].dtype, np.dtype) and frame[name].dtype.kind in "if"
    }
    return frame.assign(**changed)


CONTAINERS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "objects": lambda frame: frame.astype(object),
    "nullable": lambda frame: frame.convert_dtypes(),
    "of Arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "Arrow": pa.Table.from_pandas,
    "polars": lambda frame: pl.DataFrame(frame.astype({c: object for c in frame if c == "code"})),
    "lists": lambda frame: frame.to_numpy().tolist(),
    "tuples": lambda frame: list(frame.itertuples(index=False, name=None)),
    "array of objects": lambda frame: frame.to_numpy(dtype=object),
    "array by columns": lambda frame: np.asfortranarray(frame.to_numpy(dtype=object)),
    "array of text": lambda frame: frame.astype(str).to_numpy().astype(str),
    "text": lambda frame: frame.astype(str),
    "flags as int": lambda frame: numbered(frame, "int64"),
    "flags as bytes": lambda frame: numbered(frame, "uint8"),
    "flags as float": lambda frame: numbered(frame, "float32"),
    "flags as text": lambda frame: numbered(frame, "str"),
    "flags as float text": lambda frame: numbered(numbered(frame, "float64"), "str"),
    "the other byte order": swapped,
    "another index": lambda frame: frame.set_index(np.arange(len(frame)) * 7 + 3),
    "another order": lambda frame: frame[frame.columns[::-1]],
    "every second": lambda frame: pd.concat([frame, frame]).sort_index(kind="stable")[::2],
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_every_container_gives_the_same_row(container, seed):
    frame = table(seed)
    encoder = TableEncoder("standard").fit(frame)
    expected = encoder.transform(frame)
    held = CONTAINERS[container](frame)
    assert encoder.transform(held).tobytes() == expected.tobytes()
    for row in range(3):
        alone = CONTAINERS[container](frame[row : row + 1])
        assert encoder.transform(alone).tobytes() == expected[row : row + 1].tobytes()


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_flags_beside_numbers_score_the_same_from_an_array():
    """An array of them is one of floats: 1.0 is true."""
    frame = table(0)[["flag"]].assign(a=np.arange(60) % 7 / 4)
    detector = KNN(random_state=0).fit(frame)
    scores = detector.anomaly_score(frame)
    np.testing.assert_array_equal(detector.anomaly_score(frame.astype(float).to_numpy()), scores)
    np.testing.assert_array_equal(
        detector.anomaly_score([[bool(flag), a] for flag, a in frame.to_numpy().tolist()]), scores
    )


def test_only_flags_are_read_from_zero_and_one():
    encoder = TableEncoder().fit(pd.DataFrame({"a": ["true", "false", "perhaps"]}))
    np.testing.assert_array_equal(
        encoder.transform(pd.DataFrame({"a": [1, 0]})), [[0, 0, 0, 1]] * 2
    )
    flags = TableEncoder().fit(pd.DataFrame({"a": [True, False, None]}))
    got = flags.transform(pd.DataFrame({"a": [1.0, 0.0, None, 2.0]}))
    np.testing.assert_array_equal(got, np.eye(4)[[1, 0, 2, 3]])


def test_flags_in_numbers_are_no_strange_values(recwarn):
    encoder = TableEncoder().fit(pd.DataFrame({"a": [True, False] * 20}))
    encoder.transform(pd.DataFrame({"a": [1, 0] * 20}))
    assert not recwarn.list
