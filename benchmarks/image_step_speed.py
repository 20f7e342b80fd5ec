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
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils.parametrizations import spectral_norm

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
from alad.training.optimizer import Optimiser, ema_decay_at

SHAPE, BATCH, RATE = (32, 32, 3), 32, 2e-4
EPSILON, SHARE = 1e-3, 0.01  # of batch norm


# --- the plain loop -------------------------------------------------------------------------------


def half(inputs: int, outputs: int, kernel: int, norm: bool, dropout: float = 0.0) -> list:
    """A convolution that halves the image (TensorFlow's SAME), as a list of modules."""
    before = [nn.ZeroPad2d((1, 2, 1, 2))] if kernel == 5 else []
    padding = 0 if kernel == 5 else 1
    layers = [*before, spectral_norm(nn.Conv2d(inputs, outputs, kernel, 2, padding))]
    layers += [nn.BatchNorm2d(outputs, EPSILON, SHARE)] if norm else []
    layers += [nn.LeakyReLU(0.2)]
    return layers + ([nn.Dropout(dropout)] if dropout else [])


def double(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> list:
    return [
        nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding),
        nn.BatchNorm2d(outputs, EPSILON, SHARE),
        nn.ReLU(),
    ]


def dense(inputs: int, outputs: int, dropout: float) -> list:
    return [spectral_norm(nn.Linear(inputs, outputs)), nn.LeakyReLU(0.2), nn.Dropout(dropout)]


class Plain(nn.Module):
    """The five networks for 32 × 32 × 3."""

    def __init__(self, shape: ImageArchitecture):
        super().__init__()
        w, latent, drop = shape.width, shape.latent, shape.dropout
        down = [*half(3, w, 4, True), *half(w, 2 * w, 4, True), *half(2 * w, 4 * w, 4, True)]
        self.encoder = nn.Sequential(*down, nn.Conv2d(4 * w, latent, 4))
        self.generator = nn.Sequential(
            *double(latent, 4 * w, 4, 1, 0),
            *double(4 * w, 2 * w, 4, 2, 1),
            *double(2 * w, w, 4, 2, 1),
            nn.ConvTranspose2d(w, 3, 4, 2, 1),
            nn.Tanh(),
        )
        down = [*half(3, w, 4, False), *half(w, 2 * w, 4, True), *half(2 * w, 4 * w, 4, True)]
        self.xz_x = nn.Sequential(*down, nn.Flatten())
        codes, joint = shape.xz_code, shape.xz_joint
        pairs = zip((latent, *codes), codes, strict=False)
        self.xz_z = nn.Sequential(*(one for pair in pairs for one in dense(*pair, drop)))
        joined = dense(64 * w + codes[-1], joint, drop)
        self.xz_joint = nn.Sequential(*joined, nn.Linear(joint, 1))
        tall = shape.stacking == "height"
        layers, channels = [], 3 if tall else 6
        for outputs in shape.xx:
            layers += half(channels, outputs, 5, False, drop)
            channels = outputs
        side = 32 // 2 ** len(shape.xx)
        features = channels * side * side * (2 if tall else 1)
        self.xx = nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, 1))
        self.axis = 2 if tall else 1
        widths = zip((2 * latent, *shape.zz), shape.zz, strict=False)
        zz = [one for pair in widths for one in dense(*pair, drop)]
        self.zz = nn.Sequential(*zz, nn.Linear(shape.zz[-1], 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.normal_(module.weight, 0.0, shape.deviation)
                nn.init.zeros_(module.bias)

    def players(self) -> list[nn.Parameter]:
        return [*self.encoder.parameters(), *self.generator.parameters()]

    def judges(self) -> list[nn.Parameter]:
        judges = (self.xz_x, self.xz_z, self.xz_joint, self.xx, self.zz)
        return [parameter for judge in judges for parameter in judge.parameters()]

    def chain(self, x: Tensor, z: Tensor) -> tuple[Tensor, ...]:
        """E(x), G(z), E(G(z)), G(E(x))"""
        code = self.encoder(x).flatten(1)
        made = self.generator(z[..., None, None])
        return code, made, self.encoder(made).flatten(1), self.generator(code[..., None, None])

    def xz(self, x: Tensor, z: Tensor) -> Tensor:
        return self.xz_joint(torch.cat([self.xz_x(x), self.xz_z(z)], 1))

    def pair(self, judge: nn.Module, a: Tensor, b: Tensor, axis: int) -> Tensor:
        return judge(torch.cat([a, b], axis))


class PlainLoop:
    """`frozen`: a player's loss asks for no gradient of the other's weights."""

    frozen = True

    def __init__(self, images: Tensor, shape: ImageArchitecture):
        self.images = images.permute(0, 3, 1, 2).contiguous()
        self.networks, self.latent = Plain(shape), shape.latent
        self.sides = [self.networks.judges(), self.networks.players()]
        self.optimisers = [torch.optim.Adam(side, RATE, (0.5, 0.999)) for side in self.sides]
        self.averages = [[p.detach().clone() for p in side] for side in self.sides]

    def __call__(self, number: int) -> None:
        nets = self.networks
        for player, optimiser in enumerate(self.optimisers):
            x = self.images[torch.randint(len(self.images), (BATCH,))]
            z = torch.randn(BATCH, self.latent)
            for at, side in enumerate(self.sides):
                for parameter in side:
                    parameter.requires_grad_(at == player or (player == 1 and not self.frozen))
            sign = 1.0 if player == 0 else -1.0
            code, made, recode, remade = nets.chain(x, z)
            loss = (
                softplus(-sign * nets.xz(x, code)).mean() + softplus(sign * nets.xz(made, z)).mean()
            )
            loss = loss + softplus(sign * nets.pair(nets.xx, x, remade, nets.axis)).mean()
            loss = loss + softplus(sign * nets.pair(nets.zz, z, recode, 1)).mean()
            if player == 0:
                loss = loss + softplus(-nets.pair(nets.xx, x, x, nets.axis)).mean()
                loss = loss + softplus(-nets.pair(nets.zz, z, z, 1)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            with torch.no_grad():
                for average, parameter in zip(
                    self.averages[player], self.sides[player], strict=True
                ):
                    average.lerp_(parameter, 1.0 - ema_decay_at(number, 0.999))


def careless(loop: PlainLoop) -> PlainLoop:
    """The loop as tutorials have it: the players' loss leaves gradients at the judges, unused."""
    loop.frozen = False
    return loop


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
    optimiser = Optimiser(RATE, BATCH)
    networks = game_networks(tuple(images.shape[1:]), shape, FAMILY["alad"])
    step = GameStep(images, networks, FAMILY["alad"], optimiser, seed=0, members=[0])
    step.share_batch, step.products = shared, products
    return step


def training(images: Tensor, width: int, stacking: str, rounds: int) -> None:
    shape = shape_of(width, stacking)
    short = ChannelsLast(NativeProducts())
    actions: dict[str, Callable[[int], object]] = {
        "plain": careless(PlainLoop(images, shape)),
        "plain, gradients only where needed": PlainLoop(images, shape),
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


def multiplications(layers) -> int:
    """Of one image, in the products of a chain's layers."""
    return sum(
        layer.geometry.steps[0]
        * layer.geometry.steps[1]
        * layer.geometry.kernel[0]
        * layer.geometry.kernel[1]
        * layer.inputs
        * layer.outputs
        for layer in layers
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
    detector = alad.ALAD(
        architecture=asdict(shape_of(width, "height" if width == 128 else "channels")),
        **{"max_steps": 0, "patience": None, "calibration_fraction": 0.0, "random_state": 0},
    ).fit(images[:64].numpy())
    rows = images[:512].numpy()
    taken = in_turns({"score": lambda _: detector.anomaly_score(rows)}, rounds)["score"]
    networks = detector.model_.networks
    done = sum(multiplications(c.layers) for c in (networks.encoder, networks.generator))
    done += 2 * multiplications(networks.discriminators["xx"].joint.layers)
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
