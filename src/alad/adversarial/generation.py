"""Images G(z) of random codes, from a fitted model and during training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alad.data.png import write_grid
from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.weights import scoring_weights
from alad.neural.model import NetworkModel, measured_images
from alad.neural.torch_engine import context_of
from alad.randomness import Purpose, seed_of, stream
from alad.training.step import NetworkStep

DOWN, ACROSS = 4, 8  # images in a grid
SIDE = 64  # pixels of a shown image, at least about
AT_ONCE = 32  # codes of each member


def sample_writer(folder: Any, step: NetworkStep, seed: int) -> Callable[[int], None] | None:
    """Return a function that writes pictures of G(z), by the averaged weights, into a folder.

    The first, step-000000.png, before the first step, another at every check, all of the same
    random codes, from a stream of their own. None without a folder. Raises InputError for tables,
    and if the folder cannot be made.
    """
    if folder is None:
        return None
    if step.X.ndim == 2:
        raise InputError("samples are pictures, and X is a table; leave samples out")
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{place}: {error.strerror}; choose another folder") from error
    enlarge = max(1, SIDE // max(step.X.shape[1:3]))

    def write(steps: int) -> None:
        context = Context(*scoring_weights(step.networks, step.scoring_arrays()))
        images = generated(step.networks, context, DOWN * ACROSS, seed)
        rows = images.reshape(DOWN, ACROSS, *images.shape[1:])
        write_grid(place / f"step-{steps:06d}.png", list(rows), enlarge)

    return write


def generated_by(model: NetworkModel, n: int, random_state: Any) -> np.ndarray:
    """Make n images G(z), as `generated` does, by a model's networks."""
    arrays, in_c = {**model.weights, **model.buffers}, model.engine != "torch"
    context = context_of(model.networks, arrays, model.device, in_c)
    return generated(model.networks, context, n, seed_of(random_state))


@torch.no_grad()
def generated(networks: Any, context: Context, n: int, seed: int) -> np.ndarray:
    """Make n images G(z) of codes drawn by `seed`.

    Float32 [n, height, width, channels], from -1 to 1. networks, context: those of a detector of
    images, at evaluation.
    """
    context = _measured(networks, context)
    like = next(iter(context.weights.values()))
    members = len(like)
    codes = stream(seed, 0, Purpose.SAMPLES).standard_normal(
        (-(-n // members), members, networks.latent), np.float32
    )
    z = torch.from_numpy(codes).transpose(0, 1).to(like)
    blocks = [networks.generator(context, part.contiguous()) for part in z.split(AT_ONCE, dim=1)]
    return torch.cat(blocks, dim=1).transpose(0, 1).flatten(0, 1)[:n].cpu().numpy()


def _measured(networks: Any, context: Context) -> Context:
    """Give batch norm in G the statistics of random codes, as in training: a new context.

    For scoring it has those of codes E(x), by which G(z) is pale while E(x) is not yet distributed
    as z.
    """
    weights = next(iter(context.weights.values()))
    count = measured_images(networks.shape)
    codes = stream(0, 0, Purpose.SAMPLES, 1).standard_normal((count, networks.latent), np.float32)
    z = torch.from_numpy(codes).to(weights)
    buffers = {name: buffer.clone() for name, buffer in context.buffers.items()}
    networks.generator(
        replace(context, buffers=buffers, measuring=True), z.expand(len(weights), *z.shape)
    )
    return replace(context, buffers=buffers)
