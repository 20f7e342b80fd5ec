"""Labels as tables have them, and checks of labels and scores."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alad.errors import InputError

NORMAL = ("0", "false", "no", "normal", "inlier")  # in any case of letters
ANOMALOUS = ("1", "true", "yes", "anomaly", "anomalous", "abnormal", "outlier")


def anomalous(labels: Sequence[Any], normal: Sequence[str] = ()) -> np.ndarray:
    """Read labels as tables have them (numbers, truth values, words): bool [n], True = anomaly.

    normal: labels of normal rows, all others being anomalous; by default, those in NORMAL and
    ANOMALOUS. Raises InputError for an empty or unknown label; rows count from 1.
    """
    # refuse missing labels, and normal ones that no row has, which are most likely misspelt
    words = [_word(label) for label in labels]
    if "" in words:
        raise InputError(f"row {words.index('') + 1} has no label; fill it in or remove the row")
    normal_words = {_word(label) for label in normal}
    unseen = normal_words - set(words)
    if unseen:
        raise InputError(f"no row has the normal label {min(unseen)!r}; {_there_are(words)}")
    # unless the normal labels are given, all have to be words of the lists
    unknown = set(words) - {*NORMAL, *ANOMALOUS}
    if unknown and not normal_words:
        raise InputError(
            f"label {min(unknown)!r} is neither of {', '.join(NORMAL)} nor of "
            f"{', '.join(ANOMALOUS)}; say which labels are normal (--normal)"
        )
    normal_words = normal_words or set(NORMAL)
    return np.array([word not in normal_words for word in words], dtype=bool)


def _word(label: Any) -> str:
    """Normalise a label, so that 1, 1.0, "1.0" and "1 " are equal, and so are True and "true"."""
    if label is None or label != label:
        return ""
    return re.sub(r"^(\d+)\.0*$", r"\1", str(label).strip().lower())


def _there_are(words: list[str]) -> str:
    different = list(dict.fromkeys(words))
    more = " …" if len(different) > 8 else ""
    return f"there are: {', '.join(different[:8])}{more}"


# --- checks ---------------------------------------------------------------------------------------


def checked(scores: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Convert scores to float64 [n] and labels to bool [n]; InputError for NaN, or other labels."""
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
    """Raise InputError unless there are both normal and anomalous rows."""
    if anomalous.all() or not anomalous.any():
        raise InputError("the labels are all alike, so there is nothing to rank; give both kinds")
