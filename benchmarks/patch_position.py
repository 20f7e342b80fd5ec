"""Does it help to tell a detector where a patch lies? Textures, and digits, which lie alike.

The windows' statistics of `backbone="texture"`, alone and with the place of the window: its row and
column from -1 to 1 as two columns more, each four times (twice the weight), or their sines and
cosines. Sets: drawn cloth with drawn defects, the same everywhere; one of MNIST's digits, aligned,
with a square of 8 pixels of another digit pasted in, or of the same digit, so that it is odd at
that place alone. Measured is the mean AUROC of pixels of spoilt pictures and the AUROC of pictures,
twice: on training images that were not learnt from ("chosen"), and on test images.

Writes a line each to results/patch_position.jsonl, those there already left out, and prints what
the file holds: the lead over the windows alone, mean and standard error over seeds.

    python benchmarks/patch_position.py
    python benchmarks/patch_position.py --show
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from heat_maps import with_patches

import alad
from alad import metrics
from alad.backbone.texture import texture
from alad.benchmark.data.drawn_textures import good_pictures, new_pictures
from alad.benchmark.data.image_sets import read_mnist
from alad.benchmark.plain_maps import pixel_aurocs
from alad.report.tables import Table, show

LEARNT, NEW, SIDE, SQUARE = 120, 40, 64, 8
SETS = ("digit 3", "digit 3, its own", "weave")
SEEDS = (0, 1, 2)
OUTPUT = Path("results/patch_position.jsonl")

Images = np.ndarray  # [n, height, width, channels]


def windows(images: Images) -> np.ndarray:
    return texture(images)


def placed(images: Images) -> np.ndarray:
    """Windows with their place, row and column from -1 to 1."""
    maps = texture(images)
    return np.concatenate([maps, *places(maps)], axis=3)


def placed_twice(images: Images) -> np.ndarray:
    """The same with twice the weight: each column four times."""
    maps = texture(images)
    return np.concatenate([maps, *places(maps) * 4], axis=3)


def waves(images: Images) -> np.ndarray:
    """Windows with sine and cosine of their place."""
    maps = texture(images)
    angles = [np.float32(np.pi / 2) * place for place in places(maps)]
    return np.concatenate([maps, *map(np.sin, angles), *map(np.cos, angles)], axis=3)


def places(maps: np.ndarray) -> list[np.ndarray]:
    """Give the row and the column of each patch, from -1 to 1: [n, rows, columns, 1] each."""
    n, rows, columns, _ = maps.shape
    down, across = (np.linspace(-1, 1, count, dtype=np.float32) for count in (rows, columns))
    grid = np.meshgrid(down, across, indexing="ij")
    return [np.broadcast_to(place[None, :, :, None], (n, rows, columns, 1)) for place in grid]


WAYS: dict[str, Callable[[Images], np.ndarray]] = {
    "windows": windows,
    "and place": placed,
    "and place, twice": placed_twice,
    "and waves": waves,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir")
    parser.add_argument("--steps", type=int, default=200, help="of ALAD")
    parser.add_argument("--show", action="store_true", help="measure nothing")
    arguments = parser.parse_args()
    if not arguments.show:
        there = {(line["set"], line["seed"]) for line in lines()}
        for seed in SEEDS:
            for name in SETS:
                if (name, seed) not in there:
                    found = list(cell(name, seed, arguments.steps, arguments.data_dir))
                    with OUTPUT.open("a") as file:
                        file.writelines(json.dumps(line) + "\n" for line in found)
    show(*tables(lines()))


def lines() -> list[dict[str, Any]]:
    """The lines of the results file; none if it is not there."""
    return (
        [json.loads(line) for line in OUTPUT.read_text().splitlines()] if OUTPUT.is_file() else []
    )


def cell(name: str, seed: int, steps: int, data_dir: str | None) -> Iterator[dict[str, Any]]:
    """Lines of all ways and detectors on one set and seed."""
    learnt, groups = pictures(name, seed, data_dir)
    for way, backbone in WAYS.items():
        for detector in (
            alad.KNN(backbone=backbone, random_state=seed, calibration_fraction=0.0),
            alad.ALAD(
                backbone=backbone, random_state=seed, calibration_fraction=0.0, max_steps=steps
            ),
        ):
            detector.fit(learnt)
            line: dict[str, Any] = {"set": name, "seed": seed, "way": way}
            line |= {"detector": detector.name}
            for group, (good, spoilt, wrong) in groups.items():
                pixels = pixel_aurocs(detector.explain(spoilt).heat, wrong).mean()
                scores = detector.anomaly_score(np.concatenate([good, spoilt]))
                labels = np.arange(len(scores)) >= len(good)
                line[group] = [round(float(pixels), 4), round(metrics.auroc(scores, labels), 4)]
            print(json.dumps(line), flush=True)
            yield line


def pictures(name: str, seed: int, data_dir: str | None) -> tuple[Images, dict[str, Any]]:
    """Pictures to learn from; good and spoilt ones with masks, to choose by and to test by."""
    if not name.startswith("digit"):
        groups = {}
        for group, start in (("chosen", 2_000), ("test", 3_000)):
            new = new_pictures(name, NEW, NEW, SIDE, start + seed)
            spoilt = new.masks.any(axis=(1, 2))
            groups[group] = (new.images[~spoilt], new.images[spoilt], new.masks[spoilt])
        return good_pictures(name, LEARNT, SIDE, 1_000 + seed), groups
    digit, own = int(name[6]), name.endswith("own")
    generator, groups, learnt = np.random.default_rng(seed), {}, np.zeros(0)
    for group, part in zip(("chosen", "test"), read_mnist(data_dir), strict=True):
        same = part.images[part.labels == digit]
        same = same[generator.permutation(len(same))]
        if group == "chosen":
            learnt, same = same[:LEARNT], same[LEARNT:]
        good, rest = same[:NEW], same[NEW : 4 * NEW]
        other = rest if own else part.images[part.labels != digit]
        groups[group] = (good, *with_patches(rest, other, NEW, SQUARE))
    return learnt, groups


def tables(found: list[dict[str, Any]]) -> list[Table]:
    """One table for each detector."""
    made = []
    for detector in dict.fromkeys(line["detector"] for line in found):
        own = {(x["set"], x["seed"], x["way"]): x for x in found if x["detector"] == detector}
        cells = list(dict.fromkeys(key[:2] for key in own))
        body = []
        for kind in SETS:
            chosen = [key for key in cells if key[0] == kind]
            for way in WAYS:
                row = [f"{kind}, {way}"]
                for group in ("chosen", "test"):
                    for at in (0, 1):
                        values = np.array([own[*key, way][group][at] for key in chosen])
                        plain = np.array([own[*key, "windows"][group][at] for key in chosen])
                        lead = values - plain
                        error = lead.std(ddof=1) / np.sqrt(len(lead)) if len(lead) > 1 else 0.0
                        row.append(f"{values.mean():.3f} ({lead.mean():+.3f} ± {error:.3f})")
                body.append(row)
        columns = ["way", "chosen: pixels", "pictures", "test: pixels", "pictures"]
        notes = ["AUROC; in brackets the lead over windows alone, ± standard error over seeds"]
        made.append(Table(detector, columns, body, notes))
    return made


if __name__ == "__main__":
    main()
