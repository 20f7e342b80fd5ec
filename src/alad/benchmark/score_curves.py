"""Every score of one training, measured as the rows of results are, with curves and histograms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alad import metrics
from alad.benchmark.cells import BenchmarkCell, cells
from alad.benchmark.data.splits import Split
from alad.benchmark.results_file import Line, ResultsFile
from alad.benchmark.runner import Job, Say, member_scores, one_by_one
from alad.report.charts.lines import thinned

COMPARED = ("features", "logits", "l1", "l2", "whitened")  # those published, and ours
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
) -> ResultsFile:
    """Fit each row of `views` as its benchmark does, and append a line a score and member.

    Lines of the first split hold curves. runs, how: as in `runner.run`.
    """
    file = ResultsFile(path)
    chosen = [cell for view in views for cell in cells(view[0], [view[1]], [view[2]], runs)]
    firsts = {(cell.benchmark, cell.protocol, cell.row.name): cell for cell in reversed(chosen)}
    jobs = [ScoresJob(cell, file, how, cell in firsts.values()) for cell in chosen]
    one_by_one(jobs, file, "scores and curves", data_dir, say)
    return file


class ScoresJob(Job):
    """A cell measured by every score, each under a key of its own."""

    def __init__(self, cell: BenchmarkCell, file: ResultsFile, how: dict[str, Any], curves: bool):
        super().__init__(cell, file, how)
        self.curves = curves
        several = cell.detector(**how).model.offers
        self.scores: tuple[str | None, ...] = tuple(s for s in COMPARED if s in several) or (None,)

    @property
    def keys(self) -> list[str]:
        return [self._key_of(score) for score in self.scores]

    def _key_of(self, score: str | None) -> str:
        return f"{self.key}-{score or 'own'}"

    def _measure(self, data: Split) -> list[Line]:
        """Make a line for each score and member and, of several members, for the ensemble."""
        detector, shared = self._fitted(data)
        lines = []
        for score in self.scores:
            scored = member_scores(detector, data.test, self.cell.numbers, score)
            for member, scores, seconds in scored:
                drawn = self.curves and member == scored[-1][0]
                line = self._line(
                    member=member,
                    cell_lines=len(scored),
                    score=score,
                    **metrics.evaluate(scores, data.test_anomalous, data.percentile),
                    score_seconds=seconds,
                    **shared,
                    **({"curves": curves(scores, data.test_anomalous)} if drawn else {}),
                )
                lines.append(line | {"cell": self._key_of(score)})
        return lines


def curves(scores: np.ndarray, anomalous: np.ndarray) -> dict[str, Any]:
    """Compute ROC, precision over recall, and quantiles of both kinds of rows, for JSON."""
    levels = np.linspace(0, 1, QUANTILES)
    kinds = {"normal": scores[~anomalous], "anomalous": scores[anomalous]}
    return {
        "roc": _thinned(metrics.roc(scores, anomalous)),
        "precision_recall": _thinned(metrics.precision_recall(scores, anomalous)),
        "quantiles": {
            kind: [float(f"{value:.4g}") for value in np.quantile(values, levels)]
            for kind, values in kinds.items()
        },
        "rows": {kind: len(values) for kind, values in kinds.items()},
    }


def _thinned(curve: metrics.Curve) -> list[list[float]]:
    """Keep x and y of at most POINTS points, evenly along the curve."""
    places = thinned(np.stack([curve.x, curve.y], axis=1), POINTS - 2)
    return np.round(places.T, DIGITS).tolist()
