"""How many files of the package a fit and a score go through, and how deep: is the way short?

    python benchmarks/files_called.py

A file counts if a function of it is called; the depth is that of calls within the package. What is
imported on the way is loaded before. The table is small, so that nothing is left out as too slow.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import alad

PACKAGE = str(Path(alad.__file__).parent)


def called(action: Callable[[], Any]) -> tuple[set[str], int]:
    """Return the files of the package of which a function was called, and the depth of calls."""
    files: set[str] = set()
    deepest = 0
    depth = 0

    def watch(frame: FrameType, event: str, _: Any) -> None:
        nonlocal depth, deepest
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return
        if event == "call":
            files.add(frame.f_code.co_filename.removeprefix(PACKAGE + "/"))
            depth += 1
            deepest = max(deepest, depth)
        elif event == "return":
            depth -= 1

    sys.setprofile(watch)
    try:
        action()
    finally:
        sys.setprofile(None)
    return files, deepest


def measured() -> dict[str, tuple[set[str], int]]:
    """Count the files and the depth of a fit and of a score of ALAD, on a small table."""
    rows = np.random.default_rng(0).normal(size=(200, 6))
    alad.ALAD(random_state=0, max_steps=5).fit(rows).anomaly_score(rows)  # loads and compiles
    detector = alad.ALAD(random_state=0, max_steps=20)
    return {
        "fit": called(lambda: detector.fit(rows)),
        "score": called(lambda: detector.anomaly_score(rows)),
    }


def main() -> None:
    for name, (files, depth) in measured().items():
        print(f"{name}: {len(files)} files, {depth} calls deep")
        for file in sorted(files):
            print(f"  {file}")


if __name__ == "__main__":
    main()
