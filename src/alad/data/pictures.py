"""Pictures of folders, files and tables with image bytes, decoded block by block when asked for.

A file that cannot be read is skipped, with the reason, or raises an error (`strict`). `decoding`
describes the pixels that pictures are decoded to.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np

from alad.data.decoding import DAMAGE, Form, Header, decoded, header_of, require_pillow
from alad.data.part_files import place_of_files
from alad.data.picture_files import (
    SUFFIXES,
    StoredPicture,
    Unreadable,
    are_pictures,
    links_in,
    pictures_at,
    stored_pictures,
)
from alad.data.picture_masks import Masks, painted
from alad.errors import InputError

USUAL_SIDE = 64  # most pixels of the longer side, unless more are asked for
STRETCHED = 1.25  # of a picture's proportions: more than that is told
BLOCK_PICTURES, BLOCK_VALUES = 256, 1 << 24  # most pictures, and values, decoded at once


@dataclass
class Pictures:
    """Pictures of a source: a folder and all folders below, a file, or a table.

    source: a folder; a picture; a list of these; or a Parquet or Arrow file with a column of image
    bytes (or of structs of `bytes` and `path`, as Hugging Face writes them). size: (height, width)
    to which all are resized; None = their median, but at most `most_side` on the longer side (None
    = 64, or what a backbone takes). strict: a picture
    that cannot be read raises InputError instead of being skipped. scratch: the folder of a file
    with all decoded pictures while a model is fitted; None = the system's folder for temporary
    files, which may lie in memory. mask: a picture, or a folder of pictures of the same names,
    white where pixels count.

    `skipped`: name -> reason, of pictures skipped so far. Raises InputError if there is no picture.
    """

    source: str | Path | Sequence[str | Path]
    size: tuple[int, int] | None = None
    strict: bool = False
    most_side: int | None = None
    scratch: str | Path | None = None
    mask: str | Path | None = None
    skipped: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        require_pillow()
        self._masks = None if self.mask is None else Masks(self.mask)
        self._stored = self._listed()

    def _listed(self) -> list[StoredPicture]:
        """List the pictures of the source; InputError if there are none, or it is no path."""
        if isinstance(self.source, list | tuple) and self.source:
            if not are_pictures(self.source):
                raise InputError(f"{self.place}: not all are pictures; name those alone")
            return pictures_at(self.source)
        if not isinstance(self.source, str | Path) or not str(self.source):
            raise InputError(f"source is {self.source!r}; give the path of a folder or a file")
        stored = stored_pictures(Path(self.source))
        if not stored:
            aside = links_in(Path(self.source))
            raise InputError(
                f"{self.source}: no pictures in it or in folders below{aside}; "
                f"put some there ({', '.join(SUFFIXES)}), or tables (.csv, .parquet, …), or name "
                "another folder"
            )
        return stored

    @property
    def place(self) -> str:
        """Name the source for messages."""
        return place_of_files(self.source)

    def __len__(self) -> int:
        """Count the pictures, unreadable ones included."""
        return len(self._stored)

    @property
    def names(self) -> list[str]:
        """Names of all pictures not skipped: paths below the folder, with / between folders."""
        return [picture.name for picture in self._stored if picture.name not in self.skipped]

    def at_most(self, side: int) -> Pictures:
        """Return these pictures with the longer side `side` at most, unless a size is given."""
        if self.size is not None or self.most_side is not None:
            return self
        smaller = replace(self, most_side=side)
        smaller.skipped = self.skipped  # what one skips, the other names
        return smaller

    def form(self, *, to_learn: bool = False) -> Form:
        """Choose the form of decoded pictures from their headers.

        Coloured if any picture is, of 16 bits if any is. to_learn: warn of pictures whose
        proportions it changes, unless a size was given.
        """
        tried = {one.name: self._tried(one, header_of) for one in self._stored}
        named = {name: header for name, header in tried.items() if header}
        headers = list(named.values())
        if not headers:
            raise self._nothing_left()
        height, width = self.size or _common_size(headers, self.most_side or USUAL_SIDE)
        if to_learn and self.size is None:
            _warn_of_stretching(named, height, width)
        channels = max(header.channels for header in headers)
        return Form(height, width, channels, max(header.bits for header in headers))

    def blocks(self, form: Form, rows: int | None = None) -> Iterator[tuple[list[str], np.ndarray]]:
        """Decode blocks of at most `rows` pictures: (names, pixels [n, height, width, channels]).

        Pixels are uint8 or uint16. rows: None = as many as suit their size.
        """
        # images of many pixels come in smaller blocks, so that memory stays bounded
        fitting = BLOCK_VALUES // (form.height * form.width * form.channels)
        rows = rows or max(1, min(BLOCK_PICTURES, fitting))
        names: list[str] = []
        pixels: list[np.ndarray] = []
        count = 0
        for picture in self._stored:
            array = self._decoded(picture, form)
            if array is None:
                continue
            names.append(picture.name)
            pixels.append(array)
            count += 1
            if len(pixels) == rows:
                yield names, np.stack(pixels)
                names, pixels = [], []
        if pixels:
            yield names, np.stack(pixels)
        if not count:
            raise self._nothing_left()

    def each(
        self, form: Form, chosen: Sequence[int] | None = None
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Decode pictures one by one: (name, pixels [height, width, channels]).

        chosen: numbers of pictures in `names`; None = all. InputError if none can be read.
        """
        left = [picture for picture in self._stored if picture.name not in self.skipped]
        for picture in left if chosen is None else (left[at] for at in chosen):
            array = self._decoded(picture, form)
            if array is not None:
                yield picture.name, array
        if len(self.skipped) == len(self):
            raise self._nothing_left()

    def taken(self, form: Form, chosen: Sequence[int]) -> np.ndarray:
        """Decode at least one of the pictures in `names`, by number: [n, height, width, channels].

        Raises InputError if a picture cannot be read any more.
        """
        left = [picture for picture in self._stored if picture.name not in self.skipped]
        tried = [self._decoded(left[at], form) for at in chosen]
        pixels = [array for array in tried if array is not None]
        if len(pixels) < len(tried):
            raise InputError(f"{self.place}: pictures changed while they were read; try again")
        return np.stack(pixels)

    def counts(self, name: str, height: int, width: int) -> np.ndarray | None:
        """Tell which pixels of a picture of that size count: bool [height, width]; None = all."""
        return None if self._masks is None else self._masks.of(name, height, width)

    def _decoded(self, picture: StoredPicture, form: Form) -> np.ndarray | None:
        """Decode a picture, what does not count painted; None, and the reason, if that fails."""

        def read(content: bytes) -> np.ndarray:
            pixels = decoded(content, form)
            counts = self.counts(picture.name, *pixels.shape[:2])
            return pixels if counts is None else painted(pixels, counts, form.bits)

        return self._tried(picture, read)

    def _tried(self, picture: StoredPicture, read: Callable[..., Any]) -> Any:
        """Call `read` with a picture's bytes; None, and the reason in `skipped`, if it fails."""
        if picture.name in self.skipped:
            return None
        try:
            with warnings.catch_warnings():  # Pillow's name no file, and damage raises
                warnings.simplefilter("ignore")
                return read(picture.bytes())
        except Unreadable as error:
            reason = str(error)
        except DAMAGE as error:
            line = str(error).partition("\n")[0][:80] or type(error).__name__
            reason = f"is damaged or cut short: {line}"
        if self.strict:
            raise InputError(f"{picture.name}: {reason}; remove it, or leave out strict")
        self.skipped[picture.name] = reason
        return None

    def _nothing_left(self) -> InputError:
        name, reason = next(iter(self.skipped.items()))
        first = f"none of {len(self)} pictures can be read; the first, " if len(self) > 1 else ""
        remedy = "give pictures that open" if self._masks is None else "mend masks or pictures"
        return InputError(f"{self.place}: {first}{name}: {reason}; {remedy}")


def _common_size(headers: list[Header], most: int) -> tuple[int, int]:
    """Compute the median size, scaled down if its longer side exceeds `most`."""
    sizes = np.array([(header.height, header.width) for header in headers])
    height, width = np.median(sizes, axis=0)
    scale = min(1.0, most / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _warn_of_stretching(headers: dict[str, Header], height: int, width: int) -> None:
    """Warn if pictures, by name, have other proportions than those to which all are resized."""
    changed = {
        name: max(change, 1 / change)
        for name, header in headers.items()
        if (change := header.width * height / (header.height * width))
    }
    worst, by = max(changed.items(), key=lambda pair: pair[1])
    if by > STRETCHED:
        count = sum(change > STRETCHED for change in changed.values())
        was = headers[worst]
        warn(
            f"{count} of {len(headers)} pictures are stretched, as all are resized to {height} × "
            f"{width}: {worst} is {was.height} × {was.width} (height × width); tile (--tile) "
            "keeps every picture as it is",
            UserWarning,
            stacklevel=2,
        )


def size_of(text: str) -> tuple[int, int]:
    """Parse a size to (height, width): "64", or "48x64", height first; InputError for others."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) > 2 or not all(part.isdecimal() and 0 < int(part) < 10_000 for part in parts):
        raise InputError(f"size is {text!r}; give one side such as 64, or HEIGHTxWIDTH")
    return int(parts[0]), int(parts[-1])
