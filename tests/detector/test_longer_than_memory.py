"""A table longer than memory is learnt from by way of files: the same model, to the last bit."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from every_detector import quick
from pyarrow import parquet

import alad
from alad.data import column_file, source, typed
from alad.data.array_file import ArrayFile
from alad.detector import rows as detector_rows
from alad.encoding import FileRows, TableEncoder, long_table, table
from alad.errors import InputError

N = 900


@pytest.fixture
def short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for a few rows of numbers, batches of 512 rows."""
    for module in (typed, table):
        monkeypatch.setattr(module, "CELLS_IN_MEMORY", 100)
    monkeypatch.setattr(table, "VALUES_IN_MEMORY", 200)
    monkeypatch.setattr(long_table, "BATCH_ROWS", 128)
    monkeypatch.setattr(source, "BATCH_ROWS", 512)


def frame(n: int = N) -> pd.DataFrame:
    """Numbers, whole ones, holes, categories, a rare one, text of numbers, a constant."""
    generator = np.random.default_rng(0)
    made = pd.DataFrame(generator.normal(size=(n, 4)), columns=list("abcd"))
    made["e"] = made["a"] + 0.1 * made["b"]
    made["whole"] = generator.integers(0, 9, n)
    made.loc[generator.random(n) < 0.05, "c"] = np.nan
    made["kind"] = generator.choice(["x", "y", "z", None], n)
    made.loc[n - 2, "kind"] = "only once"
    made["text"] = generator.integers(0, 5, n).astype(str)
    made["mixed"] = ["1" if at < 700 else "word" for at in range(n)]
    made["same"] = 3.0
    return made


def fits(detector: str, X: Any) -> tuple[Any, np.ndarray]:
    made = quick(detector, random_state=3).fit(X)
    return made, made.anomaly_score(frame(50))


@pytest.mark.filterwarnings("ignore:.*is read as categories")
@pytest.mark.parametrize("detector", ["alad", "autoencoder", "knn", "pca", "dagmm"])
def test_the_model_is_that_of_a_fit_in_memory(
    detector: str, tmp_path: Path, request: pytest.FixtureRequest
):
    X = frame()
    parquet.write_table(pa.Table.from_pandas(X), tmp_path / "X.parquet", row_group_size=300)
    X.to_csv(tmp_path / "X.csv", index=False)
    expected, due = fits(detector, X)
    request.getfixturevalue("short_memory")
    for given in (X, tmp_path / "X.parquet", tmp_path / "X.csv"):
        made, scores = fits(detector, given)
        np.testing.assert_array_equal(scores, due)
        assert made.offset_ == expected.offset_
        assert made.encoder_.state() == expected.encoder_.state()
        kept, same = (one.fitted_ for one in (made, expected))
        np.testing.assert_array_equal(kept.novelty_, same.novelty_)
        np.testing.assert_array_equal(kept.learnt_, same.learnt_)
        np.testing.assert_array_equal(kept.calibration_.scores, same.calibration_.scores)


@pytest.mark.usefixtures("short_memory")
@pytest.mark.filterwarnings("ignore:.*is read as categories")
def test_rows_lie_in_files_that_vanish(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    opened = []
    usual = tempfile.TemporaryFile

    def noted(**named: Any) -> Any:
        opened.append(usual(**named))
        assert Path(named["dir"]) == tmp_path
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    given = source_in(tmp_path)
    with TableEncoder().gathered(given) as read:
        encoded = TableEncoder().fit_transform(read)
        assert isinstance(encoded, FileRows) and len(encoded) == N
        assert not list(tmp_path.iterdir())
    assert len(opened) == 3 and all(file.closed for file in opened)


def source_in(folder: Path) -> Any:
    given = alad.data.opening.source_of(frame())
    given.use_scratch(folder)
    return given


@pytest.mark.usefixtures("short_memory")
@pytest.mark.filterwarnings("ignore:.*is read as categories")
def test_a_full_disk_is_told_with_what_it_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    class Full:
        """A file on a disk without room."""

        def write(self, data: Any) -> None:
            raise OSError(28, "No space left on device")

        def seek(self, place: int) -> None: ...

        def close(self) -> None: ...

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: object) -> None: ...

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **named: Full())
    with pytest.raises(InputError, match=r"No space left on device; .* GB there: make room"):
        alad.KNN().fit(source_in(tmp_path))


@pytest.mark.usefixtures("short_memory")
@pytest.mark.filterwarnings("ignore:.*is read as categories")
def test_who_needs_all_rows_in_memory_draws_as_many_as_fit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(detector_rows, "VALUES_IN_MEMORY", 4_000)
    fitted = alad.PCA(random_state=0).fit(frame())
    assert fitted.training_["rows_used"] == 4_000 // fitted.encoder_.width_
    sampled = alad.KNN(random_state=0, max_rows=300).fit(frame())
    assert sampled.training_["rows_used"] == 300


def test_rows_of_a_file_are_read_in_any_order():
    numbers = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    with tempfile.TemporaryFile() as file:
        file.write(numbers.data)
        rows = FileRows(ArrayFile(file, numbers.shape, np.float32))
        for chosen in (
            np.array([7, 3, 3, 49, 0]),  # any order
            np.arange(4, 20),  # a run
            np.array([4, 5, 7, 8, 10]),  # with gaps
            np.array([0, 49]),  # far apart
            np.arange(50) % 3 == 0,
            slice(10, None, 7),
            slice(0, 0),
        ):
            np.testing.assert_array_equal(np.asarray(rows[chosen]), numbers[chosen])
        np.testing.assert_array_equal(np.concatenate(list(rows[2:].pieces())), numbers[2:])
        few = np.asarray(rows[np.arange(0, 40)][np.arange(1, 40, 2)])
        np.testing.assert_array_equal(few, numbers[1:40:2])


@pytest.mark.parametrize(
    "values", [[0.1, np.nan, -0.0], [1.0, 2.0, np.nan], [1e300, 1.0], [2.0**24 + 1]]
)
def test_a_stored_column_is_the_column(values: list[float]):
    with alad.data.array_file.Scratch() as scratch:
        file = column_file.ColumnFile(scratch)
        first = file.put(typed.Column("other", np.arange(5), ("a", "b", "c", "d", "e")))
        stored = file.put(typed.Column("x", np.array(values), decimal=","))
        assert stored.whole().values.tobytes() == np.array(values).tobytes()
        assert stored.part(slice(1, 9)).values.tobytes() == np.array(values)[1:].tobytes()
        assert (stored.levels, stored.decimal) == (None, ",")
        assert first.whole().values.tolist() == [0, 1, 2, 3, 4]
        assert first.whole().values.dtype == np.int64


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from alad.data.array_file import Scratch
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
with Scratch(*map(Path, sys.argv[1:])) as scratch:
    file = scratch.file()
    for rows in 90_000, 10_001:
        scratch.append(file, np.zeros(rows, np.uint8), 1e5)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of POSIX")
def test_a_disk_that_is_full_at_the_last_byte_is_told_with_what_helps(tmp_path: Path):
    def told(*folder: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", FULL, *folder], capture_output=True, text=True
        ).stderr.splitlines()[-1]

    assert told().startswith("alad.errors.InputError: ")
    assert told().endswith("GB there: make room, or let TMPDIR name another folder")
    assert f"InputError: {tmp_path}: File too large" in told(str(tmp_path))
    assert told(str(tmp_path)).endswith("GB there: make room, or write the model elsewhere")
