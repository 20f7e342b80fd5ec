"""Rows of the benchmarks on tables: KDD99, Arrhythmia, ADBench."""

from dataclasses import replace
from typing import Any

from alad.benchmark.row import FIFTH, QUICK_STEPS, Row, ablations, both, untrained

HOURS_MEMBERS = 5  # in one fit that takes an hour: half of the runs are there when it ends
SEARCHED_ROWS = 5_000  # test rows of a detector that searches for each
FEW = 100  # rows searched for at fit: benchmarks flag a share of the test rows instead
ALL_ROWS = 10**9  # for detectors that would learn from a sample


def _alad(name: str, preset: str | None, **how: Any) -> Row:
    return Row(name, "alad", preset, members=True, quick={"max_steps": QUICK_STEPS}, **how)


def _family(preset: str, hours: bool = False, **how: Any) -> tuple[Row, ...]:
    """List ALAD, its ablation study, and the authors' settings to the letter; and untrained.

    "alad-default" is what `ALAD()` is for any table, single members.
    """
    alad = _alad("alad", preset, published="ALAD", **how)
    default = both(_alad("alad-default", None, **how | {"together": 1}))
    paper = _alad("alad-paper", f"{preset}-paper", published="ALAD", protocols=("paper",))
    trained = replace(paper, hours=hours, at_once=HOURS_MEMBERS if hours else None)
    return (*both(alad), *default, *ablations(alad), untrained(paper), trained)


def _deep(name: str, preset: str | None, *, called: str = "", **how: Any) -> tuple[Row, Row]:
    """List a method with networks, before and after training."""
    quick = {"max_steps": QUICK_STEPS, **how.pop("quick", {})}
    return both(Row(called or name, name, preset, members=True, quick=quick, **how))


def _anogan(preset: str | None, **how: Any) -> tuple[Row, Row]:
    """List AnoGAN, trained as ALAD."""
    return _deep("anogan", preset, quick={"search_steps": 100}, **how)


def _one_loss(preset: str, **how: Any) -> tuple[Row, ...]:
    """List the methods that minimise one loss, before and after training."""
    published = {"dsebm-r": "DSEBM-r", "dsebm-e": "DSEBM-e", "dagmm": "DAGMM"}
    names = ("autoencoder", "robust-autoencoder", "vae", *published)
    rows = [row for name in names for row in _deep(name, preset, published=published.get(name))]
    # and DAGMM trained as by its authors: far longer than our rows, which share one setting
    named = {"called": "dagmm-paper", "published": "DAGMM", "protocols": ("paper",)}
    return (*rows, *_deep("dagmm", f"{preset}-paper", **named, **how))


def _classic(drawn: int) -> tuple[Row, ...]:
    """List detectors without networks; drawn: runs of those that learn from a sample."""
    return (
        Row("isolation-forest", "isolation-forest", published="IF"),
        Row("oc-svm", "oc-svm", published="OC-SVM", most_runs=drawn),
        Row("oc-svm-sgd", "oc-svm-sgd", published="OC-SVM", most_runs=3),
        Row("knn", "knn", changes=FIFTH, most_runs=drawn),
        Row("lof", "lof", most_runs=drawn),
        Row("pca", "pca", most_runs=1),
        Row("kernel-pca", "kernel-pca", most_runs=drawn),
        Row("robust-pca", "robust-pca", most_runs=drawn),
    )


def _on_adbench() -> tuple[Row, ...]:
    """List every detector of the catalogue with its defaults, the same for all tables.

    Only neighbours are searched among all rows, as in the published protocol.
    """
    return (
        Row("isolation-forest", "isolation-forest", published="IForest"),
        Row("oc-svm", "oc-svm", published="OCSVM", most_runs=1),
        Row("knn", "knn", changes={**FIFTH, "max_rows": ALL_ROWS}, published="kNN", most_runs=1),
        Row("lof", "lof", changes={"max_rows": ALL_ROWS}, published="LOF", most_runs=1),
        Row("neighbour-ratio", "neighbour-ratio", changes={"max_rows": ALL_ROWS}, most_runs=1),
        Row("kcm", "kcm", most_runs=1),
        Row("pca", "pca", most_runs=1),  # not the published one, whose score is another
        Row("kernel-pca", "kernel-pca", most_runs=1),
        Row("robust-pca", "robust-pca", most_runs=1),
        Row("oc-svm-sgd", "oc-svm-sgd", most_runs=1),
        *both(_alad("alad", None)),
        *both(_alad("alad-paper", "paper")),
        *_deep("alice", None),
        *_deep("bigan", None),
        *_anogan(None, most_runs=1, test_rows=SEARCHED_ROWS, changes={"threshold_rows": FEW}),
        *_deep("autoencoder", None),
        *_deep("robust-autoencoder", None),
        *_deep("denoising-autoencoder", None),
        *_deep("vae", None, published="VAE"),
        *_deep("dsebm-r", None),
        *_deep("dsebm-e", None),
        *_deep("dagmm", None, published="DAGMM"),
    )


def _on_one_class() -> tuple[Row, ...]:
    """List controls and detectors with their defaults, the same for all tables.

    Beside every trained row its untrained twin, and beside ALAD the same networks without a game,
    and a trained game whose scores read features of random discriminators.
    """
    alad = _alad("alad", None)
    return (
        Row("isolation-forest", "isolation-forest", published="IForest"),
        Row("knn", "knn", changes=FIFTH, published="kNN", most_runs=1),
        # the ratio without its divisor
        Row("knn-mean", "knn", changes={"distance": "mean"}, most_runs=1),
        Row("lof", "lof", published="LOF", most_runs=1),
        Row("neighbour-ratio", "neighbour-ratio", most_runs=1),
        Row("kcm", "kcm", published="KCM-iso-LOO", most_runs=1),
        Row("kernel-pca", "kernel-pca", most_runs=1),
        *_deep("denoising-autoencoder", None),
        *_deep("autoencoder", None, published="AE"),
        *both(alad),
        *both(_alad("alad-paper", "paper", published="ALAD")),
        replace(alad, name="alad-without-game", twin="without-game"),
        replace(alad, name="alad-random-features", twin="random-features"),
    )


# On KDD99 some learn from a sample of the rows and take long to score: fewer runs
ON_TABLES: dict[str, tuple[Row, ...]] = {
    "kdd99": (
        *_classic(drawn=3),
        *_one_loss("kdd99", most_runs=3),
        *_anogan("kdd99", published="AnoGAN", most_runs=3, test_rows=SEARCHED_ROWS),
        *_family("kdd99", hours=True),
    ),
    "arrhythmia": (
        *_classic(drawn=1),
        *_one_loss("arrhythmia"),
        *_anogan("arrhythmia", published="AnoGAN"),
        *_family("arrhythmia", together=4),
    ),
    "one-class": tuple(replace(row, protocols=("random", "published")) for row in _on_one_class()),
    "adbench": tuple(replace(row, protocols=("random", "published")) for row in _on_adbench()),
}
