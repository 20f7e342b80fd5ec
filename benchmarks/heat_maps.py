"""Does a heat map show where an image is wrong? A foreign patch is pasted into normal images.

Detectors learn from images of one class. Into test images of that class a square from an image of
another class is pasted, at a random place, where it changes the picture (by a tenth of the range on
average). Measured is the AUROC of pixels, pasted ones against all others, image by image: the mean
and its standard error. Beside `explain`: the plain residual |x - G(E(x))|, the same blurred (2
pixels), the distance from the four nearest learnt images (no model at all), and a random map; with
the difference from the plain residual, or from that distance where there is none, in the same
images. How `explain` works was chosen on MNIST's digit 3 (`--sets mnist/3`), with other patches.

Writes a line each to results/heat_maps.jsonl (replaced), and prints it. With --backbone the lines
of ALAD and PCA's Mahalanobis distance on the patches of EfficientNet-Lite0 are appended, of the
same pictures; there "ahead" is of the blurred distance from the nearest.

    python benchmarks/heat_maps.py
    python benchmarks/heat_maps.py --backbone
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import alad
from alad.backbone.efficientnet import LITE0
from alad.benchmark.data.image_splits import divided
from alad.benchmark.plain_maps import blurred, nearest_maps, pixel_aurocs, residual_maps
from alad.detector.heat_maps import HeatMaps
from alad.encoding import image_scaler

SETS = ("mnist/8", "cifar10/automobile")
SIDES = (6, 10)
LEAST_CHANGE = 25  # of 255, mean over a square
LEARNT, LEARNT_PATCHES = 3000, 500  # images
RESIDUAL, NEAREST = "residual", "distance from the nearest"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--steps", type=int, default=400, help="of ALAD")
    parser.add_argument("--data-dir", default=None)
    parser.add_argument("--output", type=Path, default=Path("results/heat_maps.jsonl"))
    parser.add_argument("--backbone", action="store_true", help="append those of a backbone")
    arguments = parser.parse_args()
    measure = on_patches if arguments.backbone else measured
    with arguments.output.open("a" if arguments.backbone else "w") as file:
        for name in arguments.sets:
            for line in measure(name, arguments.images, arguments.steps, arguments.data_dir):
                print(json.dumps(line), flush=True)
                file.write(json.dumps(line) + "\n")


def measured(name: str, count: int, steps: int, data_dir: str | None) -> Iterator[dict[str, Any]]:
    train, test, odd = divided(*name.split("/")[:1], "clean", name.split("/")[1], data_dir)
    train = train[:LEARNT]
    pasted = {side: with_patches(test[~odd], test[odd], count, side) for side in SIDES}
    for detector in detectors(steps):
        detector.fit(train)
        for side, (images, wrong) in pasted.items():
            found = {way: pixel_aurocs(maps, wrong) for way, maps in ways(detector, images).items()}
            plain = found.get(RESIDUAL, found[NEAREST])
            for way, values in found.items():
                facts = {"set": name, "detector": detector.name, "way": way, "side": side}
                yield facts | summary(values, plain)


def on_patches(name: str, count: int, steps: int, data_dir: str | None) -> Iterator[dict[str, Any]]:
    """Measure heat maps of patches, of the same pictures; steps are those of ALAD's default."""
    train, test, odd = divided(*name.split("/")[:1], "clean", name.split("/")[1], data_dir)
    how = {"backbone": LITE0, "random_state": 0, "calibration_fraction": 0.0}
    for detector in (alad.ALAD(**how), alad.PCA(distance="mahalanobis", **how)):
        detector.fit(train[:LEARNT_PATCHES])
        scaler = image_scaler(detector.encoder_)
        for side in SIDES:
            images, wrong = with_patches(test[~odd], test[odd], count, side)
            near = nearest_maps(scaler.transform(train[:2000]), scaler.transform(images))
            plain = pixel_aurocs(blurred(near), wrong)
            values = pixel_aurocs(detector.explain(images).heat, wrong)
            facts = {"set": name, "detector": f"{detector.name}, {LITE0}", "way": "explain"}
            yield facts | {"side": side} | summary(values, plain)


def detectors(steps: int) -> list[Any]:
    game = alad.ALAD.from_preset("images", max_steps=steps, patience=None, random_state=0)
    return [game, alad.Autoencoder(scaling="none", random_state=0), alad.KNN(max_rows=2000)]


def with_patches(
    normal: np.ndarray, foreign: np.ndarray, count: int, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images [count, h, w, channels] with a square pasted in, and where, bool [count, h, w]."""
    generator = np.random.default_rng(side)
    images, wrong = [], []
    while len(images) < count:
        image = normal[generator.integers(len(normal))].copy()
        other = foreign[generator.integers(len(foreign))]
        here, there = (square(image.shape, side, generator) for _ in range(2))
        if np.abs(other[there].astype(float) - image[here]).mean() < LEAST_CHANGE:
            continue
        image[here] = other[there]
        mask = np.zeros(image.shape[:2], bool)
        mask[here] = True
        images.append(image)
        wrong.append(mask)
    return np.array(images), np.array(wrong)


def square(
    shape: tuple[int, ...], side: int, generator: np.random.Generator
) -> tuple[slice, slice]:
    down, right = (int(generator.integers(length - side + 1)) for length in shape[:2])
    return slice(down, down + side), slice(right, right + side)


def ways(detector: Any, images: np.ndarray) -> dict[str, np.ndarray]:
    """Maps [n, height, width] by every way that the detector allows."""
    maps = detector.explain(images)
    assert isinstance(maps, HeatMaps)
    found = {"explain": maps.heat}
    if detector.model_.makes_rows:
        found[RESIDUAL] = residual_maps(detector, images)
        found["residual, blurred"] = blurred(found[RESIDUAL])
    encoded = detector.encoder_.transform(images)
    found[NEAREST] = nearest_maps(detector.fitted_.references_, encoded)
    found[f"{NEAREST}, blurred"] = blurred(found[NEAREST])
    found["random"] = np.random.default_rng(0).random(encoded.shape[:3])
    return found


def summary(values: np.ndarray, plain: np.ndarray) -> dict[str, Any]:
    gap = values - plain
    numbers = {
        "pixel auroc": values.mean(),
        "se": values.std(ddof=1) / np.sqrt(len(values)),
        "ahead": gap.mean(),
        "ahead se": gap.std(ddof=1) / np.sqrt(len(gap)),
    }
    return {"images": len(values)} | {name: round(float(v), 4) for name, v in numbers.items()}


if __name__ == "__main__":
    main()
