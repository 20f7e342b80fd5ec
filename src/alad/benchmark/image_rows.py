"""Rows of the benchmarks on images."""

from dataclasses import replace

from alad.adversarial.scores import WIDE_SCORE
from alad.backbone.efficientnet import LITE0
from alad.backbone.networks import POOLED
from alad.benchmark.data.image_splits import CLASSES
from alad.benchmark.row import FIFTH, QUICK_STEPS, Row, ablations, both
from alad.presets import preset

EQUAL_CONTRAST_STEPS = 400
QUICK_EQUAL = {"architecture": "narrow", "learning_rate": 5e-4}
SEARCHED_IMAGES = 500  # test images of a detector that searches for each, a second or more


def on_images(benchmark: str) -> tuple[Row, ...]:
    """List detectors on pixels, E and G of all as wide, the ablation study after the comparison."""
    alad = Row("alad", "alad", "images", published="ALAD", quick=preset("images-quick"))
    quick = {"max_steps": QUICK_STEPS}
    narrow = ("autoencoder", "robust-autoencoder", "vae")  # in a quick pass
    networks = [
        *(Row(name, name, "images", quick=preset("images-quick", name)) for name in narrow),
        Row("dsebm-r", "dsebm-r", "images", published="DSEBM-r", quick=quick),
        Row("dsebm-e", "dsebm-e", "images", published="DSEBM-e", quick=quick),
        Row("dagmm", "dagmm", "images", quick=quick),
        Row(
            "anogan",
            "anogan",
            "images",
            published="AnoGAN",
            test_rows=SEARCHED_IMAGES,
            quick=quick | {"search_steps": 50, "threshold_rows": 20},
        ),
        alad,
        # the default on images: the same game with another score
        replace(
            alad, name="alad-projected", changes={"score_function": "projected"}, published=None
        ),
    ]
    rows = [
        Row("isolation-forest", "isolation-forest", published="IF"),
        Row("oc-svm", "oc-svm", published="OC-SVM", most_runs=1),
        Row("knn", "knn", changes=FIFTH, most_runs=1),
        Row("pca", "pca", most_runs=1),
        *(row for trained in networks for row in both(trained)),
        *ablations(alad, beside=True),
    ]
    if benchmark == "mnist":
        rows += _of_equal_contrast(alad)
    else:
        published = (alad, *(row for row in networks if row.detector in ("dsebm-r", "dsebm-e")))
        rows += [
            replace(row, name=f"{row.name}-paper", preset="cifar10-paper", hours=True)
            for row in published
        ]
    both_protocols = [replace(row, protocols=("paper", "common")) for row in rows]
    return (*both_protocols, *(_on_features() if benchmark == "cifar10" else ()))


def _of_equal_contrast(alad: Row) -> list[Row]:
    """List detectors for which a thin line is as normal as a thick one, k-NN beside ALAD.

    Steps and score were chosen on training images (EXPERIMENTS.md).
    """
    equal = {"equal_contrast": True}
    game = {"score_function": "joint-projected-neighbours", "max_steps": EQUAL_CONTRAST_STEPS}
    same = replace(alad, changes=equal | game, published=None, quick=QUICK_EQUAL)
    return [
        Row("knn-equal-contrast", "knn", changes=FIFTH | equal, most_runs=1),
        *both(replace(same, name="alad-equal-contrast")),
    ]


def _on_features() -> tuple[Row, ...]:
    """List detectors on the features of a network that was trained on ImageNet.

    Its classes overlap with those of CIFAR-10, so these rows stand beside each other alone. They
    come last: the features of 60,000 images take most of an hour on a core.
    """
    features = {"backbone": LITE0 + POOLED}
    pca = features | {"distance": "mahalanobis"}
    # the default behind a backbone that gives wide rows; features are computed beforehand here
    game = features | {"score_function": WIDE_SCORE}
    rows = [
        Row("knn-backbone", "knn", changes=features, most_runs=1),
        Row("mahalanobis-backbone", "pca", changes=pca, most_runs=1),
        *both(Row("alad-backbone", "alad", changes=game)),
    ]
    return tuple(replace(row, protocols=("common",), hours=True) for row in rows)


ON_IMAGES = {name: on_images(name) for name in CLASSES}
