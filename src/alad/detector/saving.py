"""A fitted detector as values for JSON and arrays."""

from typing import Any

import numpy as np

from alad.detector.model import storable, written

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
