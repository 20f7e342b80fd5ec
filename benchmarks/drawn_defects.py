"""Do heat maps show where a texture is spoilt? Scratches, spots and missing parts, drawn.

Four textures (`alad.benchmark.data.drawn_textures`), each with two seeds: good pictures of
64 × 64 pixels are learnt from, spoilt ones scored with others that are good. Measured is the AUROC
of pictures, and that of pixels, those of the defect against all others, picture by picture: mean
and standard error, with the lead over the autoencoder's plain residual abs(x - G(E(x))) and over
the distance from the four nearest learnt pictures, blurred by 2 pixels, in the same pictures.

Writes a line each to results/drawn_defects.jsonl, those there already left out, and prints a table
of what the file holds.

    python benchmarks/drawn_defects.py
    python benchmarks/drawn_defects.py --show
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import alad
from alad import metrics, presets
from alad.benchmark.data.drawn_textures import TEXTURES, good_pictures, new_pictures
from alad.benchmark.plain_maps import blurred, nearest_maps, pixel_aurocs, residual_maps
from alad.report.tables import Table, show

SIDE, LEARNT, GOOD, SPOILT = 64, 240, 60, 90
RESIDUAL, NEAREST = "autoencoder, residual", "nearest, blurred"
RIVALS = (RESIDUAL, NEAREST)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--textures", nargs="+", default=list(TEXTURES))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--show", action="store_true", help="measure nothing")
    parser.add_argument("--output", type=Path, default=Path("results/drawn_defects.jsonl"))
    arguments = parser.parse_args()
    if not arguments.show:
        there = {(line["texture"], line["seed"]) for line in lines_of(arguments.output)}
        for seed in range(arguments.seeds):
            for texture in arguments.textures:
                if (texture, seed) not in there:
                    measured = list(cell(texture, seed))
                    with arguments.output.open("a") as file:
                        file.writelines(json.dumps(line) + "\n" for line in measured)
    show(*tables(lines_of(arguments.output)))


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The lines of a results file; none if it is not there."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def cell(texture: str, seed: int) -> Iterator[dict[str, Any]]:
    """Lines of all ways on one texture and seed."""
    learnt = good_pictures(texture, LEARNT, SIDE, 1_000 + seed)
    new = new_pictures(texture, GOOD, SPOILT, SIDE, 2_000 + seed)
    spoilt = new.masks.any(axis=(1, 2))
    found = {}
    for name, detector in detectors(seed).items():
        begun = time.perf_counter()
        detector.fit(learnt)
        seconds = time.perf_counter() - begun
        auroc = metrics.auroc(detector.anomaly_score(new.images), spoilt)
        for way, maps in ways(name, detector, learnt, new.images[spoilt]).items():
            pixels = pixel_aurocs(maps, new.masks[spoilt])
            found[way] = {"auroc": round(auroc, 4), "fit_seconds": round(seconds, 2)}
            found[way] |= {"pixel_aurocs": np.round(pixels, 4).tolist()}
        print(f"{texture}, seed {seed}, {name}: {auroc:.4f} in {seconds:.1f} s", flush=True)
    for way, facts in found.items():
        yield {"texture": texture, "seed": seed, "way": way, **facts}


def detectors(seed: int) -> dict[str, Any]:
    """Unfitted detectors by the name that their ways have in the table."""
    windows: dict[str, Any] = {"backbone": "texture"}
    narrow = presets.preset("images-quick", "autoencoder")
    return {
        "ALAD, windows": alad.ALAD(**windows, random_state=seed),
        "ALAD, windows, untrained": alad.ALAD(**windows, max_steps=0, random_state=seed),
        "k-NN, windows": alad.KNN(**windows),
        "Isolation Forest, windows": alad.IsolationForest(**windows, random_state=seed),
        "PCA, windows": alad.PCA(**windows),
        "k-NN, pixels": alad.KNN(),
        "autoencoder": alad.Autoencoder(**narrow, random_state=seed),
    }


def ways(name: str, detector: Any, learnt: np.ndarray, images: np.ndarray) -> dict[str, np.ndarray]:
    """Maps [n, height, width] by the ways that a detector allows."""
    if name == "k-NN, pixels":
        scale = detector.encoder_.transform
        return {NEAREST: blurred(nearest_maps(scale(learnt), scale(images)))}
    if name == "autoencoder":
        plain = residual_maps(detector, images)
        heat = detector.explain(images).heat
        return {RESIDUAL: plain, f"{RESIDUAL}, blurred": blurred(plain), "autoencoder": heat}
    return {name: detector.explain(images).heat}


# --- what the file holds --------------------------------------------------------------------------


def tables(lines: list[dict[str, Any]]) -> list[Table]:
    """One table of all textures together, and one of each."""
    pixels = {(one["texture"], one["seed"], one["way"]): one["pixel_aurocs"] for one in lines}
    chosen = [("all textures", lines)]
    for texture in dict.fromkeys(line["texture"] for line in lines):
        chosen.append((texture, [line for line in lines if line["texture"] == texture]))
    return [table(title, some, pixels) for title, some in chosen if some]


def table(title: str, lines: list[dict[str, Any]], pixels: dict[tuple, list[float]]) -> Table:
    columns = ["way", "AUROC of pictures", "AUROC of pixels", *(f"ahead of {r}" for r in RIVALS)]
    body = []
    for way in dict.fromkeys(line["way"] for line in lines):
        own = [line for line in lines if line["way"] == way]
        values = np.concatenate([line["pixel_aurocs"] for line in own])
        leads = []
        for rival in RIVALS:
            other = [pixels[line["texture"], line["seed"], rival] for line in own]
            leads.append(mean_and_error(values - np.concatenate(other)))
        auroc = np.mean([line["auroc"] for line in own])
        body.append((way, f"{auroc:.3f}", mean_and_error(values), *leads))
    cells = {(line["texture"], line["seed"]) for line in lines}
    notes = [f"{len(cells)} sets of {SPOILT} spoilt pictures; ± standard error of the mean"]
    return Table(title, columns, body, notes)


def mean_and_error(values: np.ndarray) -> str:
    return f"{values.mean():.4f} ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}"


if __name__ == "__main__":
    main()
