"""One training looked at from several sides: each of its scores, with curves and histograms.

A row of a results table is judged by one score; here all scores of the same fit are.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alad import metrics
from alad.benchmark.cells import Cell, cells
from alad.benchmark.data.splits import Split, fewer
from alad.benchmark.results_file import Ledger, Line
from alad.benchmark.runner import Job, Say, member_scores, work

SCORES = ("features", "logits", "l1", "l2", "whitened")  # those published, and ours
POINTS = 120  # of a curve
QUANTILES = 101  # of the scores of normal and of anomalous rows
DIGITS = 5  # of a fraction in a curve

View = tuple[str, str, str]  # benchmark, protocol, row


def run(
    views: Sequence[View],
    *,
    runs: int | None = None,
    data_dir: str | Path | None = None,
    path: str | Path,
    say: Say = lambda message: None,
    **how: Any,
) -> Ledger:
    """Fit each row of `views` as its benchmark does, and append a line a score and member.

    The first line of each score of the first split holds curves. runs, how: as in `runner.run`.
    """
    ledger = Ledger(path)
    chosen = [cell for view in views for cell in cells(view[0], [view[1]], [view[2]], runs)]
    firsts = {(cell.benchmark, cell.protocol, cell.row.name): cell for cell in reversed(chosen)}
    jobs = [_Aspects(cell, ledger, how, cell in firsts.values()) for cell in chosen]
    work(jobs, ledger, "scores and curves", data_dir, say)
    return ledger


class _Aspects(Job):
    """A cell of which every score is measured; one finished cell of the ledger for each."""

    def __init__(self, cell: Cell, ledger: Ledger, how: dict[str, Any], curves: bool):
        super().__init__(cell, ledger, how)
        self.curves = curves
        several = cell.detector(**how).model.offers
        self.scores: tuple[str | None, ...] = tuple(s for s in SCORES if s in several) or (None,)

    @property
    def keys(self) -> list[str]:
        return [self._key_of(score) for score in self.scores]

    def _key_of(self, score: str | None) -> str:
        return f"{self.key}-{score or 'own'}"

    def _measure(self, data: Split) -> list[Line]:
        if self.cell.row.test_rows:
            data = fewer(data, None, self.cell.row.test_rows)
        detector, shared = self._fitted(data)
        return [
            line for score in self.scores for line in self._lines(score, detector, data, shared)
        ]

    def _lines(self, score: str | None, detector, data: Split, shared: dict[str, Any]):
        scored = member_scores(detector, data.test, self.cell.numbers, score)
        for member, scores, seconds in scored:
            first = self.curves and member == scored[-1][0]
            line = self._line(
                member=member,
                cell_lines=len(scored),
                score=score,
                **metrics.evaluate(scores, data.test_anomalous, data.percentile),
                score_seconds=seconds,
                **shared,
                **({"curves": curves(scores, data.test_anomalous)} if first else {}),
            )
            yield line | {"cell": self._key_of(score)}


def curves(scores: np.ndarray, anomalous: np.ndarray) -> dict[str, Any]:
    """ROC, precision over recall, and quantiles of the scores of both kinds of rows, for JSON."""
    levels = np.linspace(0, 1, QUANTILES)
    kinds = {"normal": scores[~anomalous], "anomalous": scores[anomalous]}
    return {
        "roc": _thinned(metrics.roc(scores, anomalous)),
        "precision_recall": _thinned(metrics.precision_recall(scores, anomalous)),
        "quantiles": {
            kind: [float(f"{value:.4g}") for value in np.quantile(own, levels)]
            for kind, own in kinds.items()
        },
        "rows": {kind: len(own) for kind, own in kinds.items()},
    }


def _thinned(curve: metrics.Curve) -> list[list[float]]:
    """x and y of at most POINTS points, about equally far from each other along the curve."""
    steps = np.hypot(np.diff(curve.x), np.diff(curve.y))
    along = np.concatenate([[0.0], np.cumsum(steps)])
    kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], POINTS)))
    return [[round(float(value), DIGITS) for value in axis[kept]] for axis in (curve.x, curve.y)]
