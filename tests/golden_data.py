"""Small data, small models, and what is asked of them: of the fixtures, and of the test of them.

Shared by `fixtures/make_0_1_0.py`, which wrote down the answers of version 0.1.0, and by
`test_golden.py`, which compares those of today. Change nothing here that changes an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import alad
from alad.catalogue import make

FOLDER = Path(__file__).parent / "fixtures" / "schema1"
FALSE_ALARM_RATE = 0.2

# --- data: from RandomState, whose streams are frozen, and rounded, so that all machines agree ----

ROWS = 91  # 0.05 of the 90 steps between them is 4.5: `offset_` lies midway between two scores
COLORS = ("red", "green", "blue", "black")
COLUMNS = ("length", "weight", "count", "time", "color", "ok")


def normal_rows(n: int, seed: int) -> dict[str, list[Any]]:
    """Four numbers, of which two hang together, two have tails; a text that tells of one; a flag.

    About one cell in twenty is missing, save in the first column.
    """
    draw = np.random.RandomState(seed)
    length = draw.standard_normal(n)
    weight = 3 * length + 0.5 * draw.standard_normal(n) + 40
    count = draw.poisson(3, n).astype(np.float64)
    time = np.round(1 + 20 * draw.standard_normal(n) ** 2, 2)
    color = np.digitize(length + 0.3 * draw.standard_normal(n), [-0.8, 0.1, 1.2])
    ok = draw.random_sample(n) < 0.5 + 0.2 * np.sign(length)
    cells = [np.round(length, 3), np.round(weight, 3), count, time]
    columns: list[list[Any]] = [
        *(values.tolist() for values in cells),
        [COLORS[at] for at in color],
        ok.tolist(),
    ]
    for column in columns[1:]:
        for at in np.flatnonzero(draw.random_sample(n) < 0.05):
            column[at] = None
    return dict(zip(COLUMNS, columns, strict=True))


@cache
def table() -> pa.Table:
    """What models of tables are fitted to: 91 rows."""
    return pa.table(normal_rows(ROWS, seed=11))


@cache
def table_probes() -> pa.Table:
    """18 rows: 6 that were given to fit, 4 normal ones, 4 clear anomalies, 4 with missing cells."""
    given = {name: values[:6] for name, values in normal_rows(ROWS, seed=11).items()}
    new = normal_rows(4, seed=12)
    odd = [
        (9.0, 67.0, 3.0, 12.5, "black", True),  # far out, though in line
        (-1.0, 46.0, 2.0, 8.25, "red", False),  # out of line
        (0.2, 40.5, 60.0, 900.0, "blue", True),
        (0.0, 40.0, 4.0, 30.0, "purple", None),  # a text never seen
    ]
    lacking = [
        (None, 41.0, 2.0, 5.0, "blue", True),
        (0.5, None, None, None, "blue", True),
        (-0.4, 39.0, 5.0, None, None, None),
        (None, None, None, None, None, None),
    ]
    more = dict(zip(COLUMNS, map(list, zip(*odd, *lacking, strict=True)), strict=True))
    kinds = {field.name: field.type for field in table().schema}
    return pa.table(
        {name: pa.array(given[name] + new[name] + more[name], kinds[name]) for name in COLUMNS}
    )


IMAGES = 41  # 0.0625 of the 40 steps between them is 2.5


@cache
def images(channels: int) -> np.ndarray:
    """Uint8 [41, 8, 8, channels]: a bright square somewhere on a slope, and noise."""
    draw = np.random.RandomState(20 + channels)
    rows, columns = np.mgrid[:8, :8]
    made = np.empty((IMAGES, 8, 8, channels))
    for image in made:
        down, right = draw.randint(0, 5, 2)
        image[...] = (12 * rows + 5 * columns)[..., np.newaxis]
        image[down : down + 4, right : right + 4] += 110
        image += draw.randint(0, 25, image.shape)
    return made.astype(np.uint8)


@cache
def image_probes(channels: int) -> np.ndarray:
    """6: two that were given to fit, one shifted round, noise, one inverted, black."""
    given = images(channels)
    noise = np.random.RandomState(30).randint(0, 256, given[0].shape).astype(np.uint8)
    turned = np.roll(given[2], 3, axis=1)
    return np.stack([given[0], given[1], turned, noise, 255 - given[3], np.zeros_like(given[0])])


# --- models ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A model that is stored, and can be fitted anew."""

    name: str  # of its folder
    detector: str  # in the catalogue
    params: dict[str, Any] = field(default_factory=dict)
    channels: int = 0  # 0 = of the table
    settles: bool = True  # does another rounding give nearly the same model?

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def data(self) -> Any:
        return images(self.channels) if self.channels else table()

    @property
    def probes(self) -> Any:
        return image_probes(self.channels) if self.channels else table_probes()

    def fitted(self) -> Any:
        return make(self.detector, **self.params).fit(self.data)

    def loaded(self) -> Any:
        return alad.load(self.folder)


COMMON = {"random_state": 7, "calibration_fraction": 0.25}  # 22 rows held out
TRAINED = COMMON | {
    **{"max_steps": 40, "batch_size": 16, "learning_rate": 5e-3, "ema_decay": 0.6},
    "patience": None,
}
STOPPED: dict[str, Any] = {"check_every": 10, "patience": 2}  # and rows held out for that
GAME = TRAINED | {
    "form": "published",  # the only one of version 0.1.0, which does not know the parameter
    "architecture": {
        **{"latent": 3, "encoder": (12,), "generator": (8, 12), "xz_branch": 10},
        **{"xz_joint": (12,), "xx": (14,), "zz": (8,)},
    },
}
CODE = TRAINED | {"architecture": {"latent": 3, "encoder": (12,), "decoder": (12,)}}
ENERGY = TRAINED | {"architecture": {"hidden": (12, 16)}}

TABLES = (
    Case("table-alad", "alad", GAME | {"members": 2}),
    Case(
        "table-alad-whitened", "alad", GAME | STOPPED | {"members": 2, "score_function": "whitened"}
    ),
    Case("table-alad-quantile", "alad", GAME | {"scaling": "quantile", "members": (1,)}),
    # the settings of the preset "kdd99", but for the widths and the number of steps
    Case("table-alad-robust-minmax", "alad", GAME | STOPPED | {"scaling": "robust-minmax"}),
    # as the authors' code has it: presets "kdd99-paper" and "arrhythmia-paper"
    Case(
        "table-alad-paper",
        "alad",
        GAME
        | {
            **{"scaling": "none", "spectral_norm": False, "learning_rate": 1e-3, "epochs": 8},
            **{"max_steps": None, "validation_fraction": 0.0},
        },
    ),
    Case("table-alice", "alice", GAME),
    Case(
        "table-bigan",
        "bigan",
        GAME | {"architecture": GAME["architecture"] | {"xz_batch_norm": False}, "members": 2},
    ),
    # D_xz, which normalises real and fake batches apart, does not see the last bias of G: its
    # gradient is rounding noise, of which Adam makes whole steps
    Case("table-bigan-batch-norm", "bigan", GAME, settles=False),
    Case(
        "table-anogan",
        "anogan",
        TRAINED
        | {
            "architecture": {
                **{"latent": 3, "generator": (8, 12), "discriminator": (14, 10)},
                "dropout": (0.2, 0.2),
            },
            **{"search_steps": 25, "search_learning_rate": 0.05},
        },
    ),
    Case("table-autoencoder", "autoencoder", CODE | STOPPED | {"members": 2}),
    Case("table-robust-autoencoder", "robust-autoencoder", CODE),
    Case("table-vae", "vae", CODE | STOPPED | {"draws": 5}),
    Case("table-dsebm-r", "dsebm-r", ENERGY | STOPPED),
    Case("table-dsebm-e", "dsebm-e", ENERGY),
    Case(
        "table-dagmm",
        "dagmm",
        TRAINED
        | {
            "architecture": {
                **{"latent": 2, "encoder": (12, 6), "decoder": (6, 12), "estimation": (8,)},
                "mixtures": 2,
            },
            "batch_size": 32,
        },
    ),
    Case("table-isolation-forest", "isolation-forest", COMMON | {"n_estimators": 12}),
    Case("table-oc-svm", "oc-svm", COMMON),
    Case("table-oc-svm-sgd", "oc-svm-sgd", COMMON | {"n_components": 40}),
    Case("table-knn", "knn", COMMON | {"distance": "kth"}),
    Case("table-lof", "lof", COMMON),
    Case("table-pca", "pca", COMMON),
    Case("table-kernel-pca", "kernel-pca", COMMON),
    Case("table-robust-pca", "robust-pca", COMMON),
)

SEEN = {"random_state": 7, "calibration_fraction": 0.5, "contamination": 0.0625}  # 20 held out
LEARNT = SEEN | {
    **{"max_steps": 25, "batch_size": 8, "learning_rate": 5e-3, "ema_decay": 0.6},
    "patience": None,
}
IMAGE_GAME = LEARNT | {
    "form": "published",  # game and score, as version 0.1.0 had them
    "architecture": {
        **{"latent": 4, "width": 4, "xz_code": (8, 8), "xz_joint": 12, "xx": (4,), "zz": (8,)},
        **{"stacking": "channels", "deviation": 0.1},
    },
}
IMAGE_CODE = LEARNT | {"architecture": {"latent": 4, "width": 4, "deviation": 0.1}}
IMAGE_ENERGY = LEARNT | {"architecture": {"channels": (4,), "dense": (8,)}}

PICTURES = (
    Case("images-alad", "alad", IMAGE_GAME | {"members": 2}, channels=1),
    # the settings of the preset "cifar10-paper", but for widths and steps
    Case(
        "images-alad-paper",
        "alad",
        IMAGE_GAME
        | {
            "architecture": IMAGE_GAME["architecture"] | {"stacking": "height", "xx": (4, 6)},
            **{"validation_fraction": 0.25, "stopping_rule": "mean-score", "share_batch": False},
            **STOPPED,
        },
        channels=3,
    ),
    Case("images-bigan", "bigan", IMAGE_GAME, channels=3),
    Case(
        "images-anogan",
        "anogan",
        IMAGE_CODE | {"search_steps": 10, "search_learning_rate": 0.05},
        channels=1,
    ),
    Case("images-autoencoder", "autoencoder", IMAGE_CODE, channels=3),
    Case("images-vae", "vae", IMAGE_CODE | {"draws": 5}, channels=1),
    Case("images-dsebm-r", "dsebm-r", IMAGE_ENERGY, channels=1),
    Case("images-dsebm-e", "dsebm-e", IMAGE_ENERGY, channels=1),
    Case(
        "images-dagmm",
        "dagmm",
        LEARNT
        | {
            "architecture": {
                **{"latent": 2, "width": 4, "estimation": (8,), "mixtures": 2, "deviation": 0.1}
            },
            "batch_size": 16,
        },
        channels=1,
    ),
    Case("images-knn", "knn", SEEN | {"distance": "kth"}, channels=3),
    Case("images-isolation-forest", "isolation-forest", SEEN | {"n_estimators": 12}, channels=1),
)

CASES = {case.name: case for case in (*TABLES, *PICTURES)}

# --- what is asked of a model ---------------------------------------------------------------------

PLAIN = ("anomaly_score", "member_scores", "score_samples", "p_value", "predict")
NUMBERS = (*PLAIN, "threshold", "offset_", "explain")
BY_NAME = "score_as/"  # and the name of a score


def answers(detector: Any, probes: Any, asked: Any) -> tuple[dict[str, np.ndarray], Any]:
    """Arrays by name; and of a table the expected cells [n][columns], by `explain`; else None.

    asked: of NUMBERS, "reconstruct" and, of each of several scores, "score_as/NAME". `explain`
    gives "contributions" of a table, "heat" and "expected" of images.
    """
    found: dict[str, np.ndarray] = {}
    cells = None
    for name in asked:
        if name == "offset_":
            found[name] = np.array(detector.offset_)
        elif name == "threshold":
            found[name] = np.array(detector.threshold(FALSE_ALARM_RATE))
        elif name.startswith(BY_NAME):
            found[name] = detector.score_as(probes, name.removeprefix(BY_NAME))
        elif name != "explain":
            found[name] = getattr(detector, name)(probes)
        elif isinstance(probes, np.ndarray):
            told = detector.explain(probes)
            found |= {"heat": told.heat, "expected": told.expected}
        else:
            told = detector.explain(probes)
            found["contributions"], cells = told.contributions, told.expected
    return found, cells


# --- cells of a table as JSON has them ------------------------------------------------------------


def encoded_cells(cells: list[list[Any]]) -> list[list[Any]]:
    """Floats become {"float": hexadecimal}; texts, flags, whole numbers and None stay."""

    def one(cell: Any) -> Any:
        return {"float": cell.hex()} if isinstance(cell, float) else cell

    return [[one(cell) for cell in row] for row in cells]


def decoded_cells(stored: list[list[Any]]) -> list[list[Any]]:
    """The same back."""

    def one(cell: Any) -> Any:
        return float.fromhex(cell["float"]) if isinstance(cell, dict) else cell

    return [[one(cell) for cell in row] for row in stored]
