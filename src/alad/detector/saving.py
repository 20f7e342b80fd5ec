"""A fitted detector as values for JSON and arrays, and the same one back.

What comes back is trusted only after it has scored a row.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from alad.detector.calibration import Calibration, digests
from alad.detector.decisions import remembered
from alad.encoding import encoder_from_state
from alad.errors import InputError

CALIBRATION = "calibration/scores"  # arrays of a stored model, beside the detector's own
REPEATED = "calibration/repeated"
LEARNT = "calibration/learnt"
REFERENCE = "explanation/references"
BESIDE = (CALIBRATION, REPEATED, LEARNT, REFERENCE)


def content_of(detector: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a folder keeps of a fitted `Detector`: values for JSON, and arrays.

    Raises InputError if a parameter is no JSON value.
    """
    state, arrays = detector._state()
    params = detector.get_params(deep=False)
    content = {
        "detector": detector.name,
        "params": {key: storable(key, value) for key, value in params.items()},
        "encoder": detector.encoder_.state(),
        "offset": detector.offset_,
        "training": detector.training_,
        "calibration": None,
        "state": state,
    }
    arrays = arrays | {LEARNT: detector._learnt}
    if (found := detector.calibration_) is not None:
        facts = {"origin": found.origin, "source": found.source, "made": found.made}
        content["calibration"] = {**facts, "rows": len(found), "left_out": found.seen}
        arrays = arrays | {CALIBRATION: found.scores, REPEATED: found.repeated}
    if detector._references is not None:
        arrays = arrays | {REFERENCE: detector._references}
    return content, arrays


def restored(
    kind: Any,
    content: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    overrides: Mapping[str, Any],
) -> Any:
    """The fitted detector of class `kind`; `overrides` replace stored parameters.

    Raises InputError if it does not fit together, or cannot score a row.
    """
    with _understood(kind.name):
        stored = {key: _from_json(value) for key, value in content["params"].items()}
        detector = _with(kind, stored | dict(overrides))
        detector.encoder_ = encoder_from_state(content["encoder"])
        detector.training_ = dict(content["training"])
        own = {key: array for key, array in arrays.items() if key not in BESIDE}
        detector._restore(content["state"], own)
        detector._references = _references(arrays.get(REFERENCE), detector.encoder_)
        detector._learnt = _learnt(arrays.get(LEARNT), detector._references)
        detector.calibration_ = _calibration(content.get("calibration"), arrays)
        detector.offset_ = _finite("offset", content["offset"])
        detector._settings = detector.get_params(deep=False)
        detector._probe()
        return detector


def _with(kind: Any, params: dict[str, Any]) -> Any:
    """An unfitted detector whose parameters make sense."""
    unknown = ", ".join(sorted(set(params) - set(kind._get_param_names())))
    if unknown:
        raise InputError(f"{kind.name} has no parameter {unknown}; use the alad that saved it")
    detector = kind(**params)
    detector._check_parameters()
    return detector


def _references(stored: np.ndarray | None, encoder: Any) -> np.ndarray | None:
    """None for a model of before rows, or images, could be explained."""
    if stored is None:
        return None
    if stored.ndim != 2 or stored.shape[1] != encoder.width_ or not len(stored):
        raise InputError(f"the rows to compare with have shape {stored.shape}; save it anew")
    return stored


def _learnt(stored: np.ndarray | None, references: np.ndarray | None) -> np.ndarray:
    """Digests of learnt rows; in a model of before there were any, of the rows that it keeps."""
    if stored is None:
        return remembered(np.zeros(0, np.uint64) if references is None else digests(references))
    if stored.ndim != 1 or stored.dtype != np.uint64:
        raise InputError("the digests of learnt rows are none; save it anew")
    return stored


def _calibration(stored: Any, arrays: Mapping[str, np.ndarray]) -> Calibration | None:
    """None for models that are not calibrated, those of earlier versions among them."""
    if stored is None and CALIBRATION not in arrays:
        return None
    facts = stored or {}
    how = {name: str(facts.get(name, "")) for name in ("source", "made")}
    return Calibration.of(arrays[CALIBRATION], str(facts["origin"]), arrays[REPEATED], **how)


@contextmanager
def _understood(name: str) -> Iterator[None]:
    """Turn whatever can be raised by content that `save` never wrote into one line."""
    try:
        yield
    except InputError:
        raise
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
    ) as error:
        what = f"{type(error).__name__}: {error}".partition("\n")[0][:120]
        raise InputError(f"it is not what a {name} needs ({what}); save it anew") from error


def _finite(name: str, value: Any) -> float:
    if not isinstance(value, float) or not np.isfinite(value):
        raise InputError(f"its {name} is {value!r}, not a finite number; save it anew")
    return value


# --- values as JSON has them ---------------------------------------------------------------------


def storable(name: str, value: Any) -> Any:
    """A parameter's value as JSON has it; InputError names the parameter if JSON cannot."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [storable(name, item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: storable(name, item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and np.isfinite(value):
        return value
    raise InputError(f"{name}={value!r} cannot be saved; set_params({name}=…) to a plain value")


def _from_json(value: Any) -> Any:
    """Sequences were tuples: what a constructor only stores should not be changed by others."""
    if isinstance(value, list):
        return tuple(_from_json(item) for item in value)
    if isinstance(value, dict):
        return {key: _from_json(item) for key, item in value.items()}
    return value
