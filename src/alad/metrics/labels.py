"""Labels as tables have them, and the guards before scores meet them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alad.errors import InputError

NORMAL = ("0", "false", "no", "normal", "inlier")  # what labels are taken for, capitals or not
ANOMALOUS = ("1", "true", "yes", "anomaly", "anomalous", "abnormal", "outlier")


def anomalous(labels: Sequence[Any], normal: Sequence[str] = ()) -> np.ndarray:
    """Bool [n], True = anomaly, from labels as tables have them: numbers, truth values, words.

    normal: the labels of normal rows, all others being anomalous; without it, those in NORMAL and
    ANOMALOUS are understood. Raises InputError for an empty or unknown label; rows count from 1.
    """
    words = [_word(label) for label in labels]
    if "" in words:
        raise InputError(f"row {words.index('') + 1} has no label; fill it in or remove the row")
    chosen = {_word(label) for label in normal}
    unseen = chosen - set(words)
    if unseen:
        raise InputError(f"no row has the normal label {min(unseen)!r}; {_there_are(words)}")
    unknown = set(words) - {*NORMAL, *ANOMALOUS}
    if unknown and not chosen:
        raise InputError(
            f"label {min(unknown)!r} is neither of {', '.join(NORMAL)} nor of "
            f"{', '.join(ANOMALOUS)}; say which labels are normal (--normal)"
        )
    usual = chosen or set(NORMAL)
    return np.array([word not in usual for word in words], dtype=bool)


def _word(label: Any) -> str:
    """A label as it is compared: 1, 1.0, "1 " and True are not told apart from "1" and "true"."""
    if label is None or label != label:
        return ""
    if isinstance(label, float) and label == int(label):
        label = int(label)
    return str(label).strip().lower()


def _there_are(words: list[str]) -> str:
    different = list(dict.fromkeys(words))
    more = " …" if len(different) > 8 else ""
    return f"there are: {', '.join(different[:8])}{more}"


# --- guards ---------------------------------------------------------------------------------------


def checked(scores: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Scores float64 [n] and anomalous bool [n], refused where no rank or no answer exists."""
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    if scores.ndim != 1 or scores.shape != labels.shape or not len(scores):
        shapes = f"{scores.shape} and {labels.shape}"
        raise InputError(f"scores and labels have the shapes {shapes}; give one of each per row")
    if not np.isfinite(scores).all():
        count = (~np.isfinite(scores)).sum()
        raise InputError(f"{count} scores are NaN or infinite and have no rank; mend the detector")
    if not np.isin(labels, (0, 1)).all():
        raise InputError("labels other than 0 and 1 (1 = anomaly); recode them")
    return scores, labels.astype(bool)


def both_kinds(anomalous: np.ndarray) -> None:
    if anomalous.all() or not anomalous.any():
        raise InputError("the labels are all alike, so there is nothing to rank; give both kinds")
