"""A fitted detector written as an ONNX file, with a certificate beside it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alad.data import writing
from alad.detector.contract import Detector
from alad.detector.fitted import Fitted
from alad.errors import InputError, StorageError
from alad.parameters import is_number

TOLERANCE = 1e-5  # of a difference of scores, relative to their size
NEEDED = ("onnx", "onnxruntime")


def to_onnx(
    detector: Fitted | Detector, file: str | Path, rows: Any = None, *, tolerance: float = TOLERANCE
) -> dict[str, Any]:
    """Write a fitted detector as an ONNX graph, if it gives the detector's scores.

    The graph of a table takes cells as they are, "numbers" float64 [n, …] with NaN for holes and
    "categories", texts [n, …] with "" for holes; of images "images", pixels [n, height, width,
    channels] of the size and kind at fit. It gives "anomaly_score" float64 [n], large = anomalous,
    and "p_value" where the detector is calibrated. Before it is written ONNX Runtime scores known
    rows and disturbed ones in batches of 1, 7 and 1024 (of large images fewer). A
    file.certificate.json tells the largest difference, relative to abs(score) + the median of the
    abs(calibration scores).

    rows: known rows, a table, or images, of which the first 1024 count; None = those that the model
    keeps. Returns the certificate. Raises InputError, and writes nothing, if a difference exceeds
    the tolerance, if there is no graph of the detector, or if onnx or onnxruntime is missing;
    NotFittedError before a fit.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise InputError(f"export needs {' and '.join(missing)}: pip install 'alad[export]'")
    if not is_number(tolerance) or not 0 < tolerance < 1:
        raise InputError(f"tolerance is {tolerance!r}; give a number between 0 and 1, such as 1e-5")
    target = Path(file)
    if target.suffix != ".onnx":
        raise StorageError(f"{target}: name a file that ends in .onnx")
    from alad.export.certificate import certified

    fitted = detector.checked() if isinstance(detector, Detector) else detector
    if not isinstance(fitted, Fitted):
        raise InputError(f"{detector!r} is no fitted detector; give one, or what alad.load gives")
    graph, certificate = certified(fitted, rows, tolerance)
    text = json.dumps(certificate, indent=2) + "\n"
    path = target.with_suffix(".certificate.json")
    try:
        with ExitStack() as both:  # both are whole before one has its name
            both.enter_context(writing.replacing(path)).write(text.encode())
            path = target
            both.enter_context(writing.replacing(path)).write(graph)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error
    return certificate
