"""Adversarially learned anomaly detection: learn what is normal, score what is new.

`import alad` loads nothing heavy; a name loads what it needs when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from alad.errors import InputError, TrainingError

if TYPE_CHECKING:
    from alad.adversarial import ALAD, ALICE, BiGAN
    from alad.anogan import AnoGAN
    from alad.catalogue import detectors, load
    from alad.classic.components import PCA, RobustPCA
    from alad.classic.forest import IsolationForest
    from alad.classic.kernel_components import KernelPCA
    from alad.classic.neighbours import KNN, LOF
    from alad.classic.svm import OneClassSVM, OneClassSVMSGD
    from alad.data.images import Pictures
    from alad.energy import DSEBMe, DSEBMr
    from alad.mixture import DAGMM
    from alad.reconstruction import Autoencoder, RobustAutoencoder
    from alad.variational import VAE

__version__ = "0.1.0"

__all__ = [
    "ALAD",
    "ALICE",
    "DAGMM",
    "KNN",
    "LOF",
    "PCA",
    "VAE",
    "AnoGAN",
    "Autoencoder",
    "BiGAN",
    "DSEBMe",
    "DSEBMr",
    "InputError",
    "IsolationForest",
    "KernelPCA",
    "OneClassSVM",
    "OneClassSVMSGD",
    "Pictures",
    "RobustAutoencoder",
    "RobustPCA",
    "TrainingError",
    "__version__",
    "detectors",
    "load",
]

_HOMES = {
    "ALAD": "adversarial",
    "ALICE": "adversarial",
    "AnoGAN": "anogan",
    "Autoencoder": "reconstruction",
    "BiGAN": "adversarial",
    "DAGMM": "mixture",
    "DSEBMe": "energy",
    "DSEBMr": "energy",
    "IsolationForest": "classic.forest",
    "KNN": "classic.neighbours",
    "KernelPCA": "classic.kernel_components",
    "LOF": "classic.neighbours",
    "OneClassSVM": "classic.svm",
    "OneClassSVMSGD": "classic.svm",
    "PCA": "classic.components",
    "RobustPCA": "classic.components",
    "RobustAutoencoder": "reconstruction",
    "VAE": "variational",
    "Pictures": "data.images",
    "detectors": "catalogue",
    "load": "catalogue",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'alad' has no attribute {name!r}")
    return getattr(import_module(f"alad.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
