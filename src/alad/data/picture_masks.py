"""Masks: which pixels of a picture count. White (above half) counts, black does not.

Pixels that do not count are painted mid-grey in every picture, learnt or scored, so that they are
the same in all of them; their heat is 0, and tiles without any pixel that counts are left out.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from alad.data.decoding import DAMAGE, Form, decoded, header_of
from alad.data.picture_files import StoredPicture, Unreadable, stored_pictures
from alad.errors import InputError

HALF = 128  # of 255: from it on a mask's pixel counts
ENDINGS = ("", "_mask")  # after the name of a picture, without its suffix


class Masks:
    """A picture that is the mask of all, or a folder of masks with the pictures' names."""

    def __init__(self, place: str | Path):
        self.place = Path(place)
        if not self.place.exists():
            raise InputError(f"{place}: no such mask; name a picture, or a folder of them")
        if self.place.is_dir():
            if not self._stored:
                raise InputError(f"{place}: no masks in it; put one there for each picture")
        else:
            self._require_white()

    def _require_white(self) -> None:
        """Raise InputError unless the one mask of all pictures can be read, and has white in it."""
        try:
            header = header_of(self._whole)
            self.of("", header.height, header.width)
        except (Unreadable, *DAMAGE) as error:
            black = "all black" in str(error)
            remedy = "make white what counts" if black else "name another, or leave the mask out"
            what = "is all black" if black else "is no picture that opens"
            raise InputError(f"{self.place}: this mask {what}; {remedy}") from error

    @cached_property
    def _stored(self) -> dict[str, StoredPicture]:
        """Masks of a folder by their names without suffix."""
        found = stored_pictures(self.place)
        return {str(Path(one.name).with_suffix("")): one for one in found}

    def of(self, name: str, height: int, width: int) -> np.ndarray:
        """Read the mask of a picture, at its size: bool [height, width], True = counts.

        Raises Unreadable if there is none, or it cannot be read.
        """
        content = self._content(name)
        try:
            grey = decoded(content, Form(height, width, 1))
        except DAMAGE as error:
            raise Unreadable("its mask is damaged or cut short") from error
        counts = grey[..., 0] >= HALF
        if not counts.any():
            raise Unreadable("its mask is all black; make white what counts")
        return counts

    def _content(self, name: str) -> bytes:
        if not self.place.is_dir():
            return self._whole
        stem = str(Path(name).with_suffix(""))
        for ending in ENDINGS:
            if stored := self._stored.get(stem + ending):
                return stored.bytes()
        raise Unreadable(f"has no mask; put {stem}.png into {self.place}")

    @cached_property
    def _whole(self) -> bytes:
        return self.place.read_bytes()


def painted(pixels: np.ndarray, counts: np.ndarray, bits: int) -> np.ndarray:
    """Paint pixels [height, width, channels] mid-grey where they do not count."""
    pixels = pixels.copy()
    pixels[~counts] = paint(bits)
    return pixels


def paint(bits: int) -> int:
    """Return the value of mid-grey in pixels of so many bits."""
    return 1 << (bits - 1)
