"""Pictures in: folders, files, and tables with image bytes; decoded when asked for, block by block.

A file that cannot be read is left out, with its reason, or stops the reading (`strict`). What
becomes of the others: see `decoding`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from alad.data.decoding import DAMAGE, Form, Header, decoded, header_of, require_pillow
from alad.data.picture_files import SUFFIXES, Cell, Unreadable, cells_of, links_in
from alad.errors import InputError

BLOCK, BLOCK_VALUES = 256, 1 << 24  # pictures decoded at a time, and their values


@dataclass
class Pictures:
    """Pictures of one source, to be decoded: a folder and all below it, a file, or a table.

    source: a folder; a picture; or a Parquet or Arrow file with a column of image bytes (or of
    structs of `bytes` and `path`, as Hugging Face writes them). size: (height, width) to which all
    are resized; None = their own if they share one, else the median, but at most `most_side` on the
    longer side. strict: a picture that cannot be read raises InputError instead of being skipped.
    scratch: the folder in which a file holds all of them, decoded, while a model learns; None = the
    system's for temporary files, which may be a part of memory.

    `skipped` says which were left out so far, and why. Raises InputError if there is no picture.
    """

    source: str | Path
    size: tuple[int, int] | None = None
    strict: bool = False
    most_side: int = 64
    scratch: str | Path | None = None
    skipped: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        require_pillow()
        if not isinstance(self.source, str | Path) or not str(self.source):
            raise InputError(f"source is {self.source!r}; give the path of a folder or a file")
        self._cells = cells_of(Path(self.source))
        if not self._cells:
            aside = links_in(Path(self.source))
            raise InputError(
                f"{self.source}: no pictures in it or in folders below{aside}; "
                f"put some there ({', '.join(SUFFIXES)}), or name another folder"
            )

    def __len__(self) -> int:
        """How many there are, unreadable ones included."""
        return len(self._cells)

    @property
    def names(self) -> list[str]:
        """Of all that were not skipped: file names below the folder, with / between folders."""
        return [cell.name for cell in self._cells if cell.name not in self.skipped]

    def form(self) -> Form:
        """The form that suits most of them: from headers, nothing is decoded.

        Coloured if any is, of 16 bits if any is.
        """
        headers = [header for cell in self._cells if (header := self._tried(cell, header_of))]
        if not headers:
            raise self._nothing_left()
        height, width = self.size or _common_size(headers, self.most_side)
        channels = max(header.channels for header in headers)
        return Form(height, width, channels, max(header.bits for header in headers))

    def blocks(self, form: Form, rows: int | None = None) -> Iterator[tuple[list[str], np.ndarray]]:
        """(names, pixels [n, height, width, channels]) with n at most `rows`; uint8 or uint16.

        rows: None = as many as suit their size.
        """
        fitting = BLOCK_VALUES // (form.height * form.width * form.channels)
        rows = rows or max(1, min(BLOCK, fitting))
        names: list[str] = []
        pixels: list[np.ndarray] = []
        count = 0
        for cell in self._cells:
            array = self._tried(cell, lambda content: decoded(content, form))
            if array is None:
                continue
            names.append(cell.name)
            pixels.append(array)
            count += 1
            if len(pixels) == rows:
                yield names, np.stack(pixels)
                names, pixels = [], []
        if pixels:
            yield names, np.stack(pixels)
        if not count:
            raise self._nothing_left()

    def taken(self, form: Form, chosen: Sequence[int]) -> np.ndarray:
        """Pixels [n, height, width, channels] of some of those that `names` lists, by number.

        At least one must be chosen. Raises InputError if one cannot be read any more.
        """
        left = [cell for cell in self._cells if cell.name not in self.skipped]
        pixels = [self._tried(left[at], lambda content: decoded(content, form)) for at in chosen]
        if any(one is None for one in pixels):
            raise InputError(f"{self.source}: pictures changed while they were read; try again")
        return np.stack(pixels)

    def _tried(self, cell: Cell, read: Callable[..., Any]) -> Any:
        """What `read` makes of a picture's bytes; None, with its reason noted, if it fails."""
        if cell.name in self.skipped:
            return None
        try:
            with warnings.catch_warnings():  # Pillow's name no file; what matters raises as well
                warnings.simplefilter("ignore")
                return read(cell.bytes())
        except Unreadable as error:
            reason = str(error)
        except DAMAGE as error:
            reason = f"is damaged or cut short: {_first_line(error)}"
        if self.strict:
            raise InputError(f"{cell.name}: {reason}")
        self.skipped[cell.name] = reason
        return None

    def _nothing_left(self) -> InputError:
        name, reason = next(iter(self.skipped.items()))
        first = f"none of {len(self)} pictures can be read; the first, " if len(self) > 1 else ""
        return InputError(f"{self.source}: {first}{name}: {reason}")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:80] or type(error).__name__


def _common_size(headers: list[Header], most: int) -> tuple[int, int]:
    """Their own size if they share one, else the median; scaled down to `most` if it is longer."""
    sizes = np.array([(header.height, header.width) for header in headers])
    height, width = np.median(sizes, axis=0)
    scale = min(1.0, most / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def size_of(text: str) -> tuple[int, int]:
    """ "64" -> (64, 64), "48x64" -> (48, 64), height first. Raises InputError for anything else."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) > 2 or not all(part.isdecimal() and 0 < int(part) < 10_000 for part in parts):
        raise InputError(f"size is {text!r}; give one side such as 64, or HEIGHTxWIDTH")
    return int(parts[0]), int(parts[-1])
