"""The way of a row stays short: how many files of the package it passes, and how deep the calls."""

import runpy
from pathlib import Path

COUNTS = Path(__file__).parent.parent / "benchmarks" / "files_called.py"


def test_a_score_passes_few_files():
    files, depth = runpy.run_path(str(COUNTS))["measured"]()["score"]
    assert {"detector/fitted.py", "encoding/table.py"} <= files  # it counts at all
    assert len(files) <= 18, sorted(files)
    assert depth <= 14
