"""Folders of pictures: modes, sizes, formats, names and damages."""

import io
from dataclasses import dataclass, field
from random import Random

import numpy as np
from PIL import Image

from .tables import damaged

MODES = ["L", "RGB", "RGBA", "P", "1", "LA", "I;16", "CMYK", "F", "I", "YCbCr"]
FORMATS = {
    "png": ["L", "RGB", "RGBA", "P", "1", "LA", "I;16"],
    "jpg": ["L", "RGB", "CMYK"],
    "tif": ["L", "RGB", "RGBA", "P", "1", "I;16", "CMYK", "F", "I", "YCbCr"],
    "bmp": ["L", "RGB", "P", "1"],
    "gif": ["L", "P", "1"],
    "webp": ["RGB", "RGBA"],
}
SIZES = [(8, 8), (8, 8), (8, 8), (9, 7), (1, 1), (3, 40), (70, 6), (16, 16), (65, 64)]
NAMES = ["a b", "größe", "日本", "q'\"", "[bold]", "-o", "x\ny", "new;line", "UPPER", "%20", "a=1"]
STRANGERS = {
    "notes.txt": b"by hand\n",
    "Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(50),
    ".DS_Store": bytes(30),
    "empty.png": b"",
    "text.jpg": b"this is no picture\n",
    "html.png": b"<html>404</html>",
    "bomb.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\xff\xff\xff\0\xff\xff\xff\x08\x02\0\0\0",
    "riff.webp": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "mask.csv": b"a,b\n1,2\n",
}


@dataclass
class Folder:
    """Files of a folder; good: the names of those that are whole pictures of a usual mode."""

    files: dict[str, bytes]
    good: set[str]
    words: list[str] = field(default_factory=list)


def folder(random: Random, count: int | None = None) -> Folder:
    """Make a folder of pictures; in most all are of one mode and size."""
    count = count or random.choice([1, 2, 5, 8, 12])
    made = Folder({}, set())
    mixed = random.random() < 0.3
    suffix = random.choice(list(FORMATS))
    mode, size = random.choice(FORMATS[suffix]), random.choice(SIZES)
    for at in range(count):
        if mixed:
            suffix = random.choice(list(FORMATS))
            mode, size = random.choice(FORMATS[suffix]), random.choice(SIZES)
        stem = random.choice(NAMES) + str(at) if random.random() < 0.1 else f"{at:03}"
        below = random.choice(["sub/", "a/b/"]) if random.random() < 0.1 else ""
        name = f"{below}{stem}.{random.choice([suffix, suffix, suffix.upper()])}"
        made.files[name], word = picture(random, suffix, mode, size), f"{suffix} {mode} {size}"
        if word not in made.words:
            made.words.append(word)
        if random.random() < 0.1:
            made.files[name], word = damaged(random, made.files[name])
            made.words.append(word)
        else:
            made.good.add(name)
    for name, content in STRANGERS.items():
        if random.random() < 0.05:
            made.files[name] = content
            made.words.append(name)
    return made


def picture(random: Random, suffix: str, mode: str, size: tuple[int, int]) -> bytes:
    """Make a picture of noise in a mode and format, with odd entries beside it at times."""
    generator = np.random.default_rng(random.randrange(2**32))
    pixels = generator.integers(0, 256, (*size, 3), np.uint8)
    image = Image.fromarray(pixels)
    if mode == "I;16":
        image = Image.fromarray(generator.integers(0, 2**16, size, np.uint16))
    elif mode == "F":
        image = Image.fromarray(generator.normal(size=size).astype(np.float32))
    elif mode == "I":
        image = Image.fromarray(generator.integers(0, 2**20, size, np.int32))
    else:
        image = image.convert(mode)
    options = {}
    if suffix == "gif" and random.random() < 0.2:
        options = {"save_all": True, "append_images": [image.rotate(90)]}
    if suffix == "jpg" and random.random() < 0.2:
        exif = Image.Exif()
        exif[0x0112] = random.choice([3, 6, 8, 99])
        options = {"exif": exif}
    sink = io.BytesIO()
    kind = {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix)
    image.save(sink, kind, **options)
    return sink.getvalue()
