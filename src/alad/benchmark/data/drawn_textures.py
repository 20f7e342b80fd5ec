"""Pictures drawn by the program: textures of four kinds, with scratches, spots and missing parts.

Every picture of a texture is drawn anew (phase, tilt, light, noise), so that none is a copy of
another. A defect is drawn over a texture; its mask says where.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from alad.errors import InputError

VISIBLE = 12  # of 255: mean change of a mask's pixels; of a fainter defect another one is drawn
INSIDE = 0.3  # of a defect's strength: what belongs to its mask
FINE, COARSE = 0.06, 0.02  # frequencies of smooth noise, in waves a pixel

Picture = np.ndarray  # float64 [side, side, 3] from 0 to 1
Draw = Callable[[int, np.random.Generator], Picture]
Spoil = Callable[[Picture, np.random.Generator], tuple[Picture, np.ndarray]]  # and its strength


class DrawnPictures(NamedTuple):
    """Pictures uint8 [n, side, side, 3], where each is spoilt, and by what ("" = not at all)."""

    images: np.ndarray
    masks: np.ndarray  # bool [n, side, side]
    kinds: tuple[str, ...]


def good_pictures(texture: str, count: int, side: int, seed: int) -> np.ndarray:
    """Draw pictures of a texture: uint8 [count, side, side, 3]; InputError if there is none."""
    draw, generator = _texture(texture), np.random.default_rng(seed)
    return np.array([_pixels(draw(side, generator)) for _ in range(count)])


def new_pictures(texture: str, good: int, spoilt: int, side: int, seed: int) -> DrawnPictures:
    """Draw good pictures, then spoilt ones, with one defect each, the kinds in turn."""
    draw, generator = _texture(texture), np.random.default_rng(seed)
    images = [_pixels(draw(side, generator)) for _ in range(good)]
    masks = [np.zeros((side, side), bool)] * good
    kinds = [list(DEFECTS)[at % len(DEFECTS)] for at in range(spoilt)]
    for kind in kinds:
        image, mask = _spoilt(draw(side, generator), DEFECTS[kind], generator)
        images.append(image)
        masks.append(mask)
    return DrawnPictures(np.array(images), np.array(masks), ("",) * good + tuple(kinds))


def _texture(name: str) -> Draw:
    if name not in TEXTURES:
        raise InputError(f"there is no texture {name!r}; choose one of: {', '.join(TEXTURES)}")
    return TEXTURES[name]


def _pixels(picture: Picture) -> np.ndarray:
    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def _spoilt(
    picture: Picture, spoil: Spoil, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a defect that is to be seen; -> pixels, and bool [side, side] where it is."""
    before = _pixels(picture)
    while True:
        spoilt, strength = spoil(picture, generator)
        after, mask = _pixels(spoilt), strength >= INSIDE
        if mask.any() and np.abs(after.astype(float) - before)[mask].mean() >= VISIBLE:
            return after, mask


# --- textures -------------------------------------------------------------------------------------


def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the places of pixels: rows and columns, float64 [side, side]."""
    return tuple(np.mgrid[:side, :side].astype(float))  # pyright: ignore[reportReturnType]


def _smooth(side: int, generator: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Draw noise of the frequencies low to high, in waves a pixel: [side, side], deviation 1."""
    down, across = np.fft.fftfreq(side)[:, np.newaxis], np.fft.fftfreq(side)
    frequency = np.hypot(down, across)
    spectrum = np.fft.fft2(generator.normal(size=(side, side))) * (
        (frequency > low) & (frequency <= high)
    )
    noise = np.fft.ifft2(spectrum).real
    return noise / max(noise.std(), 1e-9)


def _coloured(
    light: np.ndarray, dark: tuple, bright: tuple, generator: np.random.Generator
) -> Picture:
    """Turn light [side, side] from 0 to 1 into colours, with the noise of a camera."""
    mixed = np.clip(light, 0, 1)[..., np.newaxis]
    picture = (1 - mixed) * np.array(dark) + mixed * np.array(bright)
    return picture * generator.uniform(0.93, 1.07) + generator.normal(0, 0.02, picture.shape)


def _weave(side: int, generator: np.random.Generator) -> Picture:
    """Draw woven cloth: threads across and along, by turns above each other."""
    rows, columns = _grid(side)
    rows, columns = rows + generator.uniform(0, 16), columns + generator.uniform(0, 16)
    tilt = generator.normal(0, 0.01)
    rows, columns = rows + tilt * columns, columns - tilt * rows
    along, across = np.abs(np.sin(np.pi * columns / 4)), np.abs(np.sin(np.pi * rows / 4))
    above = (np.floor(rows / 4) + np.floor(columns / 4)) % 2
    light = np.where(above == 1, 0.45 + 0.5 * along, 0.15 + 0.5 * across)
    light += 0.04 * _smooth(side, generator, 0, FINE)
    return _coloured(light, (0.15, 0.18, 0.3), (0.75, 0.78, 0.85), generator)


def _wood(side: int, generator: np.random.Generator) -> Picture:
    """Draw wood: rings that run down the picture, bent a little."""
    rows, columns = _grid(side)
    bend = 2.5 * _smooth(side, generator, 0, COARSE) + 0.05 * rows * generator.normal()
    rings = np.sin(2 * np.pi * (columns + bend) / generator.uniform(9, 13) + rows / side)
    fibre = np.repeat(_smooth(side, generator, 0.1, 0.5).mean(axis=0)[np.newaxis], side, axis=0)
    light = 0.55 + 0.22 * rings + 0.5 * fibre + 0.03 * _smooth(side, generator, 0.1, 0.5)
    return _coloured(light, (0.35, 0.2, 0.08), (0.85, 0.62, 0.36), generator)


def _leather(side: int, generator: np.random.Generator) -> Picture:
    """Draw leather: grains of one size, dark between them."""
    grains = np.abs(_smooth(side, generator, 0.08, 0.16))
    light = 0.3 + 0.35 * np.tanh(1.5 * grains) + 0.05 * _smooth(side, generator, 0, COARSE)
    return _coloured(light, (0.12, 0.06, 0.04), (0.6, 0.36, 0.22), generator)


def _tiles(side: int, generator: np.random.Generator) -> Picture:
    """Draw tiles: squares, each of its own light, with dark joints between them."""
    rows, columns = _grid(side)
    rows, columns = rows + generator.uniform(0, 12), columns + generator.uniform(0, 12)
    number = (np.floor(rows / 12) + 64 * np.floor(columns / 12)).astype(int)
    lights = generator.uniform(0.55, 0.75, number.max() + 1)
    joint = (rows % 12 < 1.5) | (columns % 12 < 1.5)
    light = np.where(joint, 0.1, lights[number]) + 0.05 * _smooth(side, generator, 0.1, 0.5)
    return _coloured(light, (0.2, 0.2, 0.2), (0.8, 0.85, 0.8), generator)


TEXTURES: dict[str, Draw] = {
    "weave": _weave,
    "wood": _wood,
    "leather": _leather,
    "tiles": _tiles,
}


# --- defects --------------------------------------------------------------------------------------


def _place(side: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Give places of pixels from a point that is not close to the border, turned at random."""
    rows, columns = _grid(side)
    down, right = generator.uniform(0.2, 0.8, 2) * side
    angle = generator.uniform(0, np.pi)
    rows, columns = rows - down, columns - right
    return (
        np.cos(angle) * rows + np.sin(angle) * columns,
        np.cos(angle) * columns - np.sin(angle) * rows,
    )


def _scratch(picture: Picture, generator: np.random.Generator) -> tuple[Picture, np.ndarray]:
    """Draw a thin bent line, brighter or darker than the texture."""
    along, beside = _place(len(picture), generator)
    length = generator.uniform(0.15, 0.3) * len(picture)
    beside = beside + generator.normal(0, 0.004) * along**2
    width = generator.uniform(0.6, 1.1)
    strength = np.exp(-0.5 * (beside / width) ** 2) * (np.abs(along) < length)
    change = generator.choice([-1, 1]) * generator.uniform(0.2, 0.4)
    return picture + change * strength[..., np.newaxis], strength


def _spot(picture: Picture, generator: np.random.Generator) -> tuple[Picture, np.ndarray]:
    """Draw a round spot of another colour, soft at its border."""
    along, beside = _place(len(picture), generator)
    size = generator.uniform(2.0, 4.5)
    strength = 1 / (1 + np.exp(2 * (np.hypot(along, beside) - size)))
    colour = generator.uniform(0, 1, 3)
    share = generator.uniform(0.35, 0.6) * strength[..., np.newaxis]
    return (1 - share) * picture + share * colour, strength


def _missing(picture: Picture, generator: np.random.Generator) -> tuple[Picture, np.ndarray]:
    """Leave the texture out in an oval: its mean colour is left, with the noise of a camera."""
    along, beside = _place(len(picture), generator)
    long, wide = generator.uniform(5, 9), generator.uniform(3, 6)
    gone = (along / long) ** 2 + (beside / wide) ** 2 < 1
    plain = picture.mean(axis=(0, 1)) + generator.normal(0, 0.02, picture.shape)
    return np.where(gone[..., np.newaxis], plain, picture), gone.astype(float)


DEFECTS: dict[str, Spoil] = {"scratch": _scratch, "spot": _spot, "missing part": _missing}
