"""Trained networks as a model: their layers and arrays, and how a row is scored by them."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from alad.detector.model import WRITTEN_AS, Model
from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.description import description, from_description
from alad.networks.native_convolution import scoring_products
from alad.neural.score import Score
from alad.parameters import how
from alad.training.rows import Rows, whole

# images from which batch norm's statistics are measured, as far as memory allows
MEASURED_IMAGES, LEAST_MEASURED, MEASURED_PIXELS = 512, 32, 1 << 19


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkModel(Model):
    """Networks at evaluation; spectral norms are divided out of their weights, once and exactly.

    The layers are in the stored model, so no rule that has changed since decides what they were. A
    subclass says how a row goes through them, and which scores it offers.
    """

    offers: ClassVar[Mapping[str, Score[Any]]]

    # `Networks`, and what a family's own have beside that
    networks: Any = field(metadata={WRITTEN_AS: (description, from_description)})
    row_shape: tuple[int, ...]
    # `field()`, for the values that most kinds of models have are no defaults here
    members: tuple[int, ...] = field()  # pyright: ignore[reportIncompatibleVariableOverride]
    own: str = field()  # the score that counts # pyright: ignore[reportIncompatibleVariableOverride]
    weights: Mapping[str, np.ndarray]  # float32 [members, ...] each
    buffers: Mapping[str, np.ndarray]
    learnt: Mapping[str, np.ndarray]  # by scores from training rows: SCORE/PART
    # of several members: median and mean deviation of each, [2, members], by score
    scales: Mapping[str, np.ndarray] = field()  # pyright: ignore
    # what scores: "torch", or what is fastest here
    engine: str = how("auto")  # pyright: ignore[reportIncompatibleVariableOverride]
    device: str = how("cpu")
    verbose: int = how(0)

    def __post_init__(self) -> None:
        if self.own not in self.offered(images=len(self.row_shape) > 1):
            known = ", ".join(self.offered(images=len(self.row_shape) > 1))
            raise InputError(f"score_function is {self.own!r}; choose one of: {known}")
        require_whole(self)

    # --- what a family has to say for itself ------------------------------------------------------

    @abstractmethod
    def _reader(self, context: Context) -> Any:
        """Return what the scores read, at evaluation. For images it has a method `measure`."""

    @abstractmethod
    def _reconstruction(self, x: Tensor) -> Tensor:
        """Return the model's version of rows x [n, *shape]: [members, n, *shape]."""

    # --- scores -----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.row_shape

    @functools.cached_property
    def reader(self) -> Any:
        """What the scores read."""
        return self._reader(self.context)

    @functools.cached_property
    def context(self) -> Context:
        """Weights and buffers where the model scores, and what makes its convolutions."""
        weights, buffers = (
            {name: self.tensor(array) for name, array in arrays.items()}
            for arrays in (self.weights, self.buffers)
        )
        if len(self.row_shape) == 1 or self.engine == "torch":
            return Context(weights, buffers)
        return Context(weights, buffers, products=scoring_products(next(iter(weights.values()))))

    def tensor(self, X: Any) -> Tensor:
        """Return an array as a tensor where the model scores."""
        return torch.from_numpy(np.asarray(X)).to(device_named(self.device))

    @torch.no_grad()
    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        chosen = name or self.own
        value = self.offers[chosen].value(self.reader, self.tensor(X), self._learnt_by(chosen))
        return value.double().cpu().numpy()

    def _learnt_by(self, score: str) -> dict[str, Tensor]:
        """What a score has learnt; InputError if it was not there yet when the model was fitted."""
        start = f"{score}/"
        parts = {
            path.removeprefix(start): self.tensor(array)
            for path, array in self.learnt.items()
            if path.startswith(start)
        }
        if self.offers[score].fit and not parts:
            raise InputError(f"this model has not learnt what score {score!r} needs; fit it again")
        return parts

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        """Return the model's version of encoded rows [n, *shape], float32, mean over members."""

        @torch.no_grad()
        def one_block(block: np.ndarray) -> np.ndarray:
            mean = self._reconstruction(self.tensor(block)).mean(dim=0)
            return np.moveaxis(mean.cpu().numpy(), 0, -1)

        return np.ascontiguousarray(np.moveaxis(self.in_blocks(one_block, X), -1, 0))

    # --- what it learns after the networks --------------------------------------------------------

    @torch.no_grad()
    def measured(self, rows: Rows) -> Self:
        """Take batch norm's statistics from some training images; of tables, the model as it is."""
        if rows.ndim == 2:
            return self
        count = measured_images(rows.shape[1:])
        self.reader.measure(whole(rows[:: max(1, len(rows) // count)][:count]))
        return replace(self, buffers=arrays_of(self.reader.context.buffers))

    @torch.no_grad()
    def having_learnt(self, name: str, rows: Any) -> Self:
        """Let score `name` learn what it needs from training rows; most need nothing."""
        fit = self.offers[name].fit
        if fit is None:
            return self
        ready = isinstance(rows, Tensor) or self.offers[name].fit_to_all
        x = rows if ready else self.tensor(rows)
        parts = {f"{name}/{part}": array for part, array in arrays_of(fit(self.reader, x)).items()}
        return replace(self, learnt={**self.learnt, **parts})

    def scaled(self, X: Any) -> Self:
        """Give several members a common scale of every score, from training rows X."""
        if len(self.members) == 1:
            return self
        names = self.offered(images=len(self.row_shape) > 1)
        return replace(
            self, scales={name: common_scale(self.member_scores(X, name)) for name in names}
        )

    def scored_by(self) -> str:
        """Name the engine that scores: "native" or "torch"."""
        products = self.context.products
        convolutions = "torch" if products is None else products.engine
        return "native" if "native" in (self.reader.engine, convolutions) else "torch"

    def __getstate__(self) -> dict[str, Any]:
        """Without what was made of the fields: it holds addresses of memory."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def arrays_of(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Return tensors as arrays, by the same names."""
    return {name: value.detach().cpu().numpy() for name, value in tensors.items()}


def require_whole(model: NetworkModel) -> None:
    """InputError unless there is every array that its layers need, of its shape, and no other."""
    members = len(model.members)
    for what, arrays, shapes in (
        ("weights", model.weights, [layer.shapes() for layer in model.networks.layers]),
        ("buffers", model.buffers, [layer.buffer_shapes() for layer in model.networks.layers]),
    ):
        needed = {name: (members, *shape) for one in shapes for name, shape in one.items()}
        if missing := sorted(needed.keys() - arrays.keys()):
            raise InputError(f"the model lacks {what} {', '.join(missing)}; save it anew")
        if surplus := sorted(arrays.keys() - needed.keys()):
            raise InputError(
                f"the model has no place for {what} {', '.join(surplus)}; save it anew"
            )
        for name, shape in needed.items():
            if arrays[name].shape != shape:
                raise InputError(f"{what} {name} has shape {arrays[name].shape}, not {shape}")
            if arrays[name].dtype != np.float32:  # C reads them as such
                raise InputError(
                    f"{what} {name} holds {arrays[name].dtype}, not float32; save the model anew"
                )
    for name, scale in model.scales.items():
        if scale.shape != (2, members):
            raise InputError(f"scale {name} has shape {scale.shape}, not {(2, members)}")


def measured_images(shape: Sequence[int]) -> int:
    """From how many images of `shape` (height, width, channels) statistics are measured."""
    return min(MEASURED_IMAGES, max(LEAST_MEASURED, MEASURED_PIXELS // (shape[0] * shape[1])))


def device_named(name: Any) -> torch.device:
    """Return the device of that name; InputError if it is none that can be used here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise InputError(f"device is {name!r}; give 'cpu', 'cuda' or 'auto'") from None
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device is {name!r}; give 'cpu', 'cuda' or 'auto'")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("device is 'cuda', but there is none here; give 'cpu' or 'auto'")
    return device


def common_scale(scores: np.ndarray) -> np.ndarray:
    """Median and mean deviation from it, [2, members], of scores [members, n] of training rows."""
    center = np.median(scores, axis=1)
    spread = np.abs(scores - center[:, None]).mean(axis=1)
    return np.stack([center, np.where(spread > 0, spread, 1.0)])
