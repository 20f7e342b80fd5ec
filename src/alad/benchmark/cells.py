"""What a benchmark measures, as data: its rows, and the cells of which each row consists."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alad import catalogue
from alad.data.protocols import PROTOCOLS
from alad.errors import InputError
from alad.presets import preset

DEFAULT_RUNS = 10  # the paper's number on tables

# Parameters that say how a fit is done here and now, not what is fitted.
INCIDENTAL = ("checkpoint", "checkpoint_seconds", "resume", "verbose")


@dataclass(frozen=True)
class Row:
    """One line of a results table."""

    name: str
    detector: str  # as in the catalogue
    preset: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)  # of the preset, or the defaults
    published: str | None = None  # the method's name in the paper
    protocols: tuple[str, ...] = ("paper", "clean")
    members: bool = False  # runs are members of one fit, trained side by side
    together: int = 1  # where splits differ, so many members a run, judged as an ensemble too
    most_runs: int | None = None  # on a shared split; 1 where all runs would give the same scores
    trained: bool = True
    hours: bool = False  # trained for hours, so measured after all else

    def params(self) -> dict[str, Any]:
        """Parameters of the detector, those of the run excepted."""
        return {**(preset(self.preset) if self.preset else {}), **self.changes}


def _alad(name: str, preset: str, **how: Any) -> Row:
    return Row(name, "alad", preset, members=True, **how)


def _switched(spectral_norm: bool, latent_discriminator: bool) -> dict[str, bool]:
    return {"spectral_norm": spectral_norm, "latent_discriminator": latent_discriminator}


def _untrained(name: str, preset: str, **how: Any) -> Row:
    return _alad(name, preset, changes={"max_steps": 0}, trained=False, **how)


def _family(preset: str, **how: Any) -> tuple[Row, ...]:
    """ALAD's networks as they are before training, ALAD, and its ablation study."""
    ablations = {"alad-baseline": (False, False), "alad+dl": (False, True)}
    ablations |= {"alad+sn": (True, False), "alad+sn+dl": (True, True)}
    published = {
        "alad-baseline": "baseline",
        "alad+dl": "dl",
        "alad+sn": "sn",
        "alad+sn+dl": "sn+dl",
    }
    return (
        _untrained("alad-untrained", preset, **how),
        _alad("alad", preset, published="ALAD", **how),
        *(
            _alad(name, preset, changes=_switched(*switches), published=published[name], **how)
            for name, switches in ablations.items()
        ),
    )


def ablation_of(row: Row) -> str | None:
    """Which row of the ablation study a trained row of the family is: "dl", "sn+dl", …"""
    if row.detector != "alad" or not row.trained:
        return None
    switches = {"sn": "spectral_norm", "dl": "latent_discriminator"}
    on = [name for name, switch in switches.items() if row.params().get(switch) is not False]
    return "+".join(on) or "baseline"


def _paper(preset: str, hours: bool = False) -> tuple[Row, ...]:
    """The authors' settings to the letter, before and after training."""
    return (
        _untrained("alad-paper-untrained", preset, protocols=("paper",)),
        _alad("alad-paper", preset, published="ALAD", protocols=("paper",), hours=hours),
    )


# On KDD99 one-class SVM and k-NN take a sample of the rows, and long to score: fewer runs.
BENCHMARKS: dict[str, tuple[Row, ...]] = {
    "kdd99": (
        Row("isolation-forest", "isolation-forest", published="IF"),
        Row("oc-svm", "oc-svm", published="OC-SVM", most_runs=3),
        Row("knn", "knn", most_runs=3),
        *_family("kdd99"),
        *_paper("kdd99-paper", hours=True),
    ),
    "arrhythmia": (
        Row("isolation-forest", "isolation-forest", published="IF"),
        Row("oc-svm", "oc-svm", published="OC-SVM", most_runs=1),
        Row("knn", "knn", most_runs=1),
        *_family("arrhythmia", together=4),
        *_paper("arrhythmia-paper"),
    ),
}


def rows_of(benchmark: str) -> tuple[Row, ...]:
    """Rows of a benchmark, without the one of the ablation study that "alad" itself already is.

    Raises InputError if there is no such benchmark.
    """
    if benchmark not in BENCHMARKS:
        names = ", ".join(BENCHMARKS)
        raise InputError(f"there is no benchmark {benchmark!r}; choose one of: {names}")
    listed = BENCHMARKS[benchmark]
    own = {ablation_of(row) for row in listed if row.name == "alad"}
    return tuple(row for row in listed if row.published not in own)


@dataclass(frozen=True)
class Cell:
    """The smallest piece of a benchmark that is measured, and repeated if interrupted."""

    benchmark: str
    protocol: str
    row: Row
    split: int  # seed of the split
    seed: int  # random_state of the detector
    members: int

    def detector(self, **how: Any):
        """A new, unfitted detector; `how` sets those of its parameters that it has."""
        chosen = {**self.row.params(), "random_state": self.seed}
        if self.row.members:
            chosen["members"] = self.members
        made = catalogue.make(self.row.detector, **chosen)
        known = made.get_params(deep=False)
        return made.set_params(**{name: how[name] for name in how if name in known})

    def config(self, detector) -> dict[str, Any]:
        """Everything that decides the scores of `detector` on this cell, ready for JSON."""
        params = detector.get_params(deep=False)
        kept = {name: value for name, value in params.items() if name not in INCIDENTAL}
        return json.loads(json.dumps(kept))

    def settings(self, config: dict[str, Any]) -> dict[str, Any]:
        """What the runs of one table row have in common: everything but seeds."""
        common = {name: value for name, value in config.items() if name != "random_state"}
        return {"protocol": self.protocol, "detector": self.row.name, "config": common}


def digest(content: dict[str, Any]) -> str:
    """Twelve hexadecimal digits that stand for `content`."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def cells(
    benchmark: str,
    protocols: Iterable[str] = (),
    detectors: Iterable[str] = (),
    runs: int | None = None,
) -> list[Cell]:
    """All cells of a benchmark, split by split, cheap rows first, those of hours last of all.

    protocols, detectors: names to keep; none means all.
    runs: on a shared split so many members or seeds (10 by default); otherwise so many splits.
    Raises InputError for names that do not exist and for fewer runs than one.
    """
    if runs is not None and runs < 1:
        raise InputError(f"runs is {runs}; give at least 1")
    rows = _named("detector", detectors, {row.name: row for row in rows_of(benchmark)}, benchmark)
    chosen = _named("protocol", protocols, PROTOCOLS[benchmark], benchmark)
    found = [
        cell
        for protocol in chosen
        for split in PROTOCOLS[benchmark][protocol].seeds[:runs]
        for row in rows.values()
        if protocol in row.protocols
        for cell in _of_split(benchmark, protocol, row, split, runs or DEFAULT_RUNS)
    ]
    return sorted(found, key=lambda cell: cell.row.hours)


def _of_split(benchmark: str, protocol: str, row: Row, split: int, runs: int) -> list[Cell]:
    """Cells of one row on one split; where splits differ, each is one run with the split's seed."""
    if len(PROTOCOLS[benchmark][protocol].seeds) > 1:
        return [Cell(benchmark, protocol, row, split, split, row.together)]
    if row.members:
        return [Cell(benchmark, protocol, row, split, 0, runs)]
    seeds = range(min(runs, row.most_runs or runs))
    return [Cell(benchmark, protocol, row, split, seed, 1) for seed in seeds]


def _named(kind: str, wanted: Iterable[str], known: Mapping[str, Any], benchmark: str):
    """The part of `known` that is wanted, in the order of `known`."""
    wanted = list(wanted) or list(known)
    for name in wanted:
        if name not in known:
            choice = ", ".join(known)
            raise InputError(f"{benchmark} has no {kind} {name!r}; choose one of: {choice}")
    return {name: known[name] for name in known if name in wanted}
