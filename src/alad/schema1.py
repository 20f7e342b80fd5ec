"""Convert models of schema 1, which version 0.1.0 stored, to schema 2.

Schema 1 held parameters and arrays; the layers of networks were derived anew at every load.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from alad.data.spelling import POINT
from alad.detector.contract import Detector
from alad.detector.saving import CALIBRATION, LEARNT, MODEL, REFERENCE, REPEATED
from alad.encoding import encoder_from_state
from alad.networks.description import description
from alad.neural.detector import NetworkDetector
from alad.parameters import HOW

BESIDE = (CALIBRATION, REPEATED, LEARNT, REFERENCE)  # arrays stored beside those of the model
RENAMED = {"weight": "weights", "buffer": "buffers", "score": "learnt", "scale": "scales"}

Content = Mapping[str, Any]
# what stored columns have had since: decimals had a point, rarer levels were not known by name
SINCE: dict[str, dict[str, Any]] = {
    "number": {"decimal": POINT, "kept": None},
    "category": {"rarer": [], "once": 0},
}
# for each detector without networks: the values of its model from parameters and stored state
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
    """Convert content and arrays of a detector of class `kind` from schema 1 to schema 2."""
    params = content["params"]
    encoder = dict(content["encoder"])
    if "codes" in encoder:  # of a table
        encoder["codes"] = [_complete(code) for code in encoder["codes"]]
    # the values of the model, and the paths of its arrays
    if issubclass(kind, NetworkDetector):
        values, renamed = _network_values(kind, content), _renamed
    else:
        values, renamed = CLASSIC[kind.name](params, content["state"]), str
        if values["kind"] == "forest":
            values["width"] = encoder_from_state(encoder).width_
    # parameters that say how a fit is run are no longer stored
    fitted = {item.name for item in fields(kind) if HOW not in item.metadata}
    new = {key: value for key, value in content.items() if key != "state"}
    new["params"] = {key: value for key, value in params.items() if key in fitted}
    new["engine"] = "torch" if params.get("engine") == "torch" else "auto"
    new["model"] = values
    new["encoder"] = encoder
    moved = {MODEL + renamed(key): a for key, a in arrays.items() if key not in BESIDE}
    return new, moved | {key: arrays[key] for key in BESIDE if key in arrays}


def _complete(code: Content) -> Content:
    """Add to a stored column what columns of its kind have had since."""
    return {**SINCE[code["kind"]], **code}


def _network_values(kind: type[NetworkDetector], content: Content) -> dict[str, Any]:
    """Build the values of a model with networks, its layers from the widths in the content."""
    params, state = content["params"], content["state"]
    # models older than images stored a width instead of a shape
    shape = tuple(state["shape"] if "shape" in state else [state["width"]])
    known = {item.name for item in fields(kind)}
    given: dict[str, Any] = {name: params[name] for name in known & params.keys()}
    if "form" in known:  # younger than schema 1
        given["form"] = "published"
    detector = kind(**given)
    architectures = kind.tables if len(shape) == 1 else kind.images
    architecture = architectures.kind.of(content["training"]["architecture"])
    return {
        "kind": kind.model.kind,
        "networks": description(detector._networks(shape, architecture)),
        "row_shape": list(shape),
        "members": state["members"],
        "own": detector.own_score_name(shape),
        **{name: params[name] for name in kind.settings_of_model},
    }


def _renamed(path: str) -> str:
    """Give an array of networks its path in schema 2."""
    group, _, name = path.partition("/")
    return f"{RENAMED.get(group, group)}/{name}"
