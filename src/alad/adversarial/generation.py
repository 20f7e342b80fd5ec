"""What a generator makes of random codes: asked of a fitted model, and watched over training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from alad.data.png import write_grid
from alad.encoding import ImageScaler
from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.weights import scoring_weights
from alad.neural.detector import Neural
from alad.neural.model import measured_images
from alad.parameters import folder, whole
from alad.randomness import Purpose, seed_of, stream
from alad.training.loop import Watch
from alad.training.step import NetworkStep

DOWN, ACROSS = 4, 8  # images in a grid
SIDE = 64  # pixels of a shown image, at least about
AT_ONCE = 32  # codes of each member


class Generating(Neural):
    """The body of the detectors whose G makes rows from latent codes z ~ N(0, I).

    Parameters, beside those of `Neural`
    ----------
    latent_dim : width of the latent code; None = the architecture's
    samples : folder for pictures of G(z) over training, for images: step-000000.png before the
        first step, and another at every check, all of the same 32 codes; None = none
    """

    def __init__(
        self, *, latent_dim: int | None = None, samples: str | Path | None = None, **common: Any
    ):
        super().__init__(**common)
        self.latent_dim = latent_dim
        self.samples = samples

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.latent_dim is not None:
            whole("latent_dim", self.latent_dim)
        folder("samples", self.samples)

    def _architecture(self, shape: tuple[int, ...]) -> Any:
        found = super()._architecture(shape)
        return found if self.latent_dim is None else replace(found, latent=self.latent_dim)

    def generate(self, n: int = 1, random_state: Any = None) -> np.ndarray:
        """n images G(z) of random codes z, in the pixels of the training images.

        [n, height, width, channels]. Several members make one each in turn. The same random state
        gives the same images, and fewer of them the first ones. Raises InputError if the model is
        of a table.
        """
        check_is_fitted(self)
        whole("n", n)
        if not isinstance(self.encoder_, ImageScaler):
            raise InputError("this model is of a table; generate is for images")
        return self.encoder_.decode(generated(self._model, n, seed_of(random_state)))

    def _make_watch(self, step: NetworkStep, seed: int) -> Watch | None:
        """Writes pictures of G's averaged weights; draws from a stream of its own."""
        if self.samples is None:
            return None
        if step.X.ndim == 2:
            raise InputError("samples are pictures, and X is a table; leave samples out")
        place = Path(self.samples)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{place}: {error.strerror}; choose another folder") from error
        enlarge = max(1, SIDE // max(step.X.shape[1:3]))

        def write(steps: int) -> None:
            context = Context(*scoring_weights(step.networks, step.scoring_arrays()))
            images = generated(self._make_model(step.networks, context), DOWN * ACROSS, seed)
            rows = images.reshape(DOWN, ACROSS, *images.shape[1:])
            write_grid(place / f"step-{steps:06d}.png", list(rows), enlarge)

        return write


@torch.no_grad()
def generated(model: Any, n: int, seed: int) -> np.ndarray:
    """Float32 [n, height, width, channels] from -1 to 1: G of codes drawn by `seed`.

    model: the networks of a detector of images, at evaluation.
    """
    networks, context = model.networks, _measured(model)
    like = next(iter(context.weights.values()))
    members = len(like)
    codes = stream(seed, 0, Purpose.SAMPLES).standard_normal(
        (-(-n // members), members, networks.latent), np.float32
    )
    z = torch.from_numpy(codes).transpose(0, 1).to(like)
    blocks = [networks.generator(context, part.contiguous()) for part in z.split(AT_ONCE, dim=1)]
    return torch.cat(blocks, dim=1).transpose(0, 1).flatten(0, 1)[:n].cpu().numpy()


def _measured(model: Any) -> Context:
    """The model's context, but batch norm in G has the statistics of random codes, as in training.

    For scoring it has those of codes E(x), by which G(z) comes out pale while E(x) is not yet
    distributed as z.
    """
    context, networks = model.context, model.networks
    weights = next(iter(context.weights.values()))
    count = measured_images(networks.shape)
    codes = stream(0, 0, Purpose.SAMPLES, 1).standard_normal((count, networks.latent), np.float32)
    z = torch.from_numpy(codes).to(weights)
    buffers = {name: buffer.clone() for name, buffer in context.buffers.items()}
    networks.generator(
        replace(context, buffers=buffers, measuring=True), z.expand(len(weights), *z.shape)
    )
    return replace(context, buffers=buffers)
