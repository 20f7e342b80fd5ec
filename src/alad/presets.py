"""Presets: constructor arguments as rows of tables, to be compared with the papers' settings."""

from __future__ import annotations

from typing import Any

from alad.errors import InputError

# Constructor arguments of ALAD. Presets named `paper` follow the authors' code to the letter: rows
# unscaled, no spectral normalisation (their table networks ignore it), training to the end, no
# validation rows.
PUBLISHED: dict[str, Any] = {"form": "published"}  # of ALAD
PRESETS: dict[str, dict[str, Any]] = {
    # the game and the score of the paper, with widths and steps that suit any table
    "paper": PUBLISHED,
    # chosen on the development split of KDD99 (EXPERIMENTS.md): F1 varies from check to check, so
    # the stopping rule needs enough checks to choose from
    "kdd99": {
        **PUBLISHED,
        "architecture": "kdd99",
        "scaling": "robust-minmax",
        "max_steps": 5_000,
    },
    # scaling chosen on splits of the table that the benchmark does not use (EXPERIMENTS.md)
    "arrhythmia": {
        **PUBLISHED,
        "architecture": "arrhythmia",
        "scaling": "quantile",
        "patience": 10,
    },
    "kdd99-paper": {
        **PUBLISHED,
        "architecture": "kdd99",
        "scaling": "none",
        "spectral_norm": False,
        "learning_rate": 1e-5,
        "batch_size": 50,
        "epochs": 100,
        "max_steps": None,
        "check_every": 250,
        "validation_fraction": 0.0,
        "patience": None,
    },
    # learning rate and batch size of the authors, networks a quarter as wide; trained to the end
    "images": {
        **PUBLISHED,
        "learning_rate": 2e-4,
        "batch_size": 32,
        "share_batch": True,
        "patience": None,
    },
    # trains in minutes; chosen on training images (EXPERIMENTS.md)
    "images-quick": {
        **PUBLISHED,
        "architecture": "narrow",
        "learning_rate": 5e-4,
        "batch_size": 32,
        "share_batch": True,
        "max_steps": 200,
        "patience": None,
    },
    # an epoch has 112 steps; the authors stop after more than 10 epochs without improvement
    "cifar10-paper": {
        **PUBLISHED,
        "architecture": "cifar10",
        "learning_rate": 2e-4,
        "batch_size": 32,
        "epochs": 100,
        "max_steps": None,
        "check_every": 112,
        "validation_fraction": 0.25,
        "patience": 11,
        "stopping_rule": "mean-score",
        "share_batch": False,
    },
    "arrhythmia-paper": {
        **PUBLISHED,
        "architecture": "arrhythmia",
        "scaling": "none",
        "spectral_norm": False,
        "learning_rate": 1e-5,
        "batch_size": 32,
        "epochs": 1000,
        "max_steps": None,
        "check_every": 250,
        "validation_fraction": 0.0,
        "patience": None,
    },
}


def _of_anogan(name: str, **changes: Any) -> dict[str, Any]:
    """Copy a preset of ALAD without the parameters that AnoGAN lacks or names differently."""
    only_alad = ("form", "spectral_norm", "score_function", "stopping_rule", "share_batch")
    return {key: value for key, value in PRESETS[name].items() if key not in only_alad} | changes


TO_THE_END: dict[str, Any] = {"max_steps": None, "validation_fraction": 0.0, "patience": None}
# Constructor arguments of AnoGAN: trained as ALAD; `paper` presets search as the authors' code.
ANOGAN_PRESETS: dict[str, dict[str, Any]] = {
    "kdd99": _of_anogan("kdd99"),
    "arrhythmia": _of_anogan("arrhythmia"),
    "kdd99-paper": _of_anogan("kdd99-paper", search_learning_rate=1e-3),
    "arrhythmia-paper": _of_anogan("arrhythmia-paper", search_learning_rate=1e-3),
    "images": _of_anogan("images"),
    # the authors stop by the mean score of validation images, which needs a search for each image
    "cifar10-paper": _of_anogan("cifar10-paper", search_learning_rate=1e-3, **TO_THE_END),
}


# Presets of the other methods with networks; methods not listed have one for each architecture
OTHER_PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "anogan": ANOGAN_PRESETS,
    # Zong et al. 2018, section 4.3, which does not say how rows were scaled
    "dagmm": {
        "kdd99": {"architecture": "kdd99"},
        "arrhythmia": {"architecture": "arrhythmia"},
        "kdd99-paper": {
            "architecture": "kdd99",
            "learning_rate": 1e-4,
            "batch_size": 1024,
            "epochs": 200,
            **TO_THE_END,
        },
        "arrhythmia-paper": {
            "architecture": "arrhythmia",
            "learning_rate": 1e-4,
            "batch_size": 128,
            "epochs": 10_000,
            **TO_THE_END,
        },
        "images": {"batch_size": 128},  # the mixture is estimated from each batch
    },
}
OF_THE_GAME = ("alad", "alice", "bigan")
BY_ARCHITECTURE = {name: {"architecture": name} for name in ("kdd99", "arrhythmia")}
BY_ARCHITECTURE |= {"images": {"batch_size": 32}}
# learning rate and batch size of the authors' code for CIFAR-10 and SVHN
OF_ENERGIES: dict[str, Any] = {"learning_rate": 3e-3, "batch_size": 32}
ENERGY_PRESETS = BY_ARCHITECTURE | {
    "images": OF_ENERGIES,
    # the energy of the authors' code. After how many epochs they stopped is not known here
    "cifar10-paper": {
        **OF_ENERGIES,
        "architecture": "cifar10-paper",
        "epochs": 20,
        **TO_THE_END,
    },
}
OTHER_PRESETS |= {"dsebm-r": ENERGY_PRESETS, "dsebm-e": ENERGY_PRESETS}
NARROW = {"architecture": "narrow", "batch_size": 32, "max_steps": 200, "patience": None}
CODE_PRESETS = BY_ARCHITECTURE | {"images-quick": NARROW}
OTHER_PRESETS |= dict.fromkeys(("autoencoder", "robust-autoencoder", "vae"), CODE_PRESETS)
# one setting for all rows
OTHER_PRESETS["denoising-autoencoder"] = {"kdd99": {}, "arrhythmia": {}, "images": {}}
# the outlier part of a row is used at its next visit; 2,000 steps visit these rows less than once
SEVERAL_VISITS = {"architecture": "kdd99", "epochs": 10, "max_steps": None}
OTHER_PRESETS["robust-autoencoder"] = CODE_PRESETS | {"kdd99": SEVERAL_VISITS}


def presets_of(method: str) -> dict[str, dict[str, Any]]:
    """List the presets of a detector with networks: name -> constructor arguments."""
    return PRESETS if method in OF_THE_GAME else OTHER_PRESETS.get(method, BY_ARCHITECTURE)


def preset(name: str, method: str = "alad") -> dict[str, Any]:
    """Copy the arguments of a preset; InputError lists the names if there is none of this name."""
    presets = presets_of(method)
    if name not in presets:
        raise InputError(f"no preset {name!r} of {method}; there are: {', '.join(presets)}")
    return dict(presets[name])
