"""Training images a second beside a plain PyTorch loop, and scoring beside the peak.

The plain loop is what one would write first: nn.Conv2d and nn.ConvTranspose2d, spectral norm as a
parametrisation, torch.optim.Adam, the same networks, batch, dropout and moving average; each player
has its own batch, what the other player owns gets no gradient. All take turns, so that they
meet the same neighbours on a busy machine; processor seconds and wall seconds are told.

    OMP_NUM_THREADS=1 python benchmarks/image_step_speed.py --width 32 128
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from statistics import median

import numpy as np
import torch
from torch import Tensor

import alad
from alad.adversarial.architectures import (
    IMAGE_ARCHITECTURES,
    ImageArchitecture,
    image_architecture_for,
)
from alad.adversarial.game import FAMILY
from alad.adversarial.networks import game_networks
from alad.adversarial.step import GameStep
from alad.networks.channels_last import ChannelsLast
from alad.networks.convolution_ops import PATCHES, PatchProducts
from alad.networks.native_convolution import NativeProducts
from alad.speed import arithmetic
from alad.speed.plain_images import PlainImageLoop, careless
from alad.training.optimizer import Optimiser

SHAPE, BATCH, RATE = (32, 32, 3), 32, 2e-4
OPTIMISER = Optimiser(RATE, BATCH)


# --- what is measured -----------------------------------------------------------------------------


@dataclass
class Taken:
    """Seconds of each call: of the processor, and on the wall."""

    processor: list[float]
    wall: list[float]


def in_turns(actions: dict[str, Callable[[int], object]], rounds: int) -> dict[str, Taken]:
    """Every action once a round; the first round is not counted."""
    taken = {name: Taken([], []) for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            wall, processor = time.perf_counter(), time.process_time()
            action(number)
            if number:
                taken[name].processor.append(time.process_time() - processor)
                taken[name].wall.append(time.perf_counter() - wall)
    return taken


def ratio(slow: Taken, fast: Taken) -> str:
    """Of processor seconds, round by round: median, lowest and highest."""
    each = sorted(a / b for a, b in zip(slow.processor, fast.processor, strict=True))
    return f"{median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f})"


def shape_of(width: int, stacking: str) -> ImageArchitecture:
    shape = IMAGE_ARCHITECTURES["cifar10"] if width == 128 else image_architecture_for(SHAPE)
    shape = IMAGE_ARCHITECTURES["narrow"] if width == 16 else shape
    return replace(shape, stacking=stacking)


def our_step(
    images: Tensor, shape: ImageArchitecture, products: PatchProducts, *, shared: bool
) -> GameStep:
    networks = game_networks(tuple(images.shape[1:]), shape, FAMILY["alad"])
    step = GameStep(images, networks, FAMILY["alad"], OPTIMISER, seed=0, members=[0])
    step.share_batch, step.products = shared, products
    return step


def training(images: Tensor, width: int, stacking: str, rounds: int) -> None:
    shape = shape_of(width, stacking)
    short = ChannelsLast(NativeProducts())
    actions: dict[str, Callable[[int], object]] = {
        "plain": careless(PlainImageLoop(images, shape, OPTIMISER)),
        "plain, gradients only where needed": PlainImageLoop(images, shape, OPTIMISER),
        "ours, patches": our_step(images, shape, PATCHES, shared=False),
        "ours, C": our_step(images, shape, NativeProducts(), shared=False),
        "ours, C, one batch for both": our_step(images, shape, NativeProducts(), shared=True),
        "ours, bfloat16, one batch": our_step(images, shape, short, shared=True),
    }
    taken = in_turns(actions, rounds)
    print(f"width {width}, D_xx on {stacking}: a step of {BATCH} images")
    for name, own in taken.items():
        seconds = median(own.processor)
        print(
            f"  {name:36} {1e3 * seconds:7.0f} ms of a processor, {1e3 * median(own.wall):7.0f} on "
            f"the wall, {BATCH / seconds:6.1f} images/s; plain takes {ratio(taken['plain'], own)} "
            "times as long",
            flush=True,
        )


def peak() -> float:
    """GFLOP/s of the fastest matrix product, by seconds of the processor."""
    a, best = torch.ones(1024, 1024), np.inf
    for _ in range(20):
        begun = time.process_time()
        a @ a
        best = min(best, time.process_time() - begun)
    return 2 * 1024**3 / best / 1e9


def scoring(images: Tensor, width: int, rounds: int) -> None:
    shape = shape_of(width, "height" if width == 128 else "channels")
    detector = alad.ALAD(
        form="published",
        architecture=asdict(shape),
        **{"max_steps": 0, "patience": None, "calibration_fraction": 0.0, "random_state": 0},
    ).fit(images[:64].numpy())
    rows = images[:512].numpy()
    taken = in_turns({"score": lambda _: detector.anomaly_score(rows)}, rounds)["score"]
    done = arithmetic.scored_row(game_networks(SHAPE, shape, FAMILY["alad"]))
    rate, most = 2e-9 * done * len(rows) / min(taken.processor), peak()
    print(
        f"scoring, width {width}: {len(rows) / min(taken.processor):.0f} images/s, {rate:.1f} "
        f"GFLOP/s, {rate / most:.0%} of {most:.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, nargs="+", default=[16, 32, 128])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=("training", "scoring"))
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    images = torch.rand(2_000, *SHAPE) * 2 - 1
    print(f"{chosen.threads} threads, {torch.__version__}, peak {peak():.1f} GFLOP/s")
    for width in chosen.width:
        if chosen.only in (None, "training"):
            for stacking in ("channels", "height"):
                training(images, width, stacking, chosen.rounds)
        if chosen.only in (None, "scoring"):
            scoring(images, width, chosen.rounds)


if __name__ == "__main__":
    main()
