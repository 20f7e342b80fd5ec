"""Labels of pictures, told by the folders in which they lie: `good/`, and all that stand beside it.

A picture is normal if a folder on its path is called `good`, `normal` or `ok`, anomalous if it lies
in any other folder: `good/` and `bad/`, or `test/good/` and `test/scratch/`. `train`, `test`,
`validation` and `val` say nothing of a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alad.data.refusals import listed
from alad.errors import InputError

# names of folders, in any case of letters
NORMAL = ("good", "normal", "ok")
ANOMALOUS = ("bad", "anomaly", "anomalies", "anomalous", "abnormal", "defect", "defective", "ng")
TRAIN = "train"
LABELLED_BY_FOLDER = "labels of pictures are the names of their folders; leave out --label"
SPLITS = {TRAIN, "test", "validation", "val"}


def anomalous_pictures(
    names: Sequence[str], place: str, normal: Sequence[str] = ()
) -> np.ndarray | None:
    """Read the labels of pictures by their names, paths with /: bool [n], True = anomalous.

    None if no folder says good or bad, or all say good. normal: names of folders of normal
    pictures, instead of good, normal and ok. Raises InputError if some pictures have no label.
    """
    folders = [set(parents(name)) - SPLITS for name in names]
    words, there = {word.strip().lower() for word in normal}, set[str]().union(*folders)
    if missing := words - there:
        known = f"there are: {listed(sorted(there))}" if there else "there are none"
        raise InputError(f"{place}: no folder is called {min(missing)!r}; {known}")
    if not words and there.isdisjoint((*NORMAL, *ANOMALOUS)):
        return None
    good = np.array([not folder.isdisjoint(words or NORMAL) for folder in folders], bool)
    if good.all() and not words:
        return None
    loose = [name for name, folder in zip(names, folders, strict=True) if not folder]
    if loose or not good.any():
        why = f"{loose[0]} lies in no folder of a label" if loose else "none lies in good/"
        raise InputError(
            f"{place}: which pictures are normal is not clear, {why}; put the normal ones into "
            "good/ and the others into folders beside it, or name one folder"
        )
    return ~good


def require_normal(names: Sequence[str], place: str) -> None:
    """Raise InputError, naming the folder of the good ones, if some pictures are anomalous."""
    anomalous = anomalous_pictures(names, place)
    if anomalous is None:
        return
    odd, good = names[int(anomalous.argmax())], np.array(names)[~anomalous].tolist()
    folder = min((_good_folder(name) for name in good), key=lambda path: TRAIN not in path[:-1])
    alone = "a table of them alone" if Path(place).is_file() else "those alone, or their folder"
    remedy = Path(place, *folder) if Path(place).is_dir() else alone
    raise InputError(f"{place}: {odd} is anomalous by its folder; give the good ones: {remedy}")


def parents(name: str) -> list[str]:
    """List the folders of a picture's path, in small letters."""
    return name.lower().split("/")[:-1]


def _good_folder(name: str) -> tuple[str, ...]:
    """Name the folders of a normal picture, down to the one that says so."""
    at = next(at for at, part in enumerate(parents(name)) if part in NORMAL)
    return tuple(name.split("/")[: at + 1])
