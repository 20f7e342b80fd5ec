"""Models that version 0.1.0 stored, as this version has them.

It stored parameters and arrays, and derived the layers of networks anew at every load.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from alad.detector.contract import Detector
from alad.detector.saving import CALIBRATION, LEARNT, MODEL, REFERENCE, REPEATED
from alad.encoding import encoder_from_state
from alad.networks.description import description
from alad.neural.detector import NetworkDetector
from alad.parameters import HOW

BESIDE = (CALIBRATION, REPEATED, LEARNT, REFERENCE)  # arrays that are not the model's own
PLACES = {"weight": "weights", "buffer": "buffers", "score": "learnt", "scale": "scales"}

Content = Mapping[str, Any]
# of each detector without networks: the values of its model, from parameters and stored state
CLASSIC: dict[str, Callable[[Content, Content], dict[str, Any]]] = {
    "isolation-forest": lambda params, state: {"kind": "forest", "samples": state["samples"]},
    "oc-svm": lambda params, state: {"kind": "border", **state},
    "oc-svm-sgd": lambda params, state: {"kind": "border", **state},
    "knn": lambda params, state: {
        "kind": "neighbours",
        "n_neighbors": params["n_neighbors"],
        "distance": params["distance"],
    },
    "lof": lambda params, state: {"kind": "density", **state},
    "pca": lambda params, state: {"kind": "principal", "distance": params["distance"], **state},
    "kernel-pca": lambda params, state: {"kind": "kernel-directions", **state},
    "robust-pca": lambda params, state: {"kind": "row-space"},
}


def upgraded(
    kind: type[Detector], content: Content, arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return content and arrays of schema 1, of a detector of that class, as schema 2 has them."""
    params = content["params"]
    known = {one.name for one in fields(kind) if HOW not in one.metadata}
    if issubclass(kind, NetworkDetector):
        values = _networks(kind, content)
        place = _of_networks
    else:
        values = CLASSIC[kind.name](params, content["state"])
        if values["kind"] == "forest":
            values["width"] = encoder_from_state(content["encoder"]).width_
        place = str
    new = {key: value for key, value in content.items() if key != "state"}
    new["params"] = {key: value for key, value in params.items() if key in known}
    new["engine"] = "torch" if params.get("engine") == "torch" else "auto"
    own = {MODEL + place(key): a for key, a in arrays.items() if key not in BESIDE}
    return new | {"model": values}, own | {key: arrays[key] for key in BESIDE if key in arrays}


def _networks(kind: type[NetworkDetector], content: Content) -> dict[str, Any]:
    """The values of a model with networks: layers from the widths that the training noted."""
    params, state = content["params"], content["state"]
    # before there were images, `width` was the shape
    shape = tuple(state["shape"] if "shape" in state else [state["width"]])
    given = {one.name: params[one.name] for one in fields(kind) if one.name in params}
    detector = kind(**given)
    architectures = kind.tables if len(shape) == 1 else kind.images
    architecture = architectures.kind.of(content["training"]["architecture"])
    return {
        "kind": kind.model.kind,
        "networks": description(detector._networks(shape, architecture)),
        "row_shape": list(shape),
        "members": state["members"],
        "own": detector.own_score_name(),
        **{name: params[name] for name in kind.settings_of_model},
    }


def _of_networks(path: str) -> str:
    """The path of an array as it is called now."""
    kind, _, name = path.partition("/")
    return f"{PLACES.get(kind, kind)}/{name}"
