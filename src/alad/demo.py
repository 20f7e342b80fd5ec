"""ALAD on a real table that ships inside scikit-learn, beside other detectors, in under a minute.

Breast cancer (Wisconsin, diagnostic): 569 tumours, 30 measurements each. Benign is normal: half of
the benign rows are trained on, the other half and all malignant rows are scored.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from alad import catalogue, metrics, report
from alad.benchmark import Spread, terminal
from alad.benchmark.table import spread
from alad.data.reading import read_table
from alad.data.refusals import listed
from alad.data.writing import write_table
from alad.detector.attribution import Explanation
from alad.detector.contract import Detector
from alad.errors import InputError
from alad.report.model_page import model_page, write_model_page

SEEDS = 8  # members of ALAD, and runs of what is random besides
SPLIT_SEED = 0
FALSE_ALARM_RATE = 0.05  # at which the page flags
TOP = 8  # most anomalous rows in the printed table
EXPLAINED = 12  # of them in the picture
LABELS = ("benign", "malignant")
FILES = {
    "model": "model",
    "normal": "normal.csv",
    "new": "new.csv",
    "page": "report.html",
    "picture": "demo.png",
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Tumours:
    """Rows to learn from (benign), rows to score, and the answer, which only metrics may read."""

    train: pa.Table
    test: pa.Table
    malignant: np.ndarray  # bool [rows of test]


@dataclass(frozen=True)
class Contender:
    """One line of the comparison."""

    title: str
    detector: str  # as in the catalogue
    params: dict[str, Any] = field(default_factory=dict)
    seeds: int = 1  # how many runs, for detectors that are random and have no members


# Few rows, few steps; chosen on other divisions of the table than the one shown
SETTINGS = {
    **{"scaling": "minmax", "learning_rate": 1e-3, "batch_size": 32},
    **{"patience": 10, "members": SEEDS},
    "calibration_fraction": 0.2,  # 35 of 178 rows; the usual tenth would be too few
}
CONTENDERS = (
    Contender("ALAD", "alad", {**SETTINGS, "max_steps": 1500}),
    Contender("ALAD, untrained", "alad", {**SETTINGS, "max_steps": 0}),
    Contender("Isolation Forest", "isolation-forest", seeds=SEEDS),
    Contender("one-class SVM", "oc-svm"),
    Contender("k nearest neighbours", "knn"),
)


@dataclass(frozen=True)
class Outcome:
    """How well one contender ranks the test rows: single runs, and its members together."""

    title: str
    auroc: Spread
    average_precision: Spread
    ensemble: dict[str, float] | None  # of a detector with several members
    seconds: float  # to fit, all runs together


def tumours(seed: int) -> Tumours:
    """The table, divided at random."""
    from sklearn.datasets import load_breast_cancer

    data: Any = load_breast_cancer()
    malignant = data.target == 0
    benign = np.random.default_rng(seed).permutation(np.flatnonzero(~malignant))
    train = np.sort(benign[: len(benign) // 2])
    test = np.setdiff1d(np.arange(len(malignant)), train)
    names = [str(name) for name in data.feature_names]
    table = pa.table({name: data.data[:, at] for at, name in enumerate(names)})
    return Tumours(table.take(train), table.take(test), malignant[test])


def compare(contender: Contender, data: Tumours, **how: Any) -> tuple[Outcome, Detector]:
    """Fit and judge one contender; the detector is its first run, with all members."""
    begun = time.perf_counter()
    fitted = [_made(contender, seed, **how).fit(data.train) for seed in range(contender.seeds)]
    seconds = time.perf_counter() - begun
    runs = [scores for detector in fitted for scores in detector.member_scores(data.test)]
    measured = [_measured(scores, data) for scores in runs]
    several = contender.seeds == 1 and len(runs) > 1
    together = _measured(fitted[0].anomaly_score(data.test), data) if several else None
    spreads = {name: spread([one[name] for one in measured]) for name in measured[0]}
    return Outcome(contender.title, **spreads, ensemble=together, seconds=seconds), fitted[0]


def _made(contender: Contender, seed: int, **how: Any) -> Detector:
    made = catalogue.make(contender.detector, random_state=seed, **contender.params)
    known = made.get_params(deep=False)
    return made.set_params(**{name: value for name, value in how.items() if name in known})


def _measured(scores: np.ndarray, data: Tumours) -> dict[str, float]:
    return {
        "auroc": metrics.auroc(scores, data.malignant),
        "average_precision": metrics.average_precision(scores, data.malignant),
    }


@dataclass(frozen=True)
class Demo:
    """What the demo found, and the files it wrote."""

    outcomes: tuple[Outcome, ...]
    scores: np.ndarray  # [rows of test], ALAD's
    malignant: np.ndarray  # bool [rows of test]
    found: Explanation  # of the most anomalous test rows
    files: dict[str, Path]  # model, rows to learn from and to score, page, picture if there is one

    def tables(self) -> list[report.Table]:
        """The comparison, and the most anomalous rows."""
        top = np.argsort(-self.scores, kind="stable")[:TOP]
        truth = [LABELS[int(self.malignant[row])] for row in top]
        title = "Most anomalous rows, and the reasons"
        return [
            _comparison(self.outcomes),
            report.top_table(truth, self.found, title),
        ]

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        files = {name: str(path) for name, path in self.files.items()}
        return {"outcomes": [asdict(outcome) for outcome in self.outcomes], "files": files}


def _comparison(outcomes: Sequence[Outcome]) -> report.Table:
    heads = ("detector", "AUROC", "AP", "of all members: AUROC", "AP", "fit s")
    body = [
        (
            one.title,
            terminal.mean_and_sd(one.auroc),
            terminal.mean_and_sd(one.average_precision),
            *(f"{value:.4f}" for value in (one.ensemble or {}).values()),
            *([] if one.ensemble else ["", ""]),
            f"{one.seconds:.1f}",
        )
        for one in outcomes
    ]
    title = "Malignant among benign tumours: single runs, mean ± sd, and the members' common score"
    return report.plain_table(heads, body, title)


def run(folder: str | Path, *, say: Say = lambda message: None, **how: Any) -> Demo:
    """Compare all contenders; write ALAD's model, the rows, a page and a picture into `folder`.

    how: parameters such as verbose or device, given to the detectors that have them.
    Raises InputError if `folder` cannot be written to, or holds files of such names that are not
    an earlier demo's.
    """
    folder, data = _made_folder(Path(folder)), tumours(SPLIT_SEED)
    _refuse_others_files(folder, data)
    say(f"{len(data.train)} benign rows to learn from, {len(data.test)} rows to score")
    outcomes, detectors = [], []
    for contender in CONTENDERS:
        say(f"fitting {contender.title} …")
        outcome, detector = compare(contender, data, **how)
        outcomes.append(outcome)
        detectors.append(detector)
    return _concluded(tuple(outcomes), detectors[0], data, folder, say)


def _made_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; choose another folder with -o") from error
    return folder


def _refuse_others_files(folder: Path, data: Tumours) -> None:
    there = [name for name in FILES.values() if (folder / name).exists()]
    tables = {"normal": data.train, "new": data.test}
    if there and not all(_holds(folder / FILES[name], table) for name, table in tables.items()):
        raise InputError(f"{folder} holds {listed(there)} of others; choose another folder with -o")


def _holds(path: Path, table: pa.Table) -> bool:
    """Is there a table of these columns and as many rows?"""
    if not path.is_file():
        return False
    found = read_table(path)
    return found.column_names == table.column_names and found.num_rows == table.num_rows


def _concluded(
    outcomes: tuple[Outcome, ...], alad: Any, data: Tumours, folder: Path, say: Say
) -> Demo:
    """Write what is to be kept of the first contender, ALAD."""
    scores = alad.anomaly_score(data.test)
    order = np.argsort(-scores, kind="stable")
    found = alad.explain(data.test.take(order[:EXPLAINED]))
    files = {name: folder / file for name, file in FILES.items() if name != "picture"}
    alad.save(files["model"])
    write_table(data.train, files["normal"])
    write_table(data.test, files["new"])
    about = {"trained on": "benign rows of breast cancer (Wisconsin, diagnostic)"}
    how: dict[str, Any] = {"source": "new.csv", "false_alarm_rate": FALSE_ALARM_RATE}
    page = model_page(alad, data.test, data.malignant, about=about, **how)
    write_model_page(files["page"], page)
    picture = folder / FILES["picture"]
    if report.can_draw():
        groups = {name: scores[data.malignant == at] for at, name in enumerate(LABELS)}
        title = "ALAD on breast cancer: trained on benign rows only"
        report.draw(picture, groups, -alad.offset_, found, title)
        files["picture"] = picture
    else:
        say("matplotlib is not installed, so there is no picture: pip install 'alad[report]'")
    return Demo(outcomes, scores, data.malignant, found, files)
