"""The folder of official files, for tests that need real data."""

import os
from pathlib import Path

import pytest
from toy_benchmark import toy  # noqa: F401  (a fixture)

FOLDER = os.environ.get("ALAD_DATA")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder named by ALAD_DATA when the tests began; without it the test is skipped."""
    if not FOLDER:
        pytest.skip("ALAD_DATA names no folder with the benchmarks' official files")
    return Path(FOLDER)
