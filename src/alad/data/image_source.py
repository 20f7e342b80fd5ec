"""The source of images: an array of them, or pictures to decode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from alad.data.array_file import ArrayFile
from alad.data.decoding import Form
from alad.data.frames import Drop, keys
from alad.data.picture_labels import anomalous_pictures, require_normal
from alad.data.pictures import Pictures
from alad.data.pixel_file import decoded_once
from alad.data.source import Source
from alad.errors import InputError


class ImageSource(Source):
    """Images: an array [n, height, width, channels], or pictures to decode; a batch is pixels.

    chosen: numbers of the images that are part of the source; None = all.
    """

    kind, unit, again = "images", "image", True

    def __init__(
        self,
        content: np.ndarray | Pictures,
        place: str = "X",
        chosen: Sequence[int] | None = None,
    ):
        self.content, self.place, self._chosen = content, place, chosen

    @property
    def n_rows(self) -> int:
        """Number of images, without those that could not be read so far."""
        return len(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of files; for an array, numbers from 1."""
        if isinstance(self.content, Pictures):
            names = self.content.names
        else:
            names = [str(at) for at in range(1, len(self.content) + 1)]
        return tuple(names if self._chosen is None else (names[at] for at in self._chosen))

    @property
    def skipped(self) -> dict[str, str]:
        """Names of the pictures that could not be read so far, with the reasons."""
        return self.content.skipped if isinstance(self.content, Pictures) else {}

    def anomalous(self, normal: Sequence[str] = ()) -> np.ndarray | None:
        """Read the labels of pictures not skipped so far, by their folders: bool [n], or None."""
        return anomalous_pictures(self.names, self.place, normal)

    def require_normal(self) -> None:
        """Raise InputError if some pictures are anomalous by their folders."""
        if self._chosen is None:
            require_normal(self.names, self.place)

    def at_most(self, side: int) -> ImageSource:
        """Return the source with pictures of at most that side, unless their size is given."""
        if not isinstance(self.content, Pictures):
            return self
        return ImageSource(self.content.at_most(side), self.place, self._chosen)

    @property
    def masked(self) -> bool:
        """Whether a mask says which pixels count."""
        return isinstance(self.content, Pictures) and self.content.mask is not None

    def counts(self, at: int, height: int, width: int) -> np.ndarray | None:
        """Tell which pixels of one image, at that size, count: bool [height, width]; None = all."""
        if not isinstance(self.content, Pictures):
            return None
        return self.content.counts(self.names[at], height, width)

    def use_scratch(self, folder: Path) -> None:
        """Set the folder for decoded pictures while a model is fitted."""
        if isinstance(self.content, Pictures):
            self.content.scratch = folder

    def batches(self, form: Form | None = None) -> Iterator[np.ndarray]:
        """Yield pixels [n, height, width, channels]; form: of pictures, None = what suits."""
        if isinstance(self.content, Pictures):
            form = form or self.content.form()
            if self._chosen is None:
                yield from (pixels for _, pixels in self.content.blocks(form))
            else:
                yield self.content.taken(form, self._chosen)
        else:
            yield self.content if self._chosen is None else self.content[np.asarray(self._chosen)]

    def own_size_form(self) -> Form:
        """Choose the form of pictures that keep their size; of an array its own."""
        if not isinstance(self.content, Pictures):
            return Form(0, 0, self.content.shape[3])
        if self.content.size is not None:
            raise InputError(
                f"{self.place}: tiles are cut from pictures as they are; leave out size"
            )
        return replace(self.content.form(), height=0, width=0)

    def each(self, form: Form) -> Iterator[tuple[str, np.ndarray]]:
        """Yield images one by one, with their names: pixels [height, width, channels]."""
        if isinstance(self.content, Pictures):
            yield from self.content.each(form, self._chosen)
        else:
            chosen = range(len(self.content)) if self._chosen is None else self._chosen
            yield from ((str(at + 1), self.content[at]) for at in chosen)

    @contextmanager
    def decoded(self) -> Iterator[np.ndarray | ArrayFile]:
        """Open all images at once, for training; pictures lie in a file within the context."""
        if isinstance(self.content, Pictures) and self._chosen is None:
            with decoded_once(self.content) as pixels:
                yield pixels
        else:
            yield np.concatenate(list(self.batches()))

    def held(self) -> ImageSource:
        """Return the source, which can always be read again."""
        return self

    def without(self, drop: Drop) -> ImageSource:
        """Raise InputError if there is anything to leave out."""
        if keys(drop):
            raise InputError(f"{self.place}: images have no columns; leave out drop")
        return self

    def taken(self, rows: Sequence[int] | np.ndarray) -> ImageSource:
        """Select images by number."""
        return ImageSource(self.content, self.place, np.asarray(rows).tolist())

    def table(self) -> pa.Table:
        """Make a table of the names of readable images, column `file`."""
        return pa.table({"file": list(self.names)})
