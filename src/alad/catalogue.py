"""All detectors by name. A class is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.declared import Declaration, declaration
from alad.errors import InputError, located
from alad.presets import preset

if TYPE_CHECKING:
    from alad.detector.contract import Detector
    from alad.detector.fitted import Fitted
    from alad.detector.model import Model

DETECTORS = {  # name -> (module, class); the order in which they are listed
    "alad": ("alad.adversarial.alad", "ALAD"),
    "alice": ("alad.adversarial.alad", "ALICE"),
    "bigan": ("alad.adversarial.alad", "BiGAN"),
    "anogan": ("alad.anogan.detector", "AnoGAN"),
    "autoencoder": ("alad.autoencoders.autoencoder", "Autoencoder"),
    "robust-autoencoder": ("alad.autoencoders.robust_autoencoder", "RobustAutoencoder"),
    "denoising-autoencoder": (
        "alad.autoencoders.denoising_autoencoder",
        "DenoisingAutoencoder",
    ),
    "vae": ("alad.autoencoders.vae", "VAE"),
    "dsebm-r": ("alad.autoencoders.dsebm", "DSEBMr"),
    "dsebm-e": ("alad.autoencoders.dsebm", "DSEBMe"),
    "dagmm": ("alad.autoencoders.dagmm", "DAGMM"),
    "isolation-forest": ("alad.classic.forest", "IsolationForest"),
    "oc-svm": ("alad.classic.svm", "OneClassSVM"),
    "oc-svm-sgd": ("alad.classic.svm", "OneClassSVMSGD"),
    "knn": ("alad.classic.neighbours", "KNN"),
    "neighbour-ratio": ("alad.classic.neighbours", "NeighbourRatio"),
    "lof": ("alad.classic.neighbours", "LOF"),
    "kcm": ("alad.classic.kcm", "KCM"),
    "pca": ("alad.classic.pca", "PCA"),
    "kernel-pca": ("alad.classic.kernel_pca", "KernelPCA"),
    "robust-pca": ("alad.classic.pca", "RobustPCA"),
}

PICTURES, MOST_PASSES = "images", 100  # the preset for pictures, and passes over few of them

MODELS = {  # kind of a stored model -> (module, class)
    "cycle": ("alad.adversarial.model", "CycleModel"),
    "search": ("alad.anogan.model", "SearchModel"),
    "code": ("alad.autoencoders.models", "CodeModel"),
    "denoiser": ("alad.autoencoders.models", "DenoiserModel"),
    "vae": ("alad.autoencoders.models", "VAEModel"),
    "energy": ("alad.autoencoders.models", "EnergyModel"),
    "mixture": ("alad.autoencoders.models", "MixtureModel"),
    "forest": ("alad.classic.models", "ForestModel"),
    "border": ("alad.classic.models", "BorderModel"),
    "neighbours": ("alad.classic.neighbour_models", "NeighbourModel"),
    "neighbour-ratio": ("alad.classic.neighbour_models", "RatioModel"),
    "density": ("alad.classic.neighbour_models", "DensityModel"),
    "kernel-mean": ("alad.classic.models", "KernelMeanModel"),
    "principal": ("alad.classic.models", "PrincipalModel"),
    "row-space": ("alad.classic.models", "RowSpaceModel"),
    "kernel-directions": ("alad.classic.models", "KernelDirections"),
}


def detector_class(name: str) -> type[Detector]:
    """Import the class of a detector. Raises InputError, with the names, if there is none."""
    module, class_name = _home(name)
    return getattr(import_module(module), class_name)


def declared(name: str) -> Declaration:
    """Read summary and parameters of a detector from its source, without importing it."""
    return declaration(*_home(name))


def _home(name: str) -> tuple[str, str]:
    if not isinstance(name, str) or name not in DETECTORS:
        raise InputError(f"there is no detector {name!r}; choose one of: {', '.join(DETECTORS)}")
    return DETECTORS[name]


def model_class(kind: str) -> type[Model]:
    """Import the class of a stored model by its kind. Raises InputError if there is none."""
    if not isinstance(kind, str) or kind not in MODELS:
        raise InputError(f"it holds a model of the kind {kind!r}; use the alad that saved it")
    module, class_name = MODELS[kind]
    return getattr(import_module(module), class_name)


def detectors() -> list[tuple[str, str]]:
    """List all detectors as (name, one-line summary)."""
    return [(name, declared(name).constants["summary"]) for name in DETECTORS]


def parameter_names(name: str) -> list[str]:
    """List the names of a detector's parameters. Raises InputError if there is no such detector."""
    return sorted(declared(name).parameters)


def make(name: str, **params: Any) -> Detector:
    """Make an unfitted detector. Raises InputError if name or a parameter is unknown."""
    names = parameter_names(name)
    if unknown := ", ".join(sorted(set(params) - set(names))):
        raise InputError(f"{name} has no parameter {unknown}; it has: {', '.join(names)}")
    return detector_class(name)(**params)


def settings_for_pictures(name: str, *, length: bool = True) -> dict[str, Any]:
    """Choose the settings of a detector for pictures: its preset for images, if it has one.

    length: limit training on few pictures to 100 passes, the most that the paper makes over images.
    """
    if not detector_class(name).sees_images:
        return {}
    # all of it but the form, which would ask for the published score, too
    usual = {key: value for key, value in preset(PICTURES, name).items() if key != "form"}
    steps = {"max_steps": make(name, **usual).get_params(deep=False)["max_steps"]}
    return usual | ({"epochs": MOST_PASSES} | steps if length else {})


def load(
    folder: str | Path,
    *,
    device: str | None = None,
    engine: str | None = None,
    backbone: Any = None,
) -> Fitted:
    """Load the fitted detector that `save` wrote into `folder`; its scores are equal bit by bit.

    Of detectors with networks: device says where they score, None = on the CPU; engine what scores,
    "c", "torch", "numpy" or "auto" = C where it can be had, of tables else NumPy; None = as it was
    fitted. Engines differ by rounding. backbone: of a model that was fitted with a function in
    front of it, that function; it is not stored. Of one with a named backbone the weights are
    compared with those of the fit. `estimator` makes an estimator of scikit-learn of it. Raises
    InputError if the folder holds no whole, unaltered model of a known detector, or the engine
    cannot score it.
    """
    from alad import storage
    from alad.detector.loading import restored, understood

    content, arrays = storage.read(folder, "model")
    with located(folder):
        _home(content.get("detector", ""))  # refuses a detector that is not in the catalogue
        if "model" not in content:
            from alad.schema1 import upgraded

            detector = detector_class(content["detector"])
            with understood(detector.name):
                content, arrays = upgraded(detector, content, arrays)
        with understood(content["detector"]):
            kind = model_class(content["model"]["kind"])
        given = {"device": device, "engine": engine}
        how = {name: value for name, value in given.items() if value is not None}
        return restored(kind, content, arrays, how, backbone)


def estimator(fitted: Fitted) -> Detector:
    """Make the scikit-learn estimator, with its parameters, of what `load` gave."""
    return detector_class(fitted.name).of(fitted)
