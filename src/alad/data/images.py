"""Pictures in: folders, files, and tables with image bytes; decoded when asked for, block by block.

What a picture becomes, whatever its file: grey or red-green-blue, 8 or 16 bits, upright.

- Turned as its EXIF orientation says.
- A palette is looked up; transparent parts are laid on white, as a page shows them.
- CMYK and its like become RGB. Grey of 16 bits keeps them; colour of 16 bits is read as 8 (Pillow).
- Of another size than wanted: resized, its aspect ratio not kept, by area-true bilinear filtering.

A file that cannot be read so is left out, with its reason, or stops the reading (`strict`).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from alad.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"II*\0", b"MM\0*")  # how pictures begin
MOST_PIXELS = 64_000_000  # of one picture; more is a mistake, or meant to fill the memory
BLOCK = 256  # pictures decoded at a time
OPAQUE_BACKGROUND = (255, 255, 255, 255)

Mode = Literal["L", "RGB"]


@dataclass(frozen=True)
class Form:
    """What all pictures of a set are made to be."""

    height: int
    width: int
    channels: int  # 1 = grey, 3 = red, green, blue
    bits: int = 8  # 8 or 16


@dataclass(frozen=True)
class Header:
    """What a picture is before it is decoded."""

    height: int
    width: int
    channels: int
    bits: int


@dataclass
class Pictures:
    """Pictures of one source, to be decoded: a folder and all below it, a file, or a table.

    source: a folder; a picture; or a Parquet or Arrow file with a column of image bytes (or of
    structs of `bytes` and `path`, as Hugging Face writes them). size: (height, width) to which all
    are resized; None = their own if they share one, else the median, but at most `most_side` on the
    longer side. strict: a picture that cannot be read raises InputError instead of being skipped.

    `skipped` says which were left out so far, and why. Raises InputError if there is no picture.
    """

    source: str | Path
    size: tuple[int, int] | None = None
    strict: bool = False
    most_side: int = 64
    skipped: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        _require_pillow()
        self._cells = _cells_of(Path(self.source))
        if not self._cells:
            raise InputError(f"{self.source}: no pictures in it ({', '.join(SUFFIXES)})")

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
        headers = [header for cell in self._cells if (header := self._tried(cell, _header))]
        if not headers:
            raise self._nothing_left()
        height, width = self.size or _common_size(headers, self.most_side)
        channels = max(header.channels for header in headers)
        return Form(height, width, channels, max(header.bits for header in headers))

    def blocks(self, form: Form, rows: int = BLOCK) -> Iterator[tuple[list[str], np.ndarray]]:
        """(names, pixels [n, height, width, channels]) with n at most `rows`; uint8 or uint16."""
        names: list[str] = []
        pixels: list[np.ndarray] = []
        count = 0
        for cell in self._cells:
            array = self._tried(cell, lambda cell: _decoded(cell, form))
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

    def _tried(self, cell: Cell, read: Any) -> Any:
        """What `read` makes of a cell; None if it cannot be read, for the reason noted."""
        if cell.name in self.skipped:
            return None
        try:
            return read(cell)
        except _Unreadable as error:
            reason = str(error)
        except _DAMAGE as error:
            reason = f"is damaged or cut short: {_first_line(error)}"
        if self.strict:
            raise InputError(f"{cell.name}: {reason}")
        self.skipped[cell.name] = reason
        return None

    def _nothing_left(self) -> InputError:
        name, reason = next(iter(self.skipped.items()))
        return InputError(
            f"{self.source}: none of {len(self)} pictures can be read; the first, {name}: {reason}"
        )


class _Unreadable(Exception):
    """Why a picture is left out."""


# --- where pictures are ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A picture not yet read: in a file, or in memory."""

    name: str
    content: Path | bytes | None

    def bytes(self) -> bytes:
        if isinstance(self.content, bytes):
            return self.content
        if self.content is None:
            raise _Unreadable("the cell is missing")
        try:
            return self.content.read_bytes()
        except OSError as error:
            raise _Unreadable(f"cannot be read: {error.strerror}") from error


def holds_pictures(source: str | Path) -> bool:
    """Is it a folder, a picture file, or a table with a column of image bytes?"""
    path = Path(source)
    if path.is_dir():
        return True
    return path.is_file() and (_begins_as_picture(path) or _bytes_column(path) is not None)


def _cells_of(source: Path) -> list[Cell]:
    if source.is_dir():
        files = sorted(path for path in source.rglob("*") if _seems_picture(path, source))
        return [Cell(path.relative_to(source).as_posix(), path) for path in files]
    if not source.is_file():
        raise InputError(f"{source}: no such file or folder")
    column = _bytes_column(source)
    if column is None:
        return [Cell(source.name, source)]
    return _cells_of_column(column)


def _seems_picture(path: Path, below: Path) -> bool:
    """By its suffix or by how it begins; what is hidden is left alone."""
    hidden = any(part.startswith(".") for part in path.relative_to(below).parts)
    if hidden or not path.is_file():
        return False
    return path.suffix.lower() in SUFFIXES or _begins_as_picture(path)


def _begins_as_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head.startswith(MAGIC) and (not head.startswith(b"RIFF") or head[8:] == b"WEBP")


def _bytes_column(path: Path) -> pa.ChunkedArray | None:
    """The first column of a Parquet or Arrow file that holds bytes; None if there is none."""
    with path.open("rb") as file:
        head = file.read(6)
    try:
        if head[:4] == b"PAR1":
            name = _bytes_name(parquet.read_schema(path))
            return None if name is None else parquet.read_table(path, columns=[name])[name]
        if head == b"ARROW1":
            with pa.ipc.open_file(pa.memory_map(str(path))) as reader:
                name = _bytes_name(reader.schema)
                return None if name is None else reader.read_all()[name]
    except (pa.ArrowException, OSError, ValueError):
        return None  # whoever reads it as a table says what is wrong with it
    return None


def _bytes_name(schema: pa.Schema) -> str | None:
    return next((one.name for one in schema if _is_bytes(one.type)), None)


def _is_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        names = [kind.field(at).name for at in range(kind.num_fields)]
        return "bytes" in names and _is_bytes(kind.field("bytes").type)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _cells_of_column(column: pa.ChunkedArray) -> list[Cell]:
    found = []
    for row, value in enumerate(column.to_pylist()):
        name = f"row {row}"
        if isinstance(value, dict):
            name, value = value.get("path") or name, value["bytes"]
        found.append(Cell(name, value))
    return found


# --- from bytes to pixels -------------------------------------------------------------------------


def _require_pillow() -> None:
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise InputError("pictures need Pillow: pip install 'alad[images]'") from error


def _opened(content: bytes) -> Image:
    """A picture whose header was read; _Unreadable says what is the matter with it."""
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise _Unreadable("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures; those are looked for below
            image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise _Unreadable("is no picture of a known format") from error
    except Image.DecompressionBombError as error:
        raise _Unreadable("has too many pixels; shrink it") from error
    if image.width * image.height > MOST_PIXELS:
        size = f"{image.width} × {image.height}"
        raise _Unreadable(f"has {size} pixels; shrink it to at most {MOST_PIXELS // 10**6} million")
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise _Unreadable(f"has {frames} frames; save the one that is meant")
    return image


# what Pillow raises for bytes that are no whole picture
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:80] or type(error).__name__


def _header(cell: Cell) -> Header:
    image = _opened(cell.bytes())
    height, width = image.height, image.width
    if image.getexif().get(0x0112, 1) >= 5:  # orientations 5 to 8 lie on their side
        height, width = width, height
    grey = image.mode in ("1", "L", "LA", "La") or _is_deep(image)
    return Header(height, width, 1 if grey else 3, 16 if _is_deep(image) else 8)


def _is_deep(image: Image) -> bool:
    return image.mode == "I" or image.mode.startswith("I;16")


def _decoded(cell: Cell, form: Form) -> np.ndarray:
    """[height, width, channels] in the wanted form."""
    from PIL import ImageOps

    image = _opened(cell.bytes())
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise _Unreadable("has floating-point pixels; save it with 8 or 16 bits")
    return _deep(image, form) if _is_deep(image) else _plain(image, form)


def _plain(image: Image, form: Form) -> np.ndarray:
    """From 8 bits a channel."""
    from PIL import Image

    if image.has_transparency_data:
        page = Image.new("RGBA", image.size, OPAQUE_BACKGROUND)
        image = Image.alpha_composite(page, image.convert("RGBA"))
    mode: Mode = "L" if form.channels == 1 else "RGB"
    if image.mode != mode:
        image = (image if image.mode == "L" else image.convert("RGB")).convert(mode)
    if image.size != (form.width, form.height):
        image = image.resize((form.width, form.height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.uint8).reshape(form.height, form.width, form.channels)
    return pixels.astype(np.uint16) * 257 if form.bits == 16 else pixels


def _deep(image: Image, form: Form) -> np.ndarray:
    """From grey of 16 bits."""
    from PIL import Image

    pixels = np.asarray(image)
    if pixels.min() < 0 or pixels.max() > 0xFFFF:
        raise _Unreadable("has more than 16 bits a pixel; save it with 8 or 16")
    if image.size != (form.width, form.height):
        smooth = Image.fromarray(pixels.astype(np.float32))
        pixels = smooth.resize((form.width, form.height), Image.Resampling.BILINEAR)
    deep = np.rint(np.asarray(pixels, np.float32)).astype(np.uint16)[..., np.newaxis]
    deep = np.repeat(deep, form.channels, axis=2)
    return deep if form.bits == 16 else (deep // 257).astype(np.uint8)


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
