"""ALAD beside other detectors on pictures drawn by the program, in under two minutes.

Woven cloth, good and with scratches, spots and missing parts. Good pictures are learnt from, others
are scored, good and spoilt, and where they are spoilt is looked for.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from alad import catalogue, metrics, report
from alad.benchmark.cells import with_known
from alad.benchmark.data.drawn_textures import DrawnPictures, good_pictures, new_pictures
from alad.benchmark.plain_maps import blurred, nearest_maps, pixel_aurocs, residual_maps
from alad.data.decoding import require_pillow
from alad.data.image_source import ImageSource
from alad.data.pictures import Pictures
from alad.data.png import png
from alad.detector.contract import Detector
from alad.errors import InputError
from alad.presets import preset
from alad.report.model.page import model_page, write_model_page

TEXTURE, SIDE = "weave", 64  # of the pictures
LEARNT, GOOD, SPOILT = 240, 60, 60  # pictures to learn from; to score
SEEDS = (1, 2)  # of pictures to learn from, and to score
FALSE_ALARM_RATE = 0.05  # of the page
WINDOWS = {"backbone": "texture"}
QUICK = preset("images-quick", "autoencoder")
FOLDERS = {"model": "model", "good": "good", "new": "new"}
FILES = FOLDERS | {"page": "report.html"}

Say = Callable[[str], None]
Maps = Callable[[Any, np.ndarray, np.ndarray], np.ndarray]  # detector, learnt, new -> maps


def _heat(detector: Any, learnt: np.ndarray, images: np.ndarray) -> np.ndarray:
    return detector.explain(images).heat


def _residual(detector: Any, learnt: np.ndarray, images: np.ndarray) -> np.ndarray:
    return residual_maps(detector, images)


def _nearest(detector: Any, learnt: np.ndarray, images: np.ndarray) -> np.ndarray:
    scale = detector.encoder_.transform
    return blurred(nearest_maps(scale(learnt), scale(images)))


@dataclass(frozen=True)
class Contender:
    """One row of the comparison."""

    title: str
    detector: str  # as in the catalogue
    params: dict[str, Any] = field(default_factory=dict)
    maps: Maps | None = _heat  # where it says that an image is odd; None = nowhere
    map_title: str = "heat map"


CONTENDERS = (
    Contender("ALAD, windows", "alad", WINDOWS),
    Contender("ALAD, windows, untrained", "alad", {**WINDOWS, "max_steps": 0}),
    Contender("k nearest neighbours, windows", "knn", WINDOWS),
    Contender("Isolation Forest, windows", "isolation-forest", WINDOWS),
    Contender("k nearest neighbours, pixels", "knn", {}, _nearest, "distance, blurred"),
    Contender("Isolation Forest, pixels", "isolation-forest", {}, None, ""),
    Contender("autoencoder, pixels", "autoencoder", QUICK, _residual, "residual"),
)


@dataclass(frozen=True)
class PictureRanking:
    """How well one contender ranks pictures, and the pixels of the spoilt ones."""

    title: str
    auroc: float
    pixel_auroc: float | None  # mean over spoilt pictures
    map_title: str
    seconds: float  # to fit


@dataclass(frozen=True)
class PictureDemo:
    """Outcomes of all contenders, and what was written."""

    outcomes: tuple[PictureRanking, ...]
    files: dict[str, Path]  # by the keys of FILES

    def tables(self) -> list[report.Table]:
        """Make the table of outcomes."""
        columns = ("detector", "AUROC of pictures", "AUROC of pixels", "by its", "fit s")
        body = []
        for one in self.outcomes:
            pixels = "" if one.pixel_auroc is None else f"{one.pixel_auroc:.3f}"
            body.append(
                (one.title, f"{one.auroc:.3f}", pixels, one.map_title, f"{one.seconds:.1f}")
            )
        notes = [
            f"{LEARNT} good pictures learnt from, {GOOD} good and {SPOILT} spoilt ones scored",
            "of pixels: those of the defect against all others, a spoilt picture at a time, mean",
        ]
        title = "Spoilt among good pictures, and where they are spoilt"
        return [report.Table(title, columns, body, notes, left=(0, 3))]

    def as_json(self) -> dict[str, Any]:
        """List outcomes and files."""
        files = {name: str(path) for name, path in self.files.items()}
        return {"outcomes": [asdict(outcome) for outcome in self.outcomes], "files": files}


def run(folder: str | Path, *, say: Say = lambda message: None, **how: Any) -> PictureDemo:
    """Draw pictures into `folder`, compare all contenders, write ALAD's model and a page.

    how: parameters such as verbose, set where a detector has them. Raises InputError if `folder`
    cannot be written to, or holds files of these names that are not of an earlier demo.
    """
    require_pillow()
    folder = Path(folder)
    learnt = good_pictures(TEXTURE, LEARNT, SIDE, SEEDS[0])
    new = new_pictures(TEXTURE, GOOD, SPOILT, SIDE, SEEDS[1])
    try:
        _write_pictures(folder, learnt, new)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; choose another folder with -o") from error
    say(f"{LEARNT} good pictures to learn from, {GOOD} good and {SPOILT} spoilt ones to score")
    outcomes, detectors = [], []
    for contender in CONTENDERS:
        say(f"fitting {contender.title} …")
        outcome, detector = compare(contender, learnt, new, **how)
        outcomes.append(outcome)
        detectors.append(detector)
    return PictureDemo(tuple(outcomes), _written(detectors[0], folder))


def compare(
    contender: Contender, learnt: np.ndarray, new: DrawnPictures, **how: Any
) -> tuple[PictureRanking, Detector]:
    """Fit and score one contender; -> its outcome, and the detector."""
    made = catalogue.make(contender.detector, **contender.params)
    begun = time.perf_counter()
    detector = with_known(made, {"random_state": 0, **how}).fit(learnt)
    seconds = time.perf_counter() - begun
    spoilt = np.array([kind != "" for kind in new.kinds])
    auroc = metrics.auroc(detector.anomaly_score(new.images), spoilt)
    pixels = None
    if contender.maps is not None:
        maps = contender.maps(detector, learnt, new.images[spoilt])
        pixels = float(pixel_aurocs(maps, new.masks[spoilt]).mean())
    return PictureRanking(contender.title, auroc, pixels, contender.map_title, seconds), detector


# --- files ----------------------------------------------------------------------------------------


def _write_pictures(folder: Path, learnt: np.ndarray, new: DrawnPictures) -> None:
    """Write pictures as PNG files: good/, new/good/, new/scratch/ and so on."""
    files = {f"good/{at:03}.png": image for at, image in enumerate(learnt)}
    for at, (image, kind) in enumerate(zip(new.images, new.kinds, strict=True)):
        files[f"new/{kind or 'good'}/{at:03}.png".replace(" ", "-")] = image
    first = folder / next(iter(files))
    there = [name for name in FILES.values() if (folder / name).exists()]
    ours = first.is_file() and first.read_bytes() == png(learnt[0])
    if there and not ours:
        raise InputError(f"{folder} holds {', '.join(there)} of others; choose another with -o")
    for name, image in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))


def _written(detector: Any, folder: Path) -> dict[str, Path]:
    """Write the files of ALAD, the first contender."""
    files = {name: folder / file for name, file in FILES.items()}
    detector.save(files["model"])
    source = ImageSource(Pictures(files["new"]), "new")
    about = {"trained on": "good pictures of woven cloth, drawn by the program"}
    how: dict[str, Any] = {"source": "new", "false_alarm_rate": FALSE_ALARM_RATE}
    page = model_page(detector, source.content, source.anomalous, about=about, **how)
    write_model_page(files["page"], page)
    return files
