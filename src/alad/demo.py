"""ALAD beside other detectors on a table that comes with scikit-learn, in under a minute.

Breast cancer (Wisconsin, diagnostic): 569 tumours, 30 measurements each. Half of the benign rows
are learnt from, the other half and all malignant rows are scored.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from alad import catalogue, metrics, report
from alad.benchmark import Spread
from alad.benchmark.cells import with_known
from alad.benchmark.data.splits import half_of_normal
from alad.benchmark.summary import mean_and_sd
from alad.data.reading import read_table
from alad.data.refusals import listed
from alad.data.writing import write_table
from alad.detector.attribution import Explanation
from alad.detector.contract import Detector
from alad.errors import InputError
from alad.report.model.page import model_page, write_model_page

SEEDS = 8  # members of ALAD, and runs of other random detectors
SPLIT_SEED = 0
FALSE_ALARM_RATE = 0.05  # of the page
TOP = 8  # most anomalous rows in the printed table
EXPLAINED = 12  # of them in the picture
LABELS = ("benign", "malignant")
FILES = {"model": "model", "normal": "normal.csv", "new": "new.csv"}
FILES |= {"page": "report.html", "picture": "demo.png"}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Tumours:
    """Rows to learn from (benign), rows to score, and their labels, which only metrics may read."""

    train: pa.Table
    test: pa.Table
    malignant: np.ndarray  # bool [rows of test]


@dataclass(frozen=True)
class Contender:
    """One row of the comparison."""

    title: str
    detector: str  # as in the catalogue
    params: dict[str, Any] = field(default_factory=dict)
    seeds: int = 1  # number of runs, of random detectors without members


# Chosen on other divisions of the table; a tenth of 178 rows would be too few to calibrate on
SETTINGS = {"scaling": "minmax", "learning_rate": 1e-3, "batch_size": 32, "patience": 10}
SETTINGS |= {"members": SEEDS, "calibration_fraction": 0.2}
CONTENDERS = (
    Contender("ALAD", "alad", {**SETTINGS, "max_steps": 1500}),
    Contender("ALAD, untrained", "alad", {**SETTINGS, "max_steps": 0}),
    Contender("Isolation Forest", "isolation-forest", seeds=SEEDS),
    Contender("one-class SVM", "oc-svm"),
    Contender("k nearest neighbours", "knn"),
)


@dataclass(frozen=True)
class Ranking:
    """How well one contender ranks the test rows: single runs, and its members as an ensemble."""

    title: str
    auroc: Spread
    average_precision: Spread
    ensemble: dict[str, float] | None  # of several members
    seconds: float  # to fit, all runs together


def tumours(seed: int) -> Tumours:
    """Read the table and divide it at random."""
    from sklearn.datasets import load_breast_cancer

    data: Any = load_breast_cancer()
    malignant = data.target == 0
    train = half_of_normal(malignant, seed)
    test = np.setdiff1d(np.arange(len(malignant)), train)
    names = [str(name) for name in data.feature_names]
    table = pa.table({name: data.data[:, at] for at, name in enumerate(names)})
    return Tumours(table.take(train), table.take(test), malignant[test])


def compare(contender: Contender, data: Tumours, **how: Any) -> tuple[Ranking, Detector]:
    """Fit and score one contender; -> its outcome, and the detector of its first run."""
    begun = time.perf_counter()
    detectors = []
    for seed in range(contender.seeds):
        made = catalogue.make(contender.detector, random_state=seed, **contender.params)
        detectors.append(with_known(made, how).fit(data.train))
    seconds = time.perf_counter() - begun
    runs = [scores for detector in detectors for scores in detector.member_scores(data.test)]
    measures = [ranking_measures(scores, data.malignant) for scores in runs]
    several = contender.seeds == 1 and len(runs) > 1
    score = detectors[0].anomaly_score
    together = ranking_measures(score(data.test), data.malignant) if several else None
    spreads = {name: Spread.of([values[name] for values in measures]) for name in measures[0]}
    return Ranking(contender.title, **spreads, ensemble=together, seconds=seconds), detectors[0]


def ranking_measures(scores: np.ndarray, malignant: np.ndarray) -> dict[str, float]:
    """Compute AUROC and average precision of scores [n], malignant bool [n]."""
    measures = (metrics.auroc, metrics.average_precision)
    return {measure.__name__: measure(scores, malignant) for measure in measures}


@dataclass(frozen=True)
class Demo:
    """Outcomes, ALAD's scores, and the files that were written."""

    outcomes: tuple[Ranking, ...]
    scores: np.ndarray  # [rows of test], ALAD's
    malignant: np.ndarray  # bool [rows of test]
    explanation: Explanation  # of the most anomalous test rows
    files: dict[str, Path]  # by the keys of FILES, the picture if there is one

    def tables(self) -> list[report.Table]:
        """Make the table of outcomes, and that of the most anomalous rows."""
        top = np.argsort(-self.scores, kind="stable")[:TOP]
        truth = [LABELS[int(self.malignant[row])] for row in top]
        return [_comparison(self.outcomes), most_anomalous(truth, self.explanation)]

    def as_json(self) -> dict[str, Any]:
        """List outcomes and files."""
        files = {name: str(path) for name, path in self.files.items()}
        return {"outcomes": [asdict(outcome) for outcome in self.outcomes], "files": files}


def _comparison(outcomes: Sequence[Ranking]) -> report.Table:
    """Make the table of outcomes."""
    columns = ("detector", "AUROC", "AP", "of all members: AUROC", "AP", "fit s")
    body = []
    for outcome in outcomes:
        together = outcome.ensemble or {}
        ensemble = (mean_and_sd(together.get(name)) for name in ("auroc", "average_precision"))
        spreads = (outcome.auroc.text(), outcome.average_precision.text())
        body.append((outcome.title, *spreads, *ensemble, f"{outcome.seconds:.1f}"))
    title = "Malignant among benign tumours: single runs, mean ± sd, and the members' common score"
    return report.Table(title, columns, body)


def most_anomalous(truth: Sequence[str], explanation: Explanation) -> report.Table:
    """Make the table of the first rows explained, one for each label: score, label, reasons."""
    columns = ("", "score", "in truth", "columns that raise the score, and their part in it")
    body = []
    for at, label in enumerate(truth):
        shares, names = explanation.raising(at), explanation.columns
        reasons = (f"{names[x]} {100 * shares[x]:.0f} %" for x in explanation.reasons(at))
        body.append((f"{at + 1}", f"{explanation.score[at]:.3f}", label, ", ".join(reasons)))
    return report.Table("Most anomalous rows, and the reasons", columns, body, left=(0, 2, 3))


def run(folder: str | Path, *, say: Say = lambda message: None, **how: Any) -> Demo:
    """Compare all contenders; write ALAD's model, the rows, a page and a picture into `folder`.

    how: parameters such as verbose, set where a detector has them. Raises InputError if `folder`
    cannot be written to, or holds files of these names that are not of an earlier demo.
    """
    folder, data = Path(folder), tumours(SPLIT_SEED)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; choose another folder with -o") from error
    there = [name for name in FILES.values() if (folder / name).exists()]
    tables = {"normal": data.train, "new": data.test}
    if there and not all(_holds(folder / FILES[name], table) for name, table in tables.items()):
        raise InputError(f"{folder} holds {listed(there)} of others; choose another folder with -o")
    say(f"{len(data.train)} benign rows to learn from, {len(data.test)} rows to score")
    outcomes, detectors = [], []
    for contender in CONTENDERS:
        say(f"fitting {contender.title} …")
        outcome, detector = compare(contender, data, **how)
        outcomes.append(outcome)
        detectors.append(detector)
    return _written(tuple(outcomes), detectors[0], data, folder, say)


def _holds(path: Path, table: pa.Table) -> bool:
    """Return whether `path` is a table of these columns and as many rows."""
    if not path.is_file():
        return False
    there = read_table(path)
    return there.column_names == table.column_names and there.num_rows == table.num_rows


def _written(
    outcomes: tuple[Ranking, ...], detector: Any, data: Tumours, folder: Path, say: Say
) -> Demo:
    """Write the files of ALAD, the first contender."""
    scores = detector.anomaly_score(data.test)
    order = np.argsort(-scores, kind="stable")
    explanation = detector.explain(data.test.take(order[:EXPLAINED]))
    files = {name: folder / file for name, file in FILES.items() if name != "picture"}
    detector.save(files["model"])
    write_table(data.train, files["normal"])
    write_table(data.test, files["new"])
    about = {"trained on": "benign rows of breast cancer (Wisconsin, diagnostic)"}
    how: dict[str, Any] = {"source": "new.csv", "false_alarm_rate": FALSE_ALARM_RATE}
    page = model_page(detector, data.test, data.malignant, about=about, **how)
    write_model_page(files["page"], page)
    if report.can_draw():
        files["picture"] = folder / FILES["picture"]
        groups = {name: scores[data.malignant == at] for at, name in enumerate(LABELS)}
        title = "ALAD on breast cancer: trained on benign rows only"
        report.draw(files["picture"], groups, -detector.offset_, explanation, title)
    else:
        say("matplotlib is not installed, so there is no picture: pip install 'alad[report]'")
    return Demo(outcomes, scores, data.malignant, explanation, files)
