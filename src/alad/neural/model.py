"""How trained networks score rows, and what of them is stored; members side by side."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from alad.detector.contract import Detector
from alad.errors import InputError
from alad.networks.context import Context, Networks
from alad.networks.native_convolution import scoring_products
from alad.networks.weights import scoring_weights
from alad.neural.named_tensors import from_named_tensors, named_tensors, require_whole
from alad.neural.score import Score
from alad.parameters import one_of
from alad.training.rows import Rows, whole

# images from which batch norm's statistics are measured, as far as memory allows
MEASURED_IMAGES, LEAST_MEASURED, MEASURED_PIXELS = 512, 32, 1 << 19


class Networked(Detector):
    """A detector whose scores are read from networks; `Neural` says how they are trained."""

    own_score: ClassVar[str]
    scores: ClassVar[Mapping[str, Score[Any]]]

    score_function: str | None
    device: str

    # --- what a method has to say for itself ------------------------------------------------------

    @abstractmethod
    def _networks_for(self, shape: tuple[int, ...]) -> Networks:
        """The networks for rows of this shape; they hold no weights."""

    @abstractmethod
    def _make_model(self, networks: Any, context: Context) -> Any:
        """What the method's scores read, at evaluation. For images it has a method `measure`."""

    @abstractmethod
    def _reconstruction(self, x: Tensor) -> Tensor:
        """The model's version of rows x [n, *shape]: [members, n, *shape]."""

    @classmethod
    def score_names(cls, images: bool = False) -> tuple[str, ...]:
        return tuple(name for name, one in cls.scores.items() if one.for_images or not images)

    def _score_name(self) -> str:
        return self.own_score if self.score_function is None else self.score_function

    # --- scoring ----------------------------------------------------------------------------------

    def _adopt(
        self, networks: Networks, row_shape: tuple[int, ...], members: Sequence[int]
    ) -> None:
        self._networks, self._row_shape, self.members_ = networks, row_shape, list(members)
        one_of("score_function", self._score_name(), tuple(self._offered))
        self._fitted: dict[str, dict[str, Tensor]] = {}
        self._scales: dict[str, np.ndarray] = {}

    @property
    def _offered(self) -> dict[str, Score[Any]]:
        """The method's scores for rows of this shape."""
        return {name: self.scores[name] for name in self.score_names(len(self._row_shape) > 1)}

    def _settle(self, arrays: Mapping[str, Tensor], rows: Rows) -> None:
        """Score with these averaged weights: spectral norms divided out, once and exactly.

        rows: training rows, from which statistics may be measured.
        """
        self._use(Context(*scoring_weights(self._networks, arrays)))
        self._measure(rows)

    @torch.no_grad()
    def _measure(self, rows: Rows) -> None:
        """Let the model take its batch norm's statistics from some training images."""
        if rows.ndim > 2:
            count = measured_images(rows.shape[1:])
            self._model.measure(whole(rows[:: max(1, len(rows) // count)][:count]))
            self._use(self._evaluated)

    def _use(self, context: Context) -> None:
        self._evaluated = context
        if len(self._row_shape) > 1 and self._engine_named() != "torch":
            products = scoring_products(next(iter(context.weights.values())))
            context = replace(context, products=products)
        self._model = self._make_model(self._networks, context)

    def _engine_named(self) -> str:
        """What the user asked for, where the method offers a choice."""
        return getattr(self, "engine", "auto")

    def _tensor(self, X: Any) -> Tensor:
        return torch.from_numpy(np.asarray(X)).to(device_named(self.device))

    @torch.no_grad()
    def _evaluate(self, X: np.ndarray, name: str) -> np.ndarray:
        """Score `name` of one block of rows X [n, *shape]: [members, n], float64."""
        value = self.scores[name].value(self._model, self._tensor(X), self._fitted.get(name, {}))
        return value.double().cpu().numpy()

    def _raw_scores(self, X: Any, name: str) -> np.ndarray:
        """The same for any number of rows."""
        return self._in_blocks(lambda block: self._evaluate(block, name), X)

    @torch.no_grad()
    def _learn(self, name: str, x: Any) -> None:
        """What score `name` needs to know, from training rows x."""
        fit = self.scores[name].fit
        if fit is not None:
            self._fitted[name] = fit(self._model, x)

    def _learn_scores(self, rows: Rows, sample: Any) -> None:
        """What scores need to know, and for every member the common scale of an ensemble."""
        for name, score in self._offered.items():
            self._learn(name, rows if score.fit_to_all else self._tensor(sample))
        self._scales = {
            name: common_scale(self._raw_scores(sample, name)) for name in self._offered
        }

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        name = self._score_name()
        return self._combine(self._evaluate(X, name), name)

    def _combine(self, scores: np.ndarray, name: str) -> np.ndarray:
        """[members, n] -> [n]: one member's own score, or the mean on the members' common scale."""
        if len(scores) == 1:
            return scores[0]
        center, spread = self._scales[name]
        return ((scores - center[:, None]) / spread[:, None]).mean(axis=0)

    def member_scores(self, X: Any, score: str | None = None) -> np.ndarray:
        """Float64 [members, n], large = anomalous: each member's own score, on its own scale.

        score: any of the method's, no new fit; None = the detector's own.
        """
        check_is_fitted(self)
        chosen = self._score_name() if score is None else score
        return self._streamed(X, one_of("score", chosen, tuple(self._offered)))

    def _streamed(self, X: Any, name: str) -> np.ndarray:
        blocks = [self._raw_scores(block, name) for block in self._encoded(X)]
        return np.concatenate(blocks, axis=1)

    def score_as(self, X: Any, score: str) -> np.ndarray:
        """Float64 [n], large = anomalous, by any of the method's scores, no new fit."""
        check_is_fitted(self)
        one_of("score", score, tuple(self._offered))
        return self._combine(self._streamed(X, score), score)

    def reconstruct(self, X: Any) -> np.ndarray:
        """The model's version of encoded rows, float32 [n, *shape], mean over members.

        `encoder_.output_names_` names the columns.
        """
        check_is_fitted(self)
        return self._own_version(self.encoder_.transform(X))

    @torch.no_grad()
    def _own_version(self, encoded: np.ndarray) -> np.ndarray:
        def one_block(block: np.ndarray) -> np.ndarray:
            mean = self._reconstruction(self._tensor(block)).mean(dim=0)
            return np.moveaxis(mean.cpu().numpy(), 0, -1)

        rows = self._in_blocks(one_block, self._seen(encoded))
        return np.ascontiguousarray(np.moveaxis(rows, -1, 0))

    # --- storage ----------------------------------------------------------------------------------

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        tensors = named_tensors(self._evaluated, self._fitted)
        arrays = {path: value.cpu().numpy() for path, value in tensors.items()}
        arrays |= {f"scale/{name}": scale for name, scale in self._scales.items()}
        return {"members": self.members_, "shape": list(self._row_shape)}, arrays

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        # before there were images, `width` was the shape
        shape = tuple(content["shape"] if "shape" in content else [content["width"]])
        self._adopt(self._networks_for(shape), shape, content["members"])
        require_whole(arrays, self._networks.layers, self._offered, len(self.members_))
        self._scales = {name: arrays[f"scale/{name}"] for name in self._offered}
        tensors = {
            path: self._tensor(array)
            for path, array in arrays.items()
            if not path.startswith("scale/")
        }
        context, self._fitted = from_named_tensors(tensors)
        self._use(context)


def measured_images(shape: Sequence[int]) -> int:
    """From how many images of `shape` (height, width, channels) statistics are measured."""
    return min(MEASURED_IMAGES, max(LEAST_MEASURED, MEASURED_PIXELS // (shape[0] * shape[1])))


def device_named(name: Any) -> torch.device:
    """InputError if it is none that can be used here."""
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
