"""Export detectors to ONNX; print how near their scores are to alad's, and how fast.

tables: every detector, of a mixed table. images: every detector, of the digits 0 to 4 of
scikit-learn, 8 × 8 pixels, and a few of 64 × 64. backbones: those in the graph, on a drawn texture
of 64 × 64 pixels with defects.

    python benchmarks/exported.py                 # all
    python benchmarks/exported.py images backbones
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from sklearn.datasets import load_digits

from alad import catalogue, to_onnx
from alad.benchmark.data.drawn_textures import good_pictures, new_pictures
from alad.detector.contract import Detector
from alad.export.encoding import inputs
from alad.export.scoring import REFUSED

ROWS, NEW = 3000, 20_000
LEARNT_DIGITS, SIDE, LEARNT, SPOILT = 700, 64, 100, 30
FEWER_STEPS = {"max_steps": 50}
STEPS = {"max_steps": 300}
BACKBONES = ("texture", "efficientnet-lite0", "efficientnet-lite0-pooled")
TOLERANCE = 1e-3  # far above what is found, so that it is found


def main() -> None:
    groups = {"tables": of_tables, "images": of_images, "backbones": of_backbones}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("group", nargs="*", help=f"of {', '.join(groups)}; all without")
    chosen = parser.parse_args().group or list(groups)
    warnings.simplefilter("ignore")
    for group in chosen:
        print(group)
        for what, detector, learnt, new in groups[group]():
            known = learnt[:1024]
            print(f"{what:34}", *compared(detector.fit(learnt), known, new), flush=True)


Case = tuple[str, Detector, Any, Any]  # what it is, a detector, rows to learn, and new ones


def of_tables() -> Iterator[Case]:
    """Yield every detector, with rows of a mixed table."""
    normal, new = table(ROWS, 1), table(NEW, 2)
    for name in exported():
        yield name, made(name), normal, new


def table(n: int, seed: int) -> pd.DataFrame:
    """Make ten columns: eight numbers that hang together, some missing, and two categories."""
    rng, mix = np.random.default_rng(seed), np.random.default_rng(0).normal(size=(4, 8))
    rows = pd.DataFrame(rng.normal(size=(n, 4)) @ mix, columns=list("abcdefgh"))
    rows.loc[rng.random(n) < 0.05, "c"] = np.nan
    return rows.assign(size=rng.choice(["s", "m", "l"], n), open=rng.random(n) < 0.5)


def of_images() -> Iterator[Case]:
    """Yield every detector, with digits; ALAD with larger pictures, too, and a shorter training."""
    digits: Any = load_digits()
    images = (15 * digits.images).astype(np.uint8)
    normal = images[digits.target < 5]
    new = np.concatenate([normal[LEARNT_DIGITS:], images[digits.target >= 5]])
    for name in exported():
        yield name, made(name), normal[:LEARNT_DIGITS], new
    yield "alad, 64 × 64", made("alad", **FEWER_STEPS), *textures()


def of_backbones() -> Iterator[Case]:
    """Yield three detectors behind each backbone, with pictures of a texture."""
    for backbone in BACKBONES:
        for name in ("alad", "knn", "pca"):
            yield f"{name}, {backbone}", made(name, backbone=backbone), *textures()


def textures() -> tuple[np.ndarray, np.ndarray]:
    """Draw good pictures of cloth, and good and spoilt new ones."""
    drawn = new_pictures("weave", SPOILT, SPOILT, SIDE, 1).images
    return good_pictures("weave", LEARNT, SIDE, 0), drawn


def exported() -> list[str]:
    """Name the detectors that have a graph."""
    names = catalogue.DETECTORS
    return [name for name in names if catalogue.detector_class(name).model.kind not in REFUSED]


def made(name: str, **params: Any) -> Detector:
    """Make a detector with a short training."""
    networks = "batch_size" in catalogue.parameter_names(name)
    return catalogue.make(name, random_state=0, **((STEPS if networks else {}) | params))


def compared(detector: Detector, known: Any, new: Any) -> tuple[str, ...]:
    """Export a detector: the largest difference, the file's size, rows a second of both."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        told = to_onnx(detector, file, known, tolerance=TOLERANCE)
        size = file.stat().st_size / 1e6
        session = onnxruntime.InferenceSession(str(file), options)
    given = inputs(detector.fitted_, new)
    seconds = timed(lambda: [session.run(None, part) for part in batches(given)])
    there = timed(lambda: detector.anomaly_score(new))
    speed = f"{len(new) / seconds:9.0f} a second, alad {len(new) / there:9.0f}"
    return f"{told['largest_difference']:.0e}", f"{size:6.2f} MB", speed


def batches(given: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Cut inputs into batches of 256 rows, or of 16 images of more than 1,000 numbers."""
    first = next(iter(given.values()))
    size = 16 if first[0].size > 1000 else 256
    return [
        {name: array[at : at + size] for name, array in given.items()}
        for at in range(0, len(first), size)
    ]


def timed(work: Callable[[], Any]) -> float:
    """Measure the processor seconds of the quicker of two runs."""
    times = []
    for _ in range(2):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
