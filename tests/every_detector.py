"""Every detector of the catalogue, made quick, and rows for it to learn from."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from alad import catalogue
from alad.detector.contract import Detector

# A new detector joins the contract by one line here: settings that make it quick.
QUICK: dict[str, dict[str, Any]] = {
    "isolation-forest": {"n_estimators": 20},
    "oc-svm": {"max_rows": 150},
    "oc-svm-sgd": {"n_components": 50},
    "knn": {"max_rows": 150},
    "neighbour-ratio": {"max_rows": 150},
    "lof": {"max_rows": 150},
    "kcm": {"max_rows": 150},
    "pca": {},
    "kernel-pca": {"max_rows": 150},
    "robust-pca": {"max_rows": 150},
    **{
        name: {"max_steps": 20, "batch_size": 16, "check_every": 10}
        for name in (
            *("alad", "alice", "bigan"),
            *("autoencoder", "robust-autoencoder", "denoising-autoencoder", "vae"),
            *("dsebm-r", "dsebm-e", "dagmm"),
        )
    },
    "anogan": {"max_steps": 20, "batch_size": 16, "check_every": 10, "search_steps": 5},
}

every_detector = pytest.mark.parametrize("name", QUICK)


def quick(name: str, **params: Any) -> Detector:
    return catalogue.make(name, **{**QUICK[name], "random_state": 0, **params})


def rows(n: int, seed: int = 0, columns: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, columns))


def frame(n: int = 120) -> pd.DataFrame:
    generator = np.random.default_rng(1)
    holes = generator.normal(size=n)
    holes[::10] = np.nan
    return pd.DataFrame(
        {
            "amount": generator.lognormal(3, 2, n),
            "holes": holes,
            "colour": generator.choice(["red", "green", "blue"], n),
            "open": generator.random(n) < 0.5,
        }
    )
