"""Does the graph give the scores of the detector that it was written from? Measured, then told."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import onnxruntime

from alad.detector.fitted import Fitted
from alad.errors import InputError
from alad.export.encoding import input_of
from alad.export.graph import HEAT, P_VALUE, SCORE
from alad.export.scoring import graph_of, size_of
from alad.neural.model import NetworkModel
from alad.storage import now
from alad.version import __version__

FEW = (1, 7)  # rows at once; and as many as are compared
ALONE = 128  # rows, the first ones, that are scored one by one
TOO_LOW = "p_value_too_low"
LEAST_DIFFERENCE = 1e-12  # that rounding in float64 may make
SLACK = 4.0  # times the largest difference of scores, a calibration score counts as equal


# by kind of rows the graph's inputs, and the outputs due but for p-values
Cases = dict[str, tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]
Differences = dict[str, dict[str, dict[str, float]]]  # by kind of rows, batch, and what differs


def certified(fitted: Fitted, X: Any, tolerance: float) -> tuple[bytes, dict[str, Any]]:
    """Write the graph of a detector and compare the two: the graph, and its certificate.

    X: known rows or images; None = those that the model keeps to compare others with. Differences
    of scores are relative to abs(score) + `size_of`. Raises InputError above the tolerance.
    """
    given = input_of(fitted)
    known = given.kept(given.most) if X is None else given.read(X, given.most)
    cases: Cases = {
        f"{what} {fitted.encoder_.unit}s": (given.inputs(rows), given.due(rows))
        for what, rows in (("known", known), ("fuzzed", given.disturbed(known)))
    }
    # scores first: how near they are says which calibration scores count as equal to one
    first = _differences(fitted, graph_of(fitted, given, 0.0), cases, given.most)
    for what, output in (("scores", SCORE), ("heat maps", HEAT)):
        if not (far := _largest(output, first)) <= tolerance:
            raise InputError(
                f"{fitted.name}: the exported graph's {what} differ by {far:.1e}, relative to "
                f"their size, from alad's; more than the tolerance of {tolerance:g}, nothing "
                f"written: {given.remedy}give a larger tolerance"
            )
    slack = SLACK * max(_largest(SCORE, first), LEAST_DIFFERENCE)
    graph = graph_of(fitted, given, slack)
    differences = _differences(fitted, graph, cases, given.most)
    if _largest(TOO_LOW, differences) > LEAST_DIFFERENCE:
        raise InputError(
            f"{fitted.name}: p-values of the exported graph are too low; nothing written"
        )
    return graph, {
        "detector": fitted.name,
        "alad": __version__,
        "engine": _engine(fitted),
        "onnxruntime": onnxruntime.__version__,
        "made": now(),
        "sha256": hashlib.sha256(graph).hexdigest(),
        "tolerance": tolerance,
        "largest_difference": _largest(SCORE, differences),
        "counted_as_equal": slack,
        "rows": {kind: len(due[SCORE]) for kind, (_, due) in cases.items()},
        "differences": differences,
    }


def _differences(fitted: Fitted, graph: bytes, cases: Cases, most: int) -> Differences:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
    return {
        kind: {
            f"batches of {size}": _compared(fitted, session, *case, size)
            for size in sorted({min(size, most) for size in (*FEW, most)})
        }
        for kind, case in cases.items()
    }


def _largest(what: str, differences: Differences) -> float:
    """Find the largest difference of all; NaN if one is."""
    each = (found for batches in differences.values() for found in batches.values())
    return float(np.max([found.get(what, 0.0) for found in each]))


def _engine(fitted: Fitted) -> str:
    """Name what computed alad's scores."""
    return fitted.model_.scored_by() if isinstance(fitted.model_, NetworkModel) else "numpy"


def _compared(
    fitted: Fitted,
    session: Any,
    given: dict[str, np.ndarray],
    due: dict[str, np.ndarray],
    size: int,
) -> dict[str, float]:
    """Compare scores, p-values and heat, of so many rows at once: the largest differences."""
    n, size_of_scores = len(due[SCORE][: ALONE if size == 1 else None]), size_of(fitted)
    parts = [
        session.run(None, {name: array[at : at + size] for name, array in given.items()})
        for at in range(0, n, size)
    ]
    names = [output.name for output in session.get_outputs()]
    arrays = [np.concatenate(part)[:n] for part in zip(*parts, strict=True)]
    made, told = dict(zip(names, arrays, strict=True)), {}
    for name in due:
        away = np.abs(made[name] - due[name][:n])
        told[name] = float((away / (np.abs(due[name][:n]) + size_of_scores)).max())
    if P_VALUE in made:
        away = made[P_VALUE] - fitted.calibrated().p_values(due[SCORE][:n])
        told[P_VALUE] = float(np.abs(away).max())
        told[TOO_LOW] = max(0.0, float(-away.min()))
    return told
