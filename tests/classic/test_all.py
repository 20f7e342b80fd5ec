"""What all classic detectors have to do."""

import numpy as np
import pytest
from classic_rows import far, line, rows

from alad.catalogue import make

NAMES = [
    "isolation-forest",
    "oc-svm",
    "oc-svm-sgd",
    "knn",
    "neighbour-ratio",
    "lof",
    "kcm",
    "kernel-pca",
]


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_off_is_found(name: str):
    scores = make(name, random_state=0).fit(rows(300)).anomaly_score(far())
    assert np.sort(scores[90:])[1] > np.quantile(scores[:90], 0.95)


@pytest.mark.parametrize("name", ["pca", "robust-pca"])
def test_what_lies_off_the_directions_is_found(name: str):
    scores = make(name, random_state=0).fit(line(300)).anomaly_score
    assert scores(far()[90:]).min() > scores(line(100, seed=7)).max()
