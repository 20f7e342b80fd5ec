"""Trained networks as a model: their layers and arrays, and how a row is scored by them.

Nothing here loads PyTorch: an engine runs the networks (`alad.neural.engines`), and scores are
formulas in NumPy of what it computes (`alad.neural.score`).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import numpy as np

from alad.detector.model import WRITTEN_AS, Model, score_in_blocks
from alad.errors import InputError
from alad.networks.description import description, from_description
from alad.neural.engines import Engine, Engines, prepared
from alad.neural.score import Score, learnt_parts
from alad.parameters import how

# images from which batch norm's statistics are measured, as far as memory allows
MEASURED_IMAGES, LEAST_MEASURED, MEASURED_PIXELS = 512, 32, 1 << 19


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkModel(Model):
    """Networks at evaluation; spectral norms are divided out of their weights, once and exactly.

    The layers are stored with the model, so rules that change later do not affect it. A subclass
    names the scores that it offers, and the engines that compute what they read.
    """

    offers: ClassVar[Mapping[str, Score]]
    engines: ClassVar[Engines]

    # `Networks`, and what a family's networks have beside that
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
    # what scores, by one of its names in `neural.engines`
    engine: str = how("auto")  # pyright: ignore[reportIncompatibleVariableOverride]
    device: str = how("cpu")
    verbose: int = how(0)

    def __post_init__(self) -> None:
        if self.own not in self.offered(images=len(self.row_shape) > 1):
            names = ", ".join(self.offered(images=len(self.row_shape) > 1))
            raise InputError(f"score_function is {self.own!r}; choose one of: {names}")
        require_whole(self)

    # --- scores -----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.row_shape

    @property
    def settings(self) -> Any:
        """What an engine may need beside networks and arrays: what scores have learnt."""
        return self.learnt

    @functools.cached_property
    def scorer(self) -> Engine:
        """The engine that scores."""
        images, arrays = len(self.row_shape) > 1, {**self.weights, **self.buffers}
        parts = self.networks, arrays, self.settings
        return prepared(self.engines, self.engine, self.device, images, *parts)

    def scored_by(self) -> str:
        """Name the engine that scores: "native", "torch" or "numpy"."""
        return self.scorer.name

    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        return self.scores_by((name or self.own,), X)[0]

    def scores_by(self, names: Sequence[str], X: np.ndarray) -> np.ndarray:
        """Score a block of rows by several scores at once: [names, members, n], float64."""
        engine = self.scorer
        learnt = {name: self._ready(name) for name in names if name not in engine.scores}
        wanted = [[name] if name in engine.scores else self.offers[name].reads for name in names]
        with np.errstate(all="ignore"):  # callers refuse what is not finite
            results = {"x": X, **engine(X, tuple(dict.fromkeys(itertools.chain(*wanted))))}
            values = [
                self.offers[name].value(results, learnt[name]) if name in learnt else results[name]
                for name in names
            ]
            return np.stack(values, dtype=np.float64)

    def learnt_by(self, score: str) -> dict[str, np.ndarray]:
        """Give what a score has learnt; InputError if the model is older than the score."""
        parts = learnt_parts(self.learnt, score)
        if self.offers[score].learn and not parts:
            raise InputError(
                f"this model has not learnt what score {score!r} needs; fit it again with it"
            )
        return parts

    def _ready(self, score: str) -> Mapping[str, Any]:
        """Give what a score's formula reads beside the engine's results; made once."""
        if score not in self._made_ready:
            learnt, make = self.learnt_by(score), self.offers[score].made_ready
            self._made_ready[score] = learnt if make is None else make(learnt)
        return self._made_ready[score]

    @functools.cached_property
    def _made_ready(self) -> dict[str, Mapping[str, Any]]:
        return {}

    # so that a row's score does not depend on the others: C and NumPy ensure it by themselves,
    # PyTorch needs blocks of one size
    def in_blocks(self, score: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
        engine = self.scorer
        return score_in_blocks(score, X, engine.rows_at_once, fill=engine.filled_up)

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        """Compute the reconstruction of encoded rows [n, *shape], float32, mean over members."""

        def one_block(block: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):
                mean = self.scorer(block, ("reconstruction",))["reconstruction"].mean(axis=0)
            return np.moveaxis(mean, 0, -1)

        return np.ascontiguousarray(np.moveaxis(self.in_blocks(one_block, X), -1, 0))

    # --- what the model learns after the networks -------------------------------------------------

    def measured(self, images: np.ndarray) -> Self:
        """Take batch norm's statistics from some training images [n, *shape]."""
        engine: Any = self.scorer  # of images it is PyTorch's
        return replace(self, buffers=engine.measured(images))

    def having_learnt(self, name: str, blocks: Iterable[np.ndarray], *how: Any) -> Self:
        """Let score `name` learn what it needs from training rows, in blocks [n, *shape].

        how: what else it asks for: of one that keeps rows the places of those to keep.
        """
        score = self.offers[name]
        if score.learn is None:
            return self
        made = [result for result in score.learns_from if result != "x"]
        parts = [{"x": block[np.newaxis], **self.scorer(block, made)} for block in blocks]
        read = {
            result: np.concatenate([part[result] for part in parts], axis=1)
            for result in score.learns_from
        }
        learnt = {f"{name}/{part}": array for part, array in score.learn(read, *how).items()}
        return replace(self, learnt={**self.learnt, **learnt})

    def scaled(self, X: np.ndarray) -> Self:
        """Give several members a common scale of every score, from training rows X."""
        if len(self.members) == 1:
            return self
        names = self.score_names()
        scores = self.in_blocks(functools.partial(self.scores_by, names), X)
        scales = {name: common_scale(s) for name, s in zip(names, scores, strict=True)}
        return replace(self, scales=scales)

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields without the engine, which holds addresses of memory."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def require_whole(model: NetworkModel) -> None:
    """Raise InputError unless there is every array that the layers need, and no other."""
    members = len(model.members)
    for what, arrays, shapes in (
        ("weights", model.weights, [layer.shapes() for layer in model.networks.layers]),
        ("buffers", model.buffers, [layer.buffer_shapes() for layer in model.networks.layers]),
    ):
        needed = {
            name: (members, *shape) for of_layer in shapes for name, shape in of_layer.items()
        }
        if missing := sorted(needed.keys() - arrays.keys()):
            raise InputError(f"the model lacks {what} {', '.join(missing)}; save it anew")
        if surplus := sorted(arrays.keys() - needed.keys()):
            raise InputError(
                f"the model has no place for {what} {', '.join(surplus)}; save it anew"
            )
        for name, shape in needed.items():
            if arrays[name].shape != shape:
                raise InputError(
                    f"{what} {name} has shape {arrays[name].shape}, not {shape}; save it anew"
                )
            if arrays[name].dtype != np.float32:  # C reads them as such
                raise InputError(
                    f"{what} {name} holds {arrays[name].dtype}, not float32; save the model anew"
                )
    for name, scale in model.scales.items():
        if scale.shape != (2, members):
            raise InputError(
                f"scale {name} has shape {scale.shape}, not {(2, members)}; save it anew"
            )


def measured_images(shape: Sequence[int]) -> int:
    """Count the images of `shape` (height, width, channels) that statistics are measured from."""
    return min(MEASURED_IMAGES, max(LEAST_MEASURED, MEASURED_PIXELS // (shape[0] * shape[1])))


def common_scale(scores: np.ndarray) -> np.ndarray:
    """Compute median and mean deviation, [2, members], of scores [members, n] of training rows."""
    center = np.median(scores, axis=1)
    spread = np.abs(scores - center[:, None]).mean(axis=1)
    return np.stack([center, np.where(spread > 0, spread, 1.0)])
