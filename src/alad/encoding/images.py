"""Images as float32 arrays [n, height, width, channels] in [-1, 1]; fitted on training images."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import numpy as np

from alad.data.decoding import Form
from alad.data.pictures import Pictures
from alad.data.pixel_file import PixelFile, decoded_once
from alad.encoding.rows import ScaledImages, piece_rows
from alad.errors import InputError

CHANNELS = (1, 3, 4)  # the last axis of colour images; another length is most likely no channel
IMAGES = "images"  # what a stored scaler is told by
GRID = 4  # cells a side, for a monitor that swaps parts of images
WHOLE_RANGE = {"uint8": 255, "bool": 1}  # the largest value of a kind of pixel
FLOAT_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))  # what floats usually mean


def is_images(X: Any) -> bool:
    """Pictures to be read, or an array [n, height, width] or [n, height, width, channels]?"""
    return isinstance(X, Pictures) or getattr(X, "ndim", 0) in (3, 4)


@contextmanager
def pixels_of(X: Any) -> Iterator[np.ndarray | PixelFile]:
    """The images of X, [n, height, width, channels] of a known pixel: in a file, if X is pictures.

    The file is there as long as the context is.
    """
    if isinstance(X, Pictures):
        with decoded_once(X) as pixels:
            yield pixels
    else:
        yield _array(X)


class ImageScaler:
    """Images -> float32 [n, height, width, channels], the darkest value -1, the brightest 1.

    Arrays: the range belongs to the kind of pixel. uint8 has 0 to 255; uint16 has 0 to the largest
    number of as many bits as the training images use (12 for most cameras); floats have the first
    of [0, 1], [-1, 1] and [0, 255] that holds the training images, else their own range. What lies
    beyond at scoring is not clipped. Pictures to be scored are decoded block by block.

    After fit: `shape_` (height, width, channels), `width_` and `n_features_in_` (their product),
    and `source_` [width_]: the cell of a 4 × 4 grid in which each value lies.
    """

    unit: ClassVar[str] = "image"  # what it encodes, for messages
    feature_names_in_: np.ndarray  # of a table; never there

    def __init__(self, *, owner: str = "ImageScaler") -> None:
        self.owner = owner

    def fit(self, X: Any, rows: np.ndarray | None = None) -> Self:
        """Learn shape and range from what `pixels_of` gives, or from an array.

        rows: bool [n], those to learn the range from; None = all. Raises InputError if X holds no
        images.
        """
        pixels = X if isinstance(X, PixelFile) else _array(X)
        return self._settle(pixels.shape[1:], _kind(pixels), _range(pixels, rows))

    def fit_transform(self, X: Any, rows: np.ndarray | None = None) -> ScaledImages:
        """fit, then the encoded images of X, which are scaled when they are looked at."""
        pixels = X if isinstance(X, PixelFile) else _array(X)
        return ScaledImages(self.fit(pixels, rows), pixels)

    def _settle(self, shape: Any, kind: str, limits: tuple[float, float]) -> Self:
        self.shape_ = tuple(int(length) for length in shape)
        self.kind, (self.low, self.high) = kind, limits
        self.width_ = self.n_features_in_ = int(np.prod(self.shape_))
        self.source_ = _cells(*self.shape_)
        self.output_names_ = [f"x{at}" for at in range(self.width_)]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """float32 [n, *shape_]. Raises InputError if X has another shape or kind of pixel."""
        return np.concatenate(list(self.blocks(X)))

    def blocks(self, X: Any) -> Iterator[np.ndarray]:
        """The same in pieces, so that pictures need not fit into memory together."""
        if isinstance(X, Pictures):
            yield from (self.scaled(pixels) for _, pixels in X.blocks(self.form))
        else:
            yield from ScaledImages(self, self._checked(_array(X))).pieces()

    @property
    def form(self) -> Form:
        """What pictures are decoded to."""
        height, width, channels = self.shape_
        if channels not in (1, 3) or self.kind not in ("uint8", "uint16"):
            raise InputError(
                f"{self.owner} was fitted on arrays of {channels} channels of {self.kind}, which "
                "picture files do not have; score arrays, or fit on pictures"
            )
        return Form(height, width, channels, 16 if self.kind == "uint16" else 8)

    def _checked(self, pixels: np.ndarray) -> np.ndarray:
        if pixels.shape[1:] != self.shape_:
            raise InputError(
                f"images are {_by(pixels.shape[1:])}, {self.owner} was fitted on "
                f"{_by(self.shape_)}; resize them"
            )
        if _kind(pixels) != self.kind:
            raise InputError(
                f"images are of {_kind(pixels)}, {self.owner} was fitted on {self.kind}; convert "
                f"them, so that black and white mean the same"
            )
        return pixels

    def scaled(self, pixels: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """float32, of some images of the right shape and kind of pixel; written to `out`, if given.

        Raises InputError if a value is not finite.
        """
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        scaled = np.subtract(pixels, np.float32(middle), out=out, dtype=np.float32)
        scaled /= np.float32(half)
        if self.kind == "float" and not np.isfinite(scaled).all():
            raise InputError("images hold values that are missing or infinite; fill them first")
        return scaled

    def decode(self, images: np.ndarray) -> np.ndarray:
        """The images that encoded ones [n, *shape_] stand for, in the pixels of the training."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        values = np.clip(images, -1, 1) * half + middle
        kind = {"float": "float32"}.get(self.kind, self.kind)
        return values.astype(kind) if self.kind == "float" else np.rint(values).astype(kind)

    def state(self) -> dict[str, Any]:
        """All that transform needs, as JSON can hold it."""
        return {
            "kind": IMAGES,
            "owner": self.owner,
            "shape": list(self.shape_),
            "pixel": self.kind,
            "low": self.low,
            "high": self.high,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The scaler whose `state` this is; InputError if it is none's."""
        shape, low, high = state["shape"], state["low"], state["high"]
        whole = isinstance(shape, list) and all(type(at) is int and at > 0 for at in shape)
        known = state["pixel"] in (*WHOLE_RANGE, "uint16", "float")
        numbers = all(type(value) is float and np.isfinite(value) for value in (low, high))
        if not (whole and len(shape) == 3 and known and numbers and low < high):
            raise InputError("the stored shape or range of images is none")
        return cls(owner=state["owner"])._settle(shape, state["pixel"], (low, high))


def _array(X: Any) -> np.ndarray:
    """X as an array [n, height, width, channels] of a known kind of pixel."""
    if hasattr(X, "column_names") or hasattr(X, "columns"):
        raise InputError("X is a table, but this model is of images; give images, or a folder")
    pixels = np.asarray(X)
    if pixels.ndim == 3 and pixels.shape[2] in CHANNELS:
        raise InputError(
            f"X has the shape {pixels.shape}, which is one image; give several, or X[np.newaxis]"
        )
    if pixels.ndim == 3:
        pixels = pixels[..., np.newaxis]
    if pixels.ndim != 4 or 0 in pixels.shape:
        raise InputError(
            f"images have the shape {np.shape(X)}; give [n, height, width] or [n, height, width, "
            "channels], with at least 1 sample"
        )
    if pixels.shape[3] not in CHANNELS:
        turned = (
            ": channels come last; X.transpose(0, 2, 3, 1)" if pixels.shape[1] in (1, 3) else ""
        )
        raise InputError(
            f"images of shape {pixels.shape} have {pixels.shape[3]} channels, not 1, 3 or 4{turned}"
        )
    _kind(pixels)
    return pixels


def _kind(pixels: np.ndarray | PixelFile) -> str:
    """The kind of pixel: a name of what decides the range."""
    if pixels.dtype.kind == "f":
        return "float"
    if pixels.dtype.name in (*WHOLE_RANGE, "uint16"):
        return pixels.dtype.name
    raise InputError(f"images are of {pixels.dtype}; give uint8, uint16, bool or floats")


def _range(pixels: np.ndarray | PixelFile, rows: np.ndarray | None) -> tuple[float, float]:
    """(value that becomes -1, value that becomes 1), told by the images `rows`, bool [n]."""
    kind = _kind(pixels)
    if kind in WHOLE_RANGE:
        return 0.0, float(WHOLE_RANGE[kind])
    low, high = _extremes(pixels, np.ones(len(pixels), bool) if rows is None else rows)
    if kind == "uint16":
        return 0.0, float(2 ** max(8, int(high).bit_length()) - 1)
    for usual in FLOAT_RANGES:
        if usual[0] <= low and high <= usual[1]:
            return usual
    return low, max(high, low + 1.0, float(np.nextafter(low, np.inf))) if low == high else high


def _extremes(pixels: np.ndarray | PixelFile, rows: np.ndarray) -> tuple[float, float]:
    """Least and largest value of those images; InputError if any value of all is not finite."""
    lows, highs, step = [], [], piece_rows(tuple(pixels.shape[1:]))
    for at in range(0, len(pixels), step):
        some = pixels[np.arange(at, min(at + step, len(pixels)))]
        if not np.isfinite([some.min(), some.max()]).all():
            raise InputError("images hold values that are missing or infinite; fill them first")
        if len(learnt := some[rows[at : at + step]]):
            lows.append(float(learnt.min()))
            highs.append(float(learnt.max()))
    return min(lows), max(highs)


def _cells(height: int, width: int, channels: int) -> np.ndarray:
    """Which of GRID × GRID cells each value of an image lies in, flattened."""
    rows, columns = (np.arange(side) * GRID // side for side in (height, width))
    grid = rows[:, np.newaxis] * GRID + columns
    return np.repeat(grid.reshape(-1), channels)


def _by(shape: Any) -> str:
    return " × ".join(str(length) for length in shape)
