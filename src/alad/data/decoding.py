"""Decode the bytes of a picture to pixels: grey or red-green-blue, of 8 or 16 bits, upright.

- The EXIF orientation is applied.
- Palettes are looked up; transparent parts are laid on white, as a page shows them.
- CMYK and the like become RGB. Grey of 16 bits keeps them; colour of 16 bits, and grey of 16 with
  transparency, is read as colour of 8 (Pillow).
- Pictures of another size are resized to the one wanted, without keeping the aspect ratio, by
  bilinear filtering over the area of a pixel.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from alad.data.picture_files import Unreadable
from alad.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
MOST_PIXELS = 64_000_000  # of a picture; more is a mistake, or an attempt to fill the memory
TIFF_SIZE = (256, 257)  # tags of width and height
OPAQUE_BACKGROUND = (255, 255, 255, 255)

Mode = Literal["L", "RGB"]


@dataclass(frozen=True)
class Form:
    """Size, channels and bits that all pictures of a set are decoded to."""

    height: int  # 0 = each its own
    width: int
    channels: int  # 1 = grey, 3 = red, green, blue
    bits: int = 8  # 8, or those of the brightest value, 9 to 16, kept in uint16


@dataclass(frozen=True)
class Header:
    """Size, channels and bits of a picture, known before it is decoded."""

    height: int
    width: int
    channels: int
    bits: int


def require_pillow() -> None:
    """Raise InputError if Pillow is not installed."""
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise InputError("pictures need Pillow: pip install 'alad[images]'") from error


def _opened(content: bytes) -> Image:
    """Open a picture and read its header; raise Unreadable, with the reason, if that fails."""
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise Unreadable("the file is empty")
    try:
        image = Image.open(io.BytesIO(content), formats=PICTURE_FORMATS)
    except UnidentifiedImageError as error:
        raise Unreadable("is no picture of a known format") from error
    except Image.DecompressionBombError as error:
        most = MOST_PIXELS // 10**6
        raise Unreadable(f"has far too many pixels; shrink it to at most {most} million") from error
    if image.width * image.height > MOST_PIXELS:
        size = f"{image.width} × {image.height}"
        raise Unreadable(f"has {size} pixels; shrink it to at most {MOST_PIXELS // 10**6} million")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # a JPEG with a preview or a depth after the picture
        raise Unreadable(f"has {frames} frames; save the one that is meant")
    if image.mode == "F":
        raise Unreadable("has floating-point pixels; save it with 8 or 16 bits")
    return image


# what Pillow raises for bytes that are no whole picture
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    KeyError,
    IndexError,
    TypeError,
    struct.error,
)


def header_of(content: bytes) -> Header:
    """Read the header of a picture; size as seen upright."""
    image = _opened(content)
    width, height = image.size
    if image.format == "TIFF":  # some versions of Pillow give the size upright, others as stored
        width, height = (getattr(image, "tag_v2")[tag] for tag in TIFF_SIZE)  # noqa: B009
    if _orientation(image) >= 5:  # 5 to 8 lie on their side
        height, width = width, height
    channels = 1 if _is_grey(image) else 3
    return Header(height, width, channels, 16 if _is_deep(image) else 8)


def _orientation(image: Image) -> int:
    """Read the EXIF orientation, 1 to 8; 1 = upright."""
    # to look for EXIF behind the pixels of a PNG, Pillow would decode them
    if image.format == "PNG" and not any("exif" in str(key).lower() for key in image.info):
        return 1
    return image.getexif().get(0x0112, 1)


def _is_grey(image: Image) -> bool:
    if image.mode in ("P", "PA"):  # its palette lies before the pixels
        palette = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode in ("1", "L", "LA", "La") or _is_deep(image)


def _is_deep(image: Image) -> bool:
    return image.mode == "I" or image.mode.startswith("I;16")


def decoded(content: bytes, form: Form) -> np.ndarray:
    """Decode a picture to pixels [height, width, channels] of a form."""
    from PIL import ImageOps

    image = _opened(content)
    image.load()
    image = ImageOps.exif_transpose(image)
    if not form.height:
        form = replace(form, height=image.height, width=image.width)
    return _deep(image, form) if _is_deep(image) else _plain(image, form)


def _plain(image: Image, form: Form) -> np.ndarray:
    """Convert a picture of 8 bits a channel to pixels of a form."""
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
    if form.bits == 8:
        return pixels
    brightest = 2**form.bits - 1  # white stays white: 255 * 257 of 16 bits, 4095 of 12
    return np.rint(pixels * np.float32(brightest / 255)).astype(np.uint16)


def _deep(image: Image, form: Form) -> np.ndarray:
    """Convert a grey picture of 16 bits to pixels of a form."""
    from PIL import Image

    pixels = np.asarray(image)
    if pixels.min() < 0 or pixels.max() > 0xFFFF:
        raise Unreadable("has more than 16 bits a pixel; save it with 8 or 16")
    if (clear := image.info.get("transparency")) is not None:
        pixels = np.where(pixels == clear, 0xFFFF, pixels)
    if image.size != (form.width, form.height):
        smooth = Image.fromarray(pixels.astype(np.float32))
        pixels = smooth.resize((form.width, form.height), Image.Resampling.BILINEAR)
    deep = np.rint(np.asarray(pixels, np.float32)).astype(np.uint16)[..., np.newaxis]
    deep = np.repeat(deep, form.channels, axis=2)
    return (deep // 257).astype(np.uint8) if form.bits == 8 else deep
