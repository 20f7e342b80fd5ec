"""Rows of the results tables, as data: which detector, with which settings, beside which number."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alad.data.image_splits import CLASSES
from alad.errors import InputError
from alad.presets import preset

QUICK = "-quick"  # how the name of a pass of minutes ends
QUICK_STEPS = 300  # of training, in a pass that is to take minutes
HOURS_MEMBERS = 5  # in one fit that takes an hour: half of the runs are there when it ends
QUICK_SEARCHED = 500  # test rows of detectors that search for every row
QUICK_SEARCH = {"search_steps": 50, "threshold_rows": 20}
SEARCHED_IMAGES = 500  # test images of a detector that searches for each; a second or more each
ALL_ROWS = 10**9  # for detectors that would learn from a sample


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
    at_once: int | None = None  # on a shared split, so many members a fit; None = all runs
    together: int = 1  # where splits differ, so many members a run, judged as an ensemble too
    most_runs: int | None = None  # on a shared split; 1 where all runs would give the same scores
    trained: bool = True
    hours: bool = False  # trained for hours, so measured after all else
    test_rows: int | None = None  # score a random sample of so many, where all would take hours
    quick: Mapping[str, Any] = field(default_factory=dict)  # further changes in a quick pass

    def params(self) -> dict[str, Any]:
        """Parameters of the detector, those of the run excepted."""
        return {**(preset(self.preset, self.detector) if self.preset else {}), **self.changes}


def _alad(name: str, preset: str | None, **how: Any) -> Row:
    return Row(name, "alad", preset, members=True, quick={"max_steps": QUICK_STEPS}, **how)


def _switched(spectral_norm: bool, latent_discriminator: bool) -> dict[str, bool]:
    return {"spectral_norm": spectral_norm, "latent_discriminator": latent_discriminator}


def untrained_name(name: str) -> str:
    """Of the row whose networks are those of row `name` before their first step."""
    return f"{name}-untrained"


def _untrained(row: Row) -> Row:
    """The same networks before their first step: what they find is not training's credit."""
    changes = {**row.changes, "max_steps": 0}
    quick = {key: value for key, value in row.quick.items() if key != "max_steps"}
    name = untrained_name(row.name)
    return replace(row, name=name, changes=changes, quick=quick, trained=False, published=None)


def _both(row: Row) -> tuple[Row, Row]:
    return _untrained(row), row


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
        *_both(_alad("alad", preset, published="ALAD", **how)),
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
    own = _alad("alad-paper", preset, published="ALAD", protocols=("paper",))
    return _untrained(own), replace(own, hours=hours, at_once=HOURS_MEMBERS if hours else None)


def _deep(name: str, preset: str | None, *, called: str = "", **how: Any) -> tuple[Row, Row]:
    """Another method with networks, before and after training."""
    quick = {"max_steps": QUICK_STEPS, **how.pop("quick", {})}
    return _both(Row(called or name, name, preset, members=True, quick=quick, **how))


def _anogan(preset: str, **how: Any) -> tuple[Row, Row]:
    """Trained as ALAD; it searches for every row that it scores, so it scores fewer of them."""
    return _deep("anogan", preset, published="AnoGAN", quick={"search_steps": 100}, **how)


def _one_loss(preset: str, **how: Any) -> tuple[Row, ...]:
    """Networks that descend a loss of their own, before and after training."""
    published = {"dsebm-r": "DSEBM-r", "dsebm-e": "DSEBM-e", "dagmm": "DAGMM"}
    names = ("autoencoder", "robust-autoencoder", "vae", *published)
    return tuple(
        row for name in names for row in _deep(name, preset, published=published.get(name), **how)
    )


def _dagmm_paper(preset: str, **how: Any) -> tuple[Row, Row]:
    """DAGMM trained as its own authors did: far longer than our rows, which share one setting."""
    named = {"called": "dagmm-paper", "published": "DAGMM"}
    return _deep("dagmm", preset, **named, protocols=("paper",), **how)


def _classic(drawn: int) -> tuple[Row, ...]:
    """Detectors without networks. drawn: runs of those that take a sample, on a shared split."""
    return (
        Row("isolation-forest", "isolation-forest", published="IF"),
        Row("oc-svm", "oc-svm", published="OC-SVM", most_runs=drawn),
        Row("oc-svm-sgd", "oc-svm-sgd", published="OC-SVM", most_runs=3),
        Row("knn", "knn", most_runs=drawn),
        Row("lof", "lof", most_runs=drawn),
        Row("pca", "pca", most_runs=1),
        Row("kernel-pca", "kernel-pca", most_runs=drawn),
        Row("robust-pca", "robust-pca", most_runs=drawn),
    )


# On KDD99 some take a sample of the rows, and long to score: fewer runs.
BENCHMARKS: dict[str, tuple[Row, ...]] = {
    "kdd99": (
        *_classic(drawn=3),
        *_one_loss("kdd99"),
        *_dagmm_paper("kdd99-paper", most_runs=3),
        *_anogan("kdd99", most_runs=3, test_rows=5_000),
        *_family("kdd99"),
        *_paper("kdd99-paper", hours=True),
    ),
    "arrhythmia": (
        *_classic(drawn=1),
        *_one_loss("arrhythmia"),
        *_dagmm_paper("arrhythmia-paper"),
        *_anogan("arrhythmia"),
        *_family("arrhythmia", together=4),
        *_paper("arrhythmia-paper"),
    ),
    "adbench": tuple(
        replace(row, protocols=("random", "published"))
        for row in (
            Row("isolation-forest", "isolation-forest", published="IForest"),
            Row("oc-svm", "oc-svm", published="OCSVM", most_runs=1),
            Row("knn", "knn", changes={"max_rows": ALL_ROWS}, published="kNN", most_runs=1),
            Row("lof", "lof", changes={"max_rows": ALL_ROWS}, published="LOF", most_runs=1),
            Row("pca", "pca", most_runs=1),  # not the published one, whose score is another
            Row("kernel-pca", "kernel-pca", most_runs=1),
            Row("robust-pca", "robust-pca", most_runs=1),
            Row("oc-svm-sgd", "oc-svm-sgd", most_runs=1),
            *_both(_alad("alad", None)),
            *(_deep("autoencoder", None)),
            *(_deep("vae", None, published="VAE")),
            *(_deep("dagmm", None, published="DAGMM")),
        )
    ),
}


def _networks_on_images() -> tuple[Row, ...]:
    """The other methods with E and G as wide as ALAD's, before and after training."""
    names = ("autoencoder", "robust-autoencoder", "vae", "dsebm-r", "dsebm-e", "dagmm")
    quick = {"max_steps": QUICK_STEPS}
    narrow = {name: preset("images-quick", name) for name in names[:3]}
    searching = Row(
        *("anogan", "anogan", "images"), test_rows=SEARCHED_IMAGES, quick=quick | QUICK_SEARCH
    )
    rows = (Row(name, name, "images", quick=narrow.get(name, quick)) for name in names)
    listed = (*rows, searching)
    return tuple(row for own in listed for row in _both(own))


def _on_images(name: str) -> tuple[Row, ...]:
    """Detectors on pixels, ALAD with small networks; where there are numbers, the published ones.

    Learning takes hours on a CPU, so a row has a single run unless told otherwise.
    """
    own = Row("alad", "alad", "images", quick=preset("images-quick"))
    listed = (
        Row("isolation-forest", "isolation-forest"),
        Row("oc-svm", "oc-svm", most_runs=1),
        Row("knn", "knn", most_runs=1),
        Row("pca", "pca", most_runs=1),
        *_networks_on_images(),
        *_both(own),
    )
    published = replace(own, name="alad-paper", preset="cifar10-paper", hours=True)
    more = () if name == "mnist" else (published,)
    return tuple(replace(row, protocols=("paper", "common")) for row in (*listed, *more))


BENCHMARKS |= {name: _on_images(name) for name in CLASSES}


def _quick(row: Row) -> Row:
    """The row in a pass of minutes: few steps, and few members even where splits differ."""
    return replace(
        row,
        changes={**row.changes, **row.quick},
        protocols=("quick",),
        together=min(row.together, 2),
        test_rows=row.test_rows and min(row.test_rows, QUICK_SEARCHED),
    )


# A pass that shows that all runs, and roughly what comes out; its numbers stand for themselves.
BENCHMARKS |= {
    f"{name}{QUICK}": tuple(_quick(row) for row in BENCHMARKS[name] if "clean" in row.protocols)
    for name in ("kdd99", "arrhythmia")
}
BENCHMARKS |= {
    f"{name}-quick": tuple(_quick(row) for row in BENCHMARKS[name] if not row.hours)
    for name in CLASSES
}
RUNS = {"adbench": 5, "kdd99-quick": 2}  # of ADBench as published
RUNS |= {name: 1 for base in CLASSES for name in (base, f"{base}-quick")}  # hours each, on a CPU
PAPERS_RUNS = 10  # on tables


def published_as(benchmark: str) -> str:
    """The benchmark whose published numbers belong to this one."""
    return benchmark.removesuffix(QUICK)


def quick_name(name: str) -> str:
    """The benchmark that is the pass of minutes over `name`; InputError if there is none."""
    short = name if name.endswith(QUICK) else f"{name}{QUICK}"
    if short not in BENCHMARKS:
        known = ", ".join(one.removesuffix(QUICK) for one in BENCHMARKS if one.endswith(QUICK))
        raise InputError(f"there is no quick pass of {name!r}; there is one of: {known}")
    return short


def usual_runs(benchmark: str) -> int:
    """How many runs a row has on a split that all runs share, unless told otherwise."""
    return RUNS.get(benchmark, PAPERS_RUNS)


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


def untrained_twin(benchmark: str, name: str) -> tuple[str, str]:
    """(name of the row of its networks before training, what they are); there may be no such row.

    Rows of the ablation study share those of "alad". Before training DL changes no score, as the
    discriminator of codes has no part in one; SN does, and is then named.
    """
    rows = {row.name: row for row in rows_of(benchmark)}
    row, alad, own = rows[name], rows.get("alad"), untrained_name(name)
    if own in rows or alad is None or not ablation_of(row) or row.preset != alad.preset:
        return own, "the same networks untrained"
    switched = [one.params().get("spectral_norm") is not False for one in (row, alad)]
    other = {True: " with SN", False: " without SN"}[switched[1]] if len(set(switched)) > 1 else ""
    return untrained_name("alad"), f"untrained ALAD{other}"
