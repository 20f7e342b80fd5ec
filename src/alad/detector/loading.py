"""The fitted detector that was stored as values for JSON and arrays.

What comes back is trusted only after it has scored a row.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from alad.detector.calibration import Calibration, digests
from alad.detector.decisions import remembered
from alad.detector.fitted import Fitted
from alad.detector.model import Model, read
from alad.detector.saving import CALIBRATION, LEARNT, MODEL, NOVELTY, REFERENCE, REPEATED
from alad.encoding import Encoder, FeatureEncoder, TableEncoder, encoder_from_state
from alad.errors import InputError
from alad.parameters import HOW, marked


def restored(
    kind: type[Model],
    content: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    how: Mapping[str, Any],
    backbone: Any = None,
) -> Fitted:
    """Return the fitted detector from what `content_of` gave; kind: of its model.

    how: values of the model's fields that are not stored. backbone: the function in front of it,
    if there was one. Raises InputError if it does not fit
    together, or cannot score a row.
    """
    name = str(content.get("detector"))
    with understood(name):
        encoder = encoder_from_state(content["encoder"], backbone)
        wanted = {"engine": str(content.get("engine", "auto"))} | dict(how)
        fitting = {key: value for key, value in wanted.items() if key in marked(kind, HOW)}
        model = read(kind, content["model"], _own(arrays), **fitting)
        references = _references(arrays.get(REFERENCE), encoder)
        fitted = Fitted(
            name=name,
            params=dict(content["params"]),
            encoder_=encoder,
            model_=model,
            offset_=_finite("offset", content["offset"]),
            training_=dict(content["training"]),
            calibration_=_calibration(content.get("calibration"), arrays),
            learnt_=_learnt(arrays.get(LEARNT), references),
            references_=references,
            novelty_=_novelty(arrays.get(NOVELTY), encoder, content["params"]),
        )
        _probe(fitted)
        return fitted


def _own(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Choose the arrays of the model, by its own names; InputError if some are nobody's."""
    beside = {CALIBRATION, REPEATED, LEARNT, REFERENCE, NOVELTY}
    own = {key.removeprefix(MODEL): a for key, a in arrays.items() if key.startswith(MODEL)}
    if surplus := sorted(key for key in arrays.keys() - beside if not key.startswith(MODEL)):
        raise InputError(f"the model has no place for {', '.join(surplus)}; save it anew")
    return own


def _probe(fitted: Fitted) -> None:
    """Score a row, to find out now what arrays of the right names hide."""
    if np.prod(fitted.model_.shape) != fitted.encoder_.width_:
        raise InputError(
            f"its model takes rows of {fitted.model_.shape} numbers and its encoder gives "
            f"{fitted.encoder_.width_}; save it anew"
        )
    row = np.zeros((1, *fitted.encoder_.shape_), np.float32)
    with np.errstate(all="ignore"):
        scores = fitted.score_encoded(row)
    if scores.shape != (1,):
        raise InputError("its arrays give no score for a row; save it anew")


def _references(stored: np.ndarray | None, encoder: Encoder) -> Any:
    """Read references; None for a model of before rows, or images, could be explained."""
    if stored is None:
        return None
    width = encoder.images.width_ if isinstance(encoder, FeatureEncoder) else encoder.width_
    if stored.ndim != 2 or stored.shape[1] != width or not len(stored):
        raise InputError(f"the rows to compare with have shape {stored.shape}; save it anew")
    return stored


def _novelty(stored: np.ndarray | None, encoder: Encoder, params: Mapping[str, Any]) -> Any:
    """Read what novelty adds; None for a model of before it raised scores, and of images."""
    if stored is None:
        if params.get("novelty") and isinstance(encoder, TableEncoder):
            raise InputError("what novelty adds to a score was lost; save it anew")
        return None
    columns = len(encoder.used_names_) if isinstance(encoder, TableEncoder) else None
    sound = columns is not None and stored.dtype == np.float64 and stored.shape == (1 + columns,)
    if not sound or not np.isfinite(stored).all() or (stored[1:] < 0).any():
        raise InputError("what novelty adds to a score is stored wrongly; save it anew")
    return stored


def _learnt(stored: np.ndarray | None, references: np.ndarray | None) -> np.ndarray:
    """Digests of learnt rows; in a model of before there were any, of the rows that it keeps."""
    if stored is None:
        return remembered(np.zeros(0, np.uint64) if references is None else digests(references))
    if stored.ndim != 1 or stored.dtype != np.uint64:
        raise InputError("the digests of learnt rows are none; save it anew")
    return stored


def _calibration(stored: Any, arrays: Mapping[str, np.ndarray]) -> Calibration | None:
    """Read the calibration; None for models without, those of earlier versions among them."""
    if stored is None and CALIBRATION not in arrays:
        return None
    facts = stored or {}
    origin = {name: str(facts.get(name, "")) for name in ("source", "made")}
    return Calibration.of(arrays[CALIBRATION], str(facts["origin"]), arrays[REPEATED], **origin)


@contextmanager
def understood(name: str, what: str = "it") -> Iterator[None]:
    """Turn whatever can be raised by content that `save` never wrote into one line.

    what: the subject of that line.
    """
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
        why = f"{type(error).__name__}: {error}".partition("\n")[0][:120]
        raise InputError(f"{what} is not what a {name} needs ({why}); save it anew") from error


def _finite(name: str, value: Any) -> float:
    if not isinstance(value, float) or not np.isfinite(value):
        raise InputError(f"its {name} is {value!r}, not a finite number; save it anew")
    return value
