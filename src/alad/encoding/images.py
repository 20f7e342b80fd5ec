"""Images as float32 arrays [n, height, width, channels] in [-1, 1]; fitted on training images."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Self
from warnings import warn

import numpy as np

from alad.data.array_file import ArrayFile
from alad.data.decoding import Form
from alad.data.image_source import ImageSource
from alad.data.opening import image_source, source_of
from alad.data.pictures import Pictures
from alad.encoding.contrast import equalised, usual_range
from alad.encoding.rows import ReadRows, ScaledImages, piece_rows
from alad.errors import InputError

IMAGES = "images"  # the kind of a stored scaler
GRID = 4  # cells a side, for a monitor that swaps parts of images
WHOLE_RANGE = {"uint8": 255, "bool": 1}  # the largest value of a kind of pixel
MOST_LOOKED_AT = 1_000  # images that are checked for being windows of sensors
JUMP, JUMP_IN_PICTURES = 10.0, 30.0  # of spread, from a column to the next: more than images have
FLOAT_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))  # what floats usually mean


SENSORS = " (of windows of sensors a table: X.reshape(len(X), -1))"


class ImageScaler:
    """Images -> float32 [n, height, width, channels], the darkest value -1, the brightest 1.

    Arrays: the range belongs to the kind of pixel. uint8 has 0 to 255; uint16 has 0 to the largest
    number of as many bits as the training images use (12 for most cameras); floats have the first
    of [0, 1], [-1, 1] and [0, 255] that holds the training images, else their own range. What lies
    beyond at scoring is not clipped. Pictures to be scored are decoded block by block. With
    `equal_contrast` each image is first brought to mean 0 and deviation 1, and the range is what
    nearly all training images then keep to.

    After fit: `shape_` (height, width, channels), `width_` and `n_features_in_` (their product),
    and `source_` [width_]: the cell of a 4 × 4 grid in which each value lies.
    """

    unit: ClassVar[str] = "image"  # what it encodes, for messages
    feature_names_in_: np.ndarray  # of a table; never there

    def __init__(self, *, owner: str = "ImageScaler", equal_contrast: bool = False) -> None:
        self.owner, self.equal_contrast = owner, equal_contrast
        self.usual: tuple[float, float] | None = None  # of equalised images: what becomes -1 and 1
        self.masked = False  # were pictures learnt whose mask said which pixels count?

    @contextmanager
    def gathered(self, X: Any) -> Iterator[np.ndarray | ArrayFile]:
        """Decode all images of X once, not yet scaled, for `fit` and `fit_transform`.

        Pictures are decoded into a file, which exists as long as the context.
        """
        source = _image_source(X)
        self.masked = source.masked
        with source.decoded() as pixels:
            yield pixels

    def fit(self, X: Any, rows: np.ndarray | None = None) -> Self:
        """Learn shape and range from an array, or from what `gathered` gives.

        rows: bool [n], those to learn the range from; None = all. Raises InputError if X holds no
        images.
        """
        pixels = _whole(X)
        kind, limits = _kind(pixels), _range(pixels, rows)
        if kind == "float":
            _warn_of_sensors(pixels, usual=limits in FLOAT_RANGES)
        self._settle(pixels.shape[1:], kind, limits)
        if self.equal_contrast:  # from here on `scaled` uses what is found
            learnt = np.arange(len(pixels)) if rows is None else np.flatnonzero(rows)
            self.usual = usual_range(ScaledImages(self, pixels, learnt).pieces())
        return self

    def fit_transform(self, X: Any, rows: np.ndarray | None = None) -> ScaledImages:
        """Fit, then give the encoded images of X, which are scaled when they are read."""
        pixels = _whole(X)
        return ScaledImages(self.fit(pixels, rows), pixels)

    def _settle(self, shape: Any, kind: str, limits: tuple[float, float]) -> Self:
        self.shape_ = tuple(int(length) for length in shape)
        self.kind, (self.low, self.high) = kind, limits
        self.width_ = self.n_features_in_ = int(np.prod(self.shape_))
        self.source_ = _cells(*self.shape_)
        self.output_names_ = [f"x{at}" for at in range(self.width_)]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Encode X as float32 [n, *shape_]. InputError for another shape or kind of pixel."""
        return np.concatenate(list(self.blocks(X)))

    def blocks(self, X: Any) -> Iterator[np.ndarray]:
        """Encode X in pieces, so that pictures need not fit into memory together."""
        for pixels in self.pixels(X):
            yield from ScaledImages(self, pixels).pieces()

    def pixels(self, X: Any) -> Iterator[np.ndarray]:
        """Read X in pieces, not yet scaled; InputError for another shape or kind of pixel."""
        source = _image_source(X)
        self.require_mask(source)
        form = self.form if isinstance(source.content, Pictures) else None
        return map(self._checked, source.batches(form))

    def batches(self, X: Any) -> Iterator[tuple[None, np.ndarray]]:
        """Yield the pieces that `blocks` makes, each with None, for its batch is not kept."""
        return ((None, piece) for piece in self.blocks(X))

    def read(self, X: Any) -> ReadRows:
        """Read all images of X once: scaled, and as pixels of training's kind."""
        images = self.transform(X)
        return ReadRows(images, lambda: self.decode(images))

    @property
    def form(self) -> Form:
        """Size, channels and bits that pictures are decoded to."""
        height, width, channels = self.shape_
        if channels not in (1, 3) or self.kind not in ("uint8", "uint16"):
            raise InputError(
                f"{self.owner} was fitted on arrays of {channels} channels of {self.kind}, which "
                "picture files do not have; score arrays, or fit on pictures"
            )
        # of 12 bits in training: pictures of 8 bits are spread over as many
        bits = int(self.high).bit_length() if self.kind == "uint16" else 8
        return Form(height, width, channels, bits)

    def require_mask(self, source: ImageSource) -> None:
        """Raise InputError if pictures have a mask and had none at fit, or the other way round."""
        if isinstance(source.content, Pictures) and source.masked != self.masked:
            how = "without a mask; leave mask out" if source.masked else "with a mask; give it, too"
            raise InputError(f"{source.place}: {self.owner} was fitted on pictures {how}")

    def _checked(self, pixels: np.ndarray) -> np.ndarray:
        kind = _kind(pixels)
        if (shape := pixels.shape[1:]) != self.shape_:
            remedy = "resize them"
            if shape[:2] == self.shape_[:2]:
                channels = self.shape_[2]
                how = f": np.repeat(X, {channels}, axis=3)" if shape[2] == 1 else ""
                remedy = f"give {channels} channel{'s' * (channels > 1)}{how}"
            raise InputError(
                f"images are {_by(shape)}, {self.owner} was fitted on {_by(self.shape_)}; {remedy}"
            )
        if kind != self.kind:
            raise InputError(
                f"images are of {kind}, {self.owner} was fitted on {self.kind}; convert "
                f"them, so that black and white mean the same"
            )
        return pixels

    def scaled(self, pixels: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Scale images of the right shape and kind of pixel to float32, written to `out` if given.

        Raises InputError if a value is not finite.
        """
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        scaled = np.subtract(pixels, np.float32(middle), out=out, dtype=np.float32)
        scaled /= np.float32(half)
        if self.kind == "float" and not np.isfinite(scaled).all():
            raise InputError("images hold values that are missing or infinite; fill them first")
        if self.equal_contrast:
            scaled = equalised(scaled)
        if self.usual is not None:
            scaled -= np.float32(sum(self.usual) / 2)
            scaled /= np.float32((self.usual[1] - self.usual[0]) / 2)
        return scaled

    def decode(self, images: np.ndarray) -> np.ndarray:
        """Turn encoded images [n, *shape_] into pixels of training's kind; contrast stays equal."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        values = np.clip(images, -1, 1) * half + middle
        kind = {"float": "float32"}.get(self.kind, self.kind)
        return values.astype(kind) if self.kind == "float" else np.rint(values).astype(kind)

    def state(self) -> dict[str, Any]:
        """Give all that `transform` needs, as JSON can hold it."""
        optional = {"masked": self.masked, "usual": self.usual and list(self.usual)}
        state = {"kind": IMAGES, "owner": self.owner, "shape": list(self.shape_)}
        state |= {"pixel": self.kind, "low": self.low, "high": self.high}
        return state | {name: value for name, value in optional.items() if value}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Restore the scaler of a `state`; InputError if it is none."""
        shape, limits, usual = state["shape"], [state["low"], state["high"]], state.get("usual")
        whole = isinstance(shape, list) and all(type(at) is int and at > 0 for at in shape)
        sound_pixel = state["pixel"] in (*WHOLE_RANGE, "uint16", "float")
        sound = _is_range(limits) and (usual is None or _is_range(usual))
        if not (whole and len(shape) == 3 and sound_pixel and sound):
            raise InputError("the stored shape or range of images is none")
        scaler = cls(owner=state["owner"], equal_contrast=usual is not None)
        scaler._settle(shape, state["pixel"], (limits[0], limits[1]))
        scaler.masked = state.get("masked") is True
        scaler.usual = None if usual is None else (usual[0], usual[1])
        return scaler


def _is_range(stored: Any) -> bool:
    """Tell whether what is stored is the two ends of a range."""
    two = isinstance(stored, list) and [type(at) for at in stored] == [float, float]
    return two and -np.inf < stored[0] < stored[1] < np.inf


def _image_source(X: Any) -> ImageSource:
    """Open X as a source of images; InputError if it is a table."""
    source = source_of(X)
    if isinstance(X, np.ndarray) and not isinstance(source, ImageSource):
        raise InputError(
            f"images have the shape {X.shape}; give [n, height, width] or [n, height, width, "
            "channels], with at least 1 sample"
        )
    return image_source(source, "but this model is of images; give images, or a folder")


def _whole(X: Any) -> np.ndarray | ArrayFile:
    """Give an array of images, or the file of them that `gathered` gives."""
    if isinstance(X, ArrayFile):
        return X
    content = _image_source(X).content
    if isinstance(content, Pictures):
        raise InputError("pictures are decoded first: with scaler.gathered(X) as pixels")
    return content


def _kind(pixels: np.ndarray | ArrayFile) -> str:
    """Name the kind of pixel, which decides the range."""
    if pixels.dtype.kind == "f":
        return "float"
    if pixels.dtype.name in (*WHOLE_RANGE, "uint16"):
        return pixels.dtype.name
    raise InputError(f"images are of {pixels.dtype}; give uint8, uint16, bool or floats{SENSORS}")


def _range(pixels: np.ndarray | ArrayFile, rows: np.ndarray | None) -> tuple[float, float]:
    """Find the values that become -1 and 1, from the images `rows`, bool [n]."""
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


def _extremes(pixels: np.ndarray | ArrayFile, rows: np.ndarray) -> tuple[float, float]:
    """Find least and largest value of the images `rows`; InputError if any is not finite."""
    lows, highs, step = [], [], piece_rows(tuple(pixels.shape[1:]))
    for at in range(0, len(pixels), step):
        piece = pixels[np.arange(at, min(at + step, len(pixels)))]
        if not np.isfinite([piece.min(), piece.max()]).all():
            raise InputError("images hold values that are missing or infinite; fill them first")
        if len(learnt := piece[rows[at : at + step]]):
            lows.append(float(learnt.min()))
            highs.append(float(learnt.max()))
    return min(lows), max(highs)


def _warn_of_sensors(pixels: np.ndarray | ArrayFile, usual: bool) -> None:
    """Warn if neighbouring columns, or rows, of images differ in spread as sensors do.

    In pictures the spread changes smoothly, for instance towards a dark border. usual: whether the
    images have a range that pictures have.
    """
    chosen = np.unique(np.linspace(0, len(pixels) - 1, MOST_LOOKED_AT).astype(int))
    sample = np.asarray(pixels[chosen])
    for axis, what in ((2, "columns"), (1, "rows")):
        others = tuple(at for at in range(4) if at != axis)
        jump = _largest_jump(sample.std(axis=others, dtype=np.float64))
        if jump > (JUMP_IN_PICTURES if usual else JUMP):
            warn(
                f"X is read as images of {_by(pixels.shape[1:3])}, all with one range, though "
                f"neighbouring {what} differ {jump:.0f} times in spread; for windows of sensors "
                "give X.reshape(len(X), -1): each column is then scaled by itself",
                UserWarning,
                stacklevel=4,
            )
            return


def _largest_jump(spread: np.ndarray) -> float:
    """Find the largest ratio of neighbours, one with at least a tenth of the most spread."""
    met = spread[spread > 0]
    low, high = np.minimum(met[:-1], met[1:]), np.maximum(met[:-1], met[1:])
    counts = high >= met.max(initial=0) / 10
    return float((high[counts] / low[counts]).max(initial=1.0))


def _cells(height: int, width: int, channels: int) -> np.ndarray:
    """Tell in which GRID × GRID cell each value of an image lies, flattened."""
    rows, columns = (np.arange(side) * GRID // side for side in (height, width))
    grid = rows[:, np.newaxis] * GRID + columns
    return np.repeat(grid.reshape(-1), channels)


def _by(shape: Any) -> str:
    return " × ".join(str(length) for length in shape)
