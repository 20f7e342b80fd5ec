"""Rows of the benchmarks on images."""

from dataclasses import replace

from alad.benchmark.data.image_splits import CLASSES
from alad.benchmark.row import QUICK_STEPS, Row, ablations, both
from alad.presets import preset

QUICK_SEARCH = {"search_steps": 50, "threshold_rows": 20}
SEARCHED_IMAGES = 500  # test images of a detector that searches for each; a second or more each


def _networks_on_images() -> tuple[Row, ...]:
    """The other methods with E and G as wide as ALAD's, before and after training."""
    published = {"dsebm-r": "DSEBM-r", "dsebm-e": "DSEBM-e"}
    names = ("autoencoder", "robust-autoencoder", "vae", *published, "dagmm")
    quick = {"max_steps": QUICK_STEPS}
    narrow = {name: preset("images-quick", name) for name in names[:3]}
    searching = Row(
        *("anogan", "anogan", "images"),
        published="AnoGAN",
        test_rows=SEARCHED_IMAGES,
        quick=quick | QUICK_SEARCH,
    )
    rows = (
        Row(name, name, "images", published=published.get(name), quick=narrow.get(name, quick))
        for name in names
    )
    listed = (*rows, searching)
    return tuple(row for own in listed for row in both(own))


def on_images(name: str) -> tuple[Row, ...]:
    """Detectors on pixels, ALAD with small networks; where there are numbers, the published ones.

    Learning takes hours on a CPU, so a row has a single run unless told otherwise, and the ablation
    study, of which "alad" itself is one row, comes after the comparison.
    """
    own = Row("alad", "alad", "images", published="ALAD", quick=preset("images-quick"))
    listed = (
        Row("isolation-forest", "isolation-forest", published="IF"),
        Row("oc-svm", "oc-svm", published="OC-SVM", most_runs=1),
        Row("knn", "knn", most_runs=1),
        Row("pca", "pca", most_runs=1),
        *_networks_on_images(),
        *both(own),
        *ablations(own, beside=True),
    )
    published = replace(own, name="alad-paper", preset="cifar10-paper", hours=True)
    more = () if name == "mnist" else (published,)
    return tuple(replace(row, protocols=("paper", "common")) for row in (*listed, *more))


ON_IMAGES = {name: on_images(name) for name in CLASSES}
