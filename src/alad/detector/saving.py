"""A fitted detector as values for JSON and arrays."""

from collections.abc import Collection, Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np

from alad.detector.model import written
from alad.errors import InputError

KEPT_ENGINES = ("torch", "numpy")
MODEL = "model/"  # before the names of the model's arrays
CALIBRATION = "calibration/scores"  # arrays of a stored model, beside the model's own
REPEATED = "calibration/repeated"
LEARNT = "calibration/learnt"
REFERENCE = "explanation/references"
NOVELTY = "novelty/raises"


def content_of(fitted: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what a folder keeps of a `Fitted`: values for JSON, and arrays."""
    values, own = written(fitted.model_, storable)
    content = {
        "detector": fitted.name,
        "params": dict(fitted.params),
        "encoder": fitted.encoder_.state(),
        "offset": fitted.offset_,
        "training": dict(fitted.training_),
        "calibration": None,
        "model": values,
        # who asked for one of these gets the same scores to the last bit wherever it is loaded
        "engine": fitted.model_.engine if fitted.model_.engine in KEPT_ENGINES else "auto",
    }
    arrays = {MODEL + name: array for name, array in own.items()}
    arrays |= {LEARNT: fitted.learnt_}
    if (known := fitted.calibration_) is not None:
        facts = {"origin": known.origin, "source": known.source, "made": known.made}
        content["calibration"] = {**facts, "rows": len(known), "left_out": known.seen}
        arrays |= {CALIBRATION: known.scores, REPEATED: known.repeated}
    if fitted.references_ is not None:
        arrays |= {REFERENCE: fitted.references_}
    if fitted.novelty_ is not None:
        arrays |= {NOVELTY: fitted.novelty_}
    return content, arrays


# --- values as JSON has them ---------------------------------------------------------------------


def storable(name: str, value: Any) -> Any:
    """Return a value as JSON has it; InputError names the parameter if JSON cannot."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Set):
        value = sorted(value, key=str)
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: storable(name, item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | str):
        return value
    # an Index or a Series of names, too
    if isinstance(value, Collection) and not isinstance(value, bytes | Mapping):
        return [storable(name, item) for item in value]
    if isinstance(value, float) and np.isfinite(value):
        return value
    raise InputError(f"{name}={value!r} cannot be saved; set_params({name}=…) to a plain value")
