"""Does the graph give the scores of the detector that it was written from? Measured, then told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime

from alad.data.columns import Column
from alad.detector.fitted import Fitted
from alad.encoding.category_columns import CategoryCode
from alad.encoding.number_columns import NumberCode
from alad.errors import InputError
from alad.export.encoding import Cells, table_encoder
from alad.export.scoring import P_VALUE, SCORE, graph_of, size_of
from alad.neural.model import NetworkModel
from alad.storage import now
from alad.version import __version__

BATCHES = (1, 7, 1024)  # rows at once
MOST = 1024  # rows of each kind that are compared; one by one the first of them
ALONE = 128
NEVER_MET = "never met at fit"
SEED = 0
TOO_LOW = "p_value_too_low"
LEAST_DIFFERENCE = 1e-12  # that rounding in float64 may make
SLACK = 4.0  # times the largest difference of scores, a calibration score counts as equal


def certified(fitted: Fitted, rows: Cells | None, tolerance: float) -> tuple[bytes, dict[str, Any]]:
    """Write the graph of a detector and compare the two: the graph, and its certificate.

    rows: known rows; None = those that the model keeps to compare others with. Differences of
    scores are relative to abs(score) + `size_of`. Raises InputError above the tolerance.
    """
    known = _first(kept_rows(fitted) if rows is None else rows, MOST)
    cases = {"known rows": known, "fuzzed rows": fuzzed(fitted, known)}
    # scores first: how near they are says which calibration scores count as equal to one
    nearly = _largest(SCORE, _differences(fitted, graph_of(fitted, slack=0.0), cases))
    if not nearly <= tolerance:
        raise InputError(
            f"{fitted.name}: the exported graph's scores differ by {nearly:.1e}, relative to their "
            f"size, from alad's; more than the tolerance of {tolerance:g}, nothing written: score "
            "with engine='numpy', or give a larger tolerance"
        )
    slack = SLACK * max(nearly, LEAST_DIFFERENCE)
    graph = graph_of(fitted, slack)
    differences = _differences(fitted, graph, cases)
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
        "rows": {kind: len(cells) for kind, cells in cases.items()},
        "differences": differences,
    }


Differences = dict[str, dict[str, dict[str, float]]]  # by kind of rows, batch, and what differs


def _differences(fitted: Fitted, graph: bytes, cases: dict[str, Cells]) -> Differences:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
    return {
        kind: {f"batches of {size}": _compared(fitted, session, cells, size) for size in BATCHES}
        for kind, cells in cases.items()
    }


def _largest(what: str, differences: Differences) -> float:
    """Find the largest difference of all; NaN if one is."""
    each = (found for batches in differences.values() for found in batches.values())
    return float(np.max([found.get(what, 0.0) for found in each]))


def _engine(fitted: Fitted) -> str:
    """Name what computed alad's scores."""
    return fitted.model_.scored_by() if isinstance(fitted.model_, NetworkModel) else "numpy"


def _compared(fitted: Fitted, session: Any, cells: Cells, size: int) -> dict[str, float]:
    """Compare scores and p-values of rows, so many at once: the largest differences."""
    if size == 1:
        cells = _first(cells, ALONE)
    encoder = table_encoder(fitted)
    due = fitted.score_encoded(encoder.encoded_cells(cells.numbers, cells.categories))
    given = cells.inputs()
    parts = [
        session.run(None, {name: array[at : at + size] for name, array in given.items()})
        for at in range(0, len(cells), size)
    ]
    scores, *rest = (np.concatenate(part) for part in zip(*parts, strict=True))
    told = {SCORE: float((np.abs(scores - due) / (np.abs(due) + size_of(fitted))).max())}
    if rest:
        away = rest[0] - fitted.calibrated().p_values(due)
        told[P_VALUE] = float(np.abs(away).max())
        told[TOO_LOW] = max(0.0, float(-away.min()))
    return told


# --- rows -----------------------------------------------------------------------------------------


def _first(cells: Cells, count: int) -> Cells:
    columns = [Column(c.name, c.values[:count], c.levels) for c in cells.categories]
    return Cells(cells.numbers[:count], columns)


def kept_rows(fitted: Fitted) -> Cells:
    """Decode the learnt rows that the model keeps; InputError if it is too old to have any."""
    encoder = table_encoder(fitted)
    if fitted.references_ is None:
        raise InputError(f"this {fitted.name} keeps no rows to compare with; give some")
    decoded = list(zip(*encoder.decode(fitted.references_), strict=True))
    pairs = [(code, cells) for (code, _), cells in zip(encoder.codes_, decoded, strict=True)]
    numbers = [
        np.array([np.nan if cell is None else cell for cell in cells], np.float64)
        for code, cells in pairs
        if isinstance(code, NumberCode)
    ]
    n = len(fitted.references_)
    columns = [_column(code.name, cells) for code, cells in pairs if isinstance(code, CategoryCode)]
    return Cells(np.stack(numbers, axis=1) if numbers else np.zeros((n, 0)), columns)


def _column(name: str, cells: Sequence[str | None]) -> Column:
    levels = tuple(sorted({cell for cell in cells if cell is not None}))
    place = {level: at for at, level in enumerate(levels)}
    return Column(name, np.array([-1 if c is None else place[c] for c in cells]), levels)


def fuzzed(fitted: Fitted, known: Cells) -> Cells:
    """Disturb known rows: cells of other rows, tenfold to thousandfold, zeros, holes, new texts."""
    rng = np.random.default_rng(SEED)
    x = known.numbers.copy()
    n, width = x.shape
    kinds = rng.random((n, width))
    other = np.take_along_axis(x, rng.integers(0, max(n, 1), (n, width)), axis=0)
    x = np.where(kinds < 0.3, other, x)
    x = np.where(kinds < 0.1, x * 10.0 ** rng.uniform(-3, 3, (n, width)), x)
    x = np.where(kinds < 0.04, 0.0, x)
    x = np.where(kinds < 0.02, np.nan, x)
    codes = [code for code, _ in table_encoder(fitted).codes_ if isinstance(code, CategoryCode)]
    columns = []
    for column, code in zip(known.categories, codes, strict=True):
        levels = (
            *dict.fromkeys([*(column.levels or ()), *code.levels, *code.rarer[:9]]),
            NEVER_MET,
        )
        drawn = rng.integers(-1, len(levels), n)
        kept = column.values if column.levels is not None else np.full(n, -1)
        columns.append(Column(column.name, np.where(rng.random(n) < 0.5, drawn, kept), levels))
    return Cells(x, columns)
