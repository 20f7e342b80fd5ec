"""AnoGAN's search in latent space in NumPy, without torch.

The same descent as `search.LatentSearch` (Schlegl et al. 2017): with f the activations before D's
logit,

    residual        R(z) = sum_j abs(x - G(z))_j                     (eq. 2)
    discrimination  D(z) = sum_j abs(f(x) - f(G(z)))_j               (eq. 4)
    loss            L(z) = (1 - lambda) R(z) + lambda D(z)           (eq. 5)

Adam descends L from one start for a set number of steps; L at the end is the score. Rows of a block
are searched for together but independently, so a row's result is the same to the last bit in any
block. Engines round differently, and the signs in the gradient amplify it: results of two engines
agree less the more steps there are.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from alad.anogan.networks import START, GanNetworks
from alad.anogan.settings import BETA1, BETA2, EPSILON, SearchSettings, bias_corrections
from alad.errors import EngineError
from alad.networks.layers import SLOPES, Chain
from alad.networks.numpy_forward import (
    Affine,
    Arrays,
    MemberEngine,
    affine_chain,
    dtype_of,
    exact_chain,
    members_of,
)

NAMES = ("z", "reconstruction", "residual", "discrimination", "loss", "logit")
SEARCHED = frozenset(NAMES) - {"logit"}


def prepare(networks: GanNetworks, arrays: Arrays, settings: SearchSettings) -> MemberEngine:
    """Prepare the engine of AnoGAN, for rows x [n, width].

    Results: z [members, n, latent] where the search ends and reconstruction = G(z) [members, n,
    width]; residual, discrimination and loss there [members, n], float64; and the logit
    [members, n] of D(x), which asks for no search.
    """
    passes = (MemberSearch(networks, arrays, settings, member) for member in members_of(arrays))
    terms = frozenset({"residual", "discrimination", "loss"})
    return MemberEngine(NAMES, tuple(passes), dtype_of(arrays), terms)


class TwoWayLayer:
    """A layer, and the way back through it."""

    def __init__(self, layer: Affine):
        self.forward, self._back = exact_chain([layer]), exact_chain([layer.back()])
        if layer.activation not in SLOPES:
            raise EngineError(f"its search knows activations of two slopes, not {layer.activation}")
        self._slope = SLOPES[layer.activation]

    def through_activation(self, gradient: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Turn the gradient by activations `out` [n, outputs] into that by the sums, in place."""
        if self._slope != 1.0:
            gradient *= np.where(out > 0.0, 1.0, self._slope)
        return gradient

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """Turn the gradient by the sums into that by the inputs: [n, inputs]."""
        return self._back(gradient)


class MemberSearch:
    """One member's search for rows x [n, width]."""

    def __init__(
        self, networks: GanNetworks, arrays: Arrays, settings: SearchSettings, member: int
    ):
        def two_way(chain: Chain) -> list[TwoWayLayer]:
            return [TwoWayLayer(layer) for layer in affine_chain(chain, arrays, member)]

        discriminator = networks.discriminator
        self._generator, self._hidden = two_way(networks.generator), two_way(discriminator.joint)
        self._logit = exact_chain([Affine.of(discriminator.logit, arrays, member)])
        self._start = np.asarray(arrays[START][member], np.float64)
        self._settings = settings

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        features = self.features(x)
        results = {} if SEARCHED.isdisjoint(wanted) else self._search(x, features)
        if "logit" in wanted:
            results["logit"] = self._logit(features)[:, 0]
        return results

    def features(self, x: np.ndarray) -> np.ndarray:
        """Compute f(x) [n, features]."""
        for layer in self._hidden:
            x = layer.forward(x)
        return x

    def _search(self, x: np.ndarray, features: np.ndarray) -> dict[str, np.ndarray]:
        """Search for z by Adam (Kingma & Ba 2015, algorithm 1); return the results at its end."""
        z = np.repeat(self._start, len(x), axis=0)
        moment, square = np.zeros_like(z), np.zeros_like(z)
        for rate, root in bias_corrections(self._settings).T:
            gradient = self.gradient(z, x, features)
            moment += (1.0 - BETA1) * (gradient - moment)
            square += (1.0 - BETA2) * (np.square(gradient) - square)
            z -= rate * moment / (root * np.sqrt(square) + EPSILON)
        return self._terms(x, features, z)

    def gradient(self, z: np.ndarray, x: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Compute dL/dz [n, latent] of each row's loss (eq. 5); features: f(x)."""
        outs = self._outputs(z)
        generated_outs, hidden_outs = outs[: len(self._generator)], outs[len(self._generator) :]
        weight = self._settings.discrimination_weight
        # back through D, from abs(f(G(z)) - f(x)) to G(z)
        gradient = np.sign(hidden_outs[-1] - features)
        for layer, out in zip(self._hidden[::-1], hidden_outs[::-1], strict=True):
            gradient = layer.backward(layer.through_activation(gradient, out))
        # joined by abs(G(z) - x), back through G
        gradient *= weight
        gradient += (1.0 - weight) * np.sign(generated_outs[-1] - x)
        for layer, out in zip(self._generator[::-1], generated_outs[::-1], strict=True):
            gradient = layer.backward(layer.through_activation(gradient, out))
        return gradient

    def _outputs(self, z: np.ndarray) -> list[np.ndarray]:
        """Compute the outputs of each layer of G, then of each hidden one of D."""
        outs: list[np.ndarray] = []
        for layer in (*self._generator, *self._hidden):
            outs.append(layer.forward(outs[-1] if outs else z))
        return outs

    def _terms(self, x: np.ndarray, features: np.ndarray, z: np.ndarray) -> dict[str, np.ndarray]:
        """Compute G(z) [n, width] and R, D and L [n] at z."""
        outs = self._outputs(z)
        generated = outs[len(self._generator) - 1]
        residual = np.abs(x - generated).sum(axis=1)
        discrimination = np.abs(features - outs[-1]).sum(axis=1)
        weight = self._settings.discrimination_weight
        return {
            "z": z,
            "reconstruction": generated,
            "residual": residual,
            "discrimination": discrimination,
            "loss": (1.0 - weight) * residual + weight * discrimination,
        }
