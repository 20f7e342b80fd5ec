"""Exported graphs run by ONNX Runtime, beside the detectors that they came from."""

from typing import Any

import numpy as np
import pytest

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from alad.export import scoring  # noqa: E402
from alad.export.encoding import inputs  # noqa: E402

IN_DOUBLE = 1e-9  # what rounding may do to detectors that score in float64


def session(file: Any) -> Any:
    return ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def scored(file: Any, fitted: Any, rows: Any) -> list[np.ndarray]:
    return session(file).run(None, inputs(fitted, rows))


def away(scores: np.ndarray, fitted: Any, rows: Any) -> float:
    """Find the largest difference from the detector's scores, relative to their size."""
    due = fitted.anomaly_score(rows)
    return float((np.abs(scores - due) / (np.abs(due) + scoring.size_of(fitted))).max())
