"""Large pictures as overlapping tiles, and back: the one place where they are cut and joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

OVERLAP = 4  # a tile shares at least one in so many of its pixels with the next, along a side


@dataclass(frozen=True)
class Tiling:
    """Places of the tiles of a picture of height × width pixels, `side` pixels a side.

    They begin and end at the picture's borders, and lie evenly. A picture that is smaller than a
    tile is continued by its mirror image, which `joined` cuts off again.
    """

    height: int
    width: int
    side: int

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """First row and column of each tile, from the top, in each line from the left."""
        down, across = _starts(self.height, self.side), _starts(self.width, self.side)
        return [(row, column) for row in down for column in across]

    def __len__(self) -> int:
        return len(self.places)

    def counting(self, picture: np.ndarray, paint: int | None) -> np.ndarray:
        """List the numbers of tiles that hold anything but paint, at least one: int [k].

        paint: the value of pixels that do not count; None = all count.
        """
        if paint is None:
            return np.arange(len(self))
        tiles = self.cut(picture, range(len(self)))
        found = np.flatnonzero([(tile != paint).any() for tile in tiles])
        return found if len(found) else np.zeros(1, int)

    def cut(self, picture: np.ndarray, chosen: Iterable[int]) -> Iterator[np.ndarray]:
        """Yield tiles [side, side, channels] of a picture [height, width, channels], by number."""
        short = [max(0, self.side - length) for length in (self.height, self.width)]
        if any(short):
            picture = np.pad(picture, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")
        for at in chosen:
            row, column = self.places[at]
            yield picture[row : row + self.side, column : column + self.side]

    def joined(self, maps: Iterable[tuple[int, np.ndarray]]) -> np.ndarray:
        """Blend maps [side, side] of tiles, with their numbers: float32 [height, width].

        Where tiles overlap each counts the more the farther the pixel is from the tile's border.
        Tiles that are left out count as zeros.
        """
        middle = (self.side - 1) / 2
        hat = np.float32(middle + 1) - np.abs(np.arange(self.side, dtype=np.float32) - middle)
        whole = max(self.height, self.side), max(self.width, self.side)
        total, weight = np.zeros(whole, np.float32), np.zeros(whole, np.float32)
        own = np.outer(hat, hat)
        for row, column in self.places:
            weight[row : row + self.side, column : column + self.side] += own
        for at, one in maps:
            row, column = self.places[at]
            total[row : row + self.side, column : column + self.side] += own * one
        return (total / weight)[: self.height, : self.width]


def _starts(length: int, side: int) -> list[int]:
    """Place tiles along a side of a picture: the first pixel of each."""
    if length <= side:
        return [0]
    step = side - side // OVERLAP
    count = -(-(length - side) // step) + 1
    return np.rint(np.linspace(0, length - side, count)).astype(int).tolist()


def shrunk(image: np.ndarray, times: int, combine: np.ufunc = np.add) -> np.ndarray:
    """Combine squares of `times` pixels a side of [height, width, …]: sums give their mean.

    What is left over at the bottom and the right makes squares with the pixels before.
    """
    if times == 1:
        return image
    for axis in (0, 1):
        length = image.shape[axis]
        count = -(-length // times)
        starts = np.minimum(np.arange(count) * times, max(0, length - times))
        parts = [image.take(np.minimum(starts + at, length - 1), axis=axis) for at in range(times)]
        joined = parts[0].astype(np.float32)
        for part in parts[1:]:
            combine(joined, part, out=joined)
        image = joined / np.float32(times) if combine is np.add else joined
    return image
