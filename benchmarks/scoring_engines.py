"""Speed of what scores read, by engine: C, torch and NumPy, on networks of the size of KDD99's.

    python benchmarks/scoring_engines.py [--rows 8192] [--threads 1] [--rounds 7]

Networks are random: speed does not depend on what they learnt. The engines take turns within every
round, and of each the fastest round counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from alad.adversarial.architectures import ARCHITECTURES
from alad.adversarial.game import FAMILY
from alad.adversarial.native_score import NativeCycle
from alad.adversarial.networks import game_networks
from alad.adversarial.numpy_cycle import prepare_cycle
from alad.adversarial.scores import Cycle
from alad.anogan.architectures import GAN_ARCHITECTURES
from alad.anogan.native_search import NativeSearch
from alad.anogan.networks import START, gan_networks
from alad.anogan.numpy_search import prepare_search
from alad.anogan.search import LatentSearch, SearchSettings
from alad.autoencoders.architectures import (
    CODE_ARCHITECTURES,
    ENERGY_ARCHITECTURES,
    MIXTURE_ARCHITECTURES,
)
from alad.autoencoders.dagmm import fit_mixture, mixture_energy
from alad.autoencoders.dsebm import reconstruction
from alad.autoencoders.networks import code_networks, energy_network, mixture_networks
from alad.autoencoders.numpy_codes import prepare_codes, prepare_vae
from alad.autoencoders.numpy_energy import prepare_energy
from alad.autoencoders.numpy_mixture import prepare_mixture
from alad.autoencoders.vae import probability
from alad.networks.context import Context
from alad.networks.layers import Arrays
from alad.networks.weights import buffer_layout, initial_buffers, initial_weights, weight_layout
from alad.neural.one_loss import Trained
from alad.row_kinds import TABLE

WIDTH = 121
SEARCH = SearchSettings(500, 0.01, 0.1)
SEARCHED_ROWS = 256  # of a search of 500 steps each; others cost a thousandth
Engines = dict[str, Callable[[Tensor], object]]


def random_context(networks) -> Context:
    """One member's weights as training begins with them."""
    generators = [np.random.default_rng(0)]
    layout = weight_layout(networks.layers)
    weights = layout.views(initial_weights(layout, generators))
    buffers = initial_buffers(networks.layers, weights, generators)
    return Context(weights, buffer_layout(networks.layers).views(buffers))


def arrays_of(*tensors) -> dict[str, np.ndarray]:
    return {name: value.numpy() for each in tensors for name, value in each.items()}


def in_blocks(run: Callable[[Tensor], object]) -> Callable[[Tensor], object]:
    """As detectors score: so many rows at a time."""
    return lambda x: [run(block) for block in x.split(TABLE.scored.most)]


def adversarial(game: str) -> Engines:
    """f(x, x) and f(x, x')."""
    networks = game_networks((WIDTH,), ARCHITECTURES["kdd99"], FAMILY[game])
    context = random_context(networks)
    fast = NativeCycle(networks, context)
    plain = Cycle(networks, context)
    engine = prepare_cycle(networks, arrays_of(context.weights, context.buffers))
    return {
        "c": in_blocks(fast.features),
        "torch": in_blocks(plain.features),
        "numpy": lambda x: engine(x.numpy(), ("real", "fake")),
    }


def autoencoder() -> Engines:
    networks = code_networks((WIDTH,), CODE_ARCHITECTURES["kdd99"])
    context = random_context(networks)
    engine = prepare_codes(networks, arrays_of(context.weights))
    return {
        "torch": in_blocks(lambda x: networks(context, x[None])),
        "numpy": lambda x: engine(x.numpy(), ("reconstruction",)),
    }


def vae() -> Engines:
    chosen = CODE_ARCHITECTURES["kdd99"]
    draws = Arrays("Z", noise={"draws": (10, chosen.latent)})
    networks = code_networks((WIDTH,), chosen, numbers=2, others=(draws,))
    model = Trained(networks, random_context(networks))
    engine = prepare_vae(networks, arrays_of(model.context.weights, model.context.buffers))
    return {
        "torch": in_blocks(lambda x: probability(model, x, {})),
        "numpy": lambda x: engine(x.numpy(), ("log_likelihood",)),
    }


def dsebm() -> Engines:
    network = energy_network((WIDTH,), ENERGY_ARCHITECTURES["kdd99"])
    model = Trained(network, random_context(network))
    engine = prepare_energy(network, arrays_of(model.context.weights))
    return {
        "torch": in_blocks(lambda x: reconstruction(model, x, {})),
        "numpy": lambda x: engine(x.numpy(), ("gradient",)),
    }


def dagmm() -> Engines:
    networks = mixture_networks((WIDTH,), MIXTURE_ARCHITECTURES["kdd99"])
    model = Trained(networks, random_context(networks))
    fitted = fit_mixture(model, rows(1_000))
    engine = prepare_mixture(networks, arrays_of(model.context.weights), arrays_of(fitted))
    return {
        "torch": in_blocks(lambda x: mixture_energy(model, x, fitted)),
        "numpy": lambda x: engine(x.numpy(), ("energy",)),
    }


def anogan() -> Engines:
    networks = gan_networks((WIDTH,), GAN_ARCHITECTURES["kdd99"])
    context = random_context(networks)
    start = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 1, 32)).astype("float32"))
    given = networks, context.weights, start, SEARCH
    arrays = arrays_of(context.weights) | {START: start.numpy()}
    engine = prepare_search(networks, arrays, SEARCH)
    return {
        "c": NativeSearch(*given),
        "torch": LatentSearch(*given),
        "numpy": lambda x: engine(x.numpy(), ("loss",)),
    }


def rows(n: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(7).normal(size=(n, WIDTH)).astype("float32"))


@torch.no_grad()
def fastest(engines: Engines, x: Tensor, rounds: int) -> dict[str, float]:
    """Rows a second of each engine in its fastest round; one round before does not count."""
    seconds = {name: [] for name in engines}
    for _ in range(rounds + 1):
        for name, run in engines.items():
            begin = time.perf_counter()
            run(x)
            seconds[name].append(time.perf_counter() - begin)
    return {name: len(x) / min(measured[1:]) for name, measured in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=8_192)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    families: dict[str, Engines] = {
        "alad, features": adversarial("alad"),
        "bigan, features": adversarial("bigan"),
        "autoencoder": autoencoder(),
        "vae, probability": vae(),
        "dsebm, gradient": dsebm(),
        "dagmm, energy": dagmm(),
        "anogan, 500 steps": anogan(),
    }
    print(f"rows a second, {options.threads} threads, rows of {WIDTH} numbers, one member")
    print(f"{'':18} {'c':>10} {'torch':>10} {'numpy':>10}  numpy of torch, of c")
    with threadpool_limits(options.threads):
        for family, engines in families.items():
            searched = family.startswith("anogan")
            x = rows(SEARCHED_ROWS if searched else options.rows)
            speed = fastest(engines, x, min(options.rounds, 2) if searched else options.rounds)
            told = (f"{speed[name]:10,.0f}" if name in speed else f"{'-':>10}" for name in NAMES)
            shares = [speed["numpy"] / speed[name] for name in ("torch", "c") if name in speed]
            print(f"{family:18}", *told, "", ", ".join(f"{share:.2f}" for share in shares))


NAMES = ("c", "torch", "numpy")

if __name__ == "__main__":
    main()
