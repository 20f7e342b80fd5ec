"""Does the memory that training takes grow with the number of pictures?

Folders of more and more pictures, 64 × 64 in colour, each learnt and scored by the command line in
a process of its own: its peak of resident memory, beside what the pictures would take as float32.
The pictures of a folder are links to a few hundred files: decoding them costs what it always does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, DIFFERENT = 64, 400


def folder_of(count: int, place: Path) -> Path:
    folder, generator = place / f"{count}", np.random.default_rng(0)
    folder.mkdir()
    for at in range(count):
        if at < DIFFERENT:
            coarse = generator.integers(0, 256, (8, 8, 3), np.uint8)
            image = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            image.save(folder / f"{at:06}.png")
        else:
            os.link(folder / f"{at % DIFFERENT:06}.png", folder / f"{at:06}.png")
    return folder


def peak(*arguments: str) -> tuple[float, float]:
    """(megabytes, processor seconds) of an `alad` command line."""
    code = (
        "import resource, sys; from alad.cli import run; status = run(sys.argv[1:]); "
        "used = resource.getrusage(resource.RUSAGE_SELF); "
        "print(used.ru_maxrss / 1024, used.ru_utime + used.ru_stime); sys.exit(status)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    megabytes, seconds = run.stdout.split()[-2:]
    return float(megabytes), float(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[2_000, 8_000, 32_000])
    parser.add_argument("--detector", default="alad")
    parser.add_argument("--preset", default="images-quick")
    parser.add_argument("--max-steps", type=int, default=50)
    parser.add_argument("--backbone", help="in the place of a preset")
    chosen = parser.parse_args()
    print("pictures, as float32 (MB), peak of fit (MB), of score (MB), processor seconds")
    for count in chosen.counts:
        with tempfile.TemporaryDirectory() as place:
            folder, model = str(folder_of(count, Path(place))), str(Path(place) / "model")
            how = ["--detector", chosen.detector, "-q"]
            if chosen.backbone:
                how += ["--backbone", chosen.backbone, "--max-steps", str(chosen.max_steps)]
            elif chosen.preset:
                how += ["--preset", chosen.preset, "--max-steps", str(chosen.max_steps)]
            fit, first = peak("fit", folder, "-o", model, *how)
            scored, second = peak("score", model, folder, "-o", f"{place}/scored.csv", "-q")
        floats = count * SIDE * SIDE * 3 * 4 / 1e6
        print(f"{count}, {floats:.0f}, {fit:.0f}, {scored:.0f}, {first:.0f} + {second:.0f}")


if __name__ == "__main__":
    main()
