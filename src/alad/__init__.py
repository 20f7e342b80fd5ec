"""Adversarially learned anomaly detection: learn what is normal, score what is new.

`import alad` loads nothing heavy; a name loads what it needs when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from alad.errors import InputError, TrainingError
from alad.version import __version__

if TYPE_CHECKING:
    from alad.adversarial.alad import ALAD, ALICE, BiGAN
    from alad.anogan.detector import AnoGAN
    from alad.autoencoders.autoencoder import Autoencoder
    from alad.autoencoders.dagmm import DAGMM
    from alad.autoencoders.denoising_autoencoder import DenoisingAutoencoder
    from alad.autoencoders.dsebm import DSEBMe, DSEBMr
    from alad.autoencoders.robust_autoencoder import RobustAutoencoder
    from alad.autoencoders.vae import VAE
    from alad.catalogue import detectors, estimator, load
    from alad.classic.forest import IsolationForest
    from alad.classic.kcm import KCM
    from alad.classic.kernel_pca import KernelPCA
    from alad.classic.neighbours import KNN, LOF, NeighbourRatio
    from alad.classic.pca import PCA, RobustPCA
    from alad.classic.svm import OneClassSVM, OneClassSVMSGD
    from alad.data.pictures import Pictures
    from alad.export.writing import to_onnx

__all__ = [
    "ALAD",
    "ALICE",
    "DAGMM",
    "KCM",
    "KNN",
    "LOF",
    "PCA",
    "VAE",
    "AnoGAN",
    "Autoencoder",
    "BiGAN",
    "DSEBMe",
    "DSEBMr",
    "DenoisingAutoencoder",
    "InputError",
    "IsolationForest",
    "KernelPCA",
    "NeighbourRatio",
    "OneClassSVM",
    "OneClassSVMSGD",
    "Pictures",
    "RobustAutoencoder",
    "RobustPCA",
    "TrainingError",
    "__version__",
    "detectors",
    "estimator",
    "load",
    "to_onnx",
]

_HOMES = {
    "ALAD": "adversarial.alad",
    "ALICE": "adversarial.alad",
    "AnoGAN": "anogan.detector",
    "Autoencoder": "autoencoders.autoencoder",
    "BiGAN": "adversarial.alad",
    "DAGMM": "autoencoders.dagmm",
    "DSEBMe": "autoencoders.dsebm",
    "DSEBMr": "autoencoders.dsebm",
    "DenoisingAutoencoder": "autoencoders.denoising_autoencoder",
    "IsolationForest": "classic.forest",
    "KCM": "classic.kcm",
    "KNN": "classic.neighbours",
    "KernelPCA": "classic.kernel_pca",
    "LOF": "classic.neighbours",
    "NeighbourRatio": "classic.neighbours",
    "OneClassSVM": "classic.svm",
    "OneClassSVMSGD": "classic.svm",
    "PCA": "classic.pca",
    "RobustPCA": "classic.pca",
    "RobustAutoencoder": "autoencoders.robust_autoencoder",
    "VAE": "autoencoders.vae",
    "Pictures": "data.pictures",
    "detectors": "catalogue",
    "estimator": "catalogue",
    "load": "catalogue",
    "to_onnx": "export.writing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'alad' has no attribute {name!r}")
    return getattr(import_module(f"alad.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
