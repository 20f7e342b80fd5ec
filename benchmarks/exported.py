"""Export every detector of a mixed table to ONNX; print how near its scores are, and how fast."""

import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd

from alad import catalogue, to_onnx
from alad.detector.contract import Detector
from alad.export.encoding import inputs
from alad.export.scoring import REFUSED

ROWS, NEW = 3000, 20_000
STEPS = {"max_steps": 300}


def table(n: int, seed: int) -> pd.DataFrame:
    """Make ten columns: eight numbers that hang together, some missing, and two categories."""
    rng, mix = np.random.default_rng(seed), np.random.default_rng(0).normal(size=(4, 8))
    rows = pd.DataFrame(rng.normal(size=(n, 4)) @ mix, columns=list("abcdefgh"))
    rows.loc[rng.random(n) < 0.05, "c"] = np.nan
    return rows.assign(size=rng.choice(["s", "m", "l"], n), open=rng.random(n) < 0.5)


def main() -> None:
    warnings.simplefilter("ignore")
    normal, new = table(ROWS, 1), table(NEW, 2)
    for name in catalogue.DETECTORS:
        if catalogue.detector_class(name).model.kind not in REFUSED:
            networks = "batch_size" in catalogue.parameter_names(name)
            detector = catalogue.make(name, random_state=0, **(STEPS if networks else {}))
            print(f"{name:22}", *compared(detector.fit(normal), normal.head(1024), new))


def compared(detector: Detector, known: pd.DataFrame, new: pd.DataFrame) -> tuple[str, ...]:
    """Export a detector: the largest difference, the file's size, rows a second of both."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        told = to_onnx(detector, file, known, tolerance=1e-3)
        size = file.stat().st_size / 1e6
        session = onnxruntime.InferenceSession(str(file), options)
    given = inputs(detector.fitted_, new)
    seconds = timed(lambda: [session.run(None, part) for part in batches(given)])
    there = timed(lambda: detector.anomaly_score(new))
    speed = f"{NEW / seconds:9.0f} rows/s, alad {NEW / there:9.0f}"
    return f"{told['largest_difference']:.0e}", f"{size:6.2f} MB", speed


def batches(given: dict[str, np.ndarray], size: int = 256) -> list[dict[str, np.ndarray]]:
    return [
        {name: array[at : at + size] for name, array in given.items()} for at in range(0, NEW, size)
    ]


def timed(work) -> float:
    """Measure the processor seconds of the quicker of two runs."""
    times = []
    for _ in range(2):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
