"""From a fitted detector to a graph: its formulas run once, on arrays that write down the steps."""

from __future__ import annotations

from collections.abc import Collection
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from alad.classic.neighbour_models import DensityModel, NeighbourModel, RatioModel
from alad.classic.neighbour_search import Nearest, Neighbours
from alad.detector import novelty
from alad.detector.fitted import Fitted
from alad.detector.model import Model, combined
from alad.detector.patches import highest_mean, patches_of
from alad.detector.scoring import seen
from alad.encoding import FeatureEncoder, TableEncoder
from alad.errors import InputError
from alad.export.encoding import GraphInput
from alad.export.graph import HEAT, P_VALUE, SCORE, Graph, Untraceable
from alad.export.heat import heat
from alad.export.layers import GraphContext
from alad.indexing import entries
from alad.neural.model import NetworkModel
from alad.version import __version__

SPARE = 32  # candidates beyond the neighbours: a product ranks only nearly right, and ties
PRIMES = (13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)

# kinds of models whose scores are no graph, and why
REFUSED = {
    "search": "each row's latent code is searched for by hundreds of gradient steps",
}


def graph_of(fitted: Fitted, given: GraphInput, slack: float) -> bytes:
    """Write the graph of a fitted detector: cells or pixels in, score, p-value and heat out.

    slack: how far above a score the calibration scores begin that count as equal to it, so that
    rounding does not lower p-values. Raises InputError where there is no graph.
    """
    if reason := REFUSED.get(fitted.model_.kind):
        raise InputError(f"{fitted.name} cannot be exported: {reason}")
    graph = Graph()
    rows = sample_rows(fitted.model_, given.sizes())
    try:
        with np.errstate(all="ignore"):
            for name, array in outputs(fitted, given.encoded(graph, rows), slack).items():
                graph.output(name, array.astype(np.float64).name, array.shape[1:])
        known = {"alad": __version__, "detector": fitted.name} | given.facts()
        known["threshold"] = repr(-fitted.offset_)  # of contamination
        return graph.model(known, f"{fitted.name}, by alad {__version__}")
    except (Untraceable, TypeError, ValueError) as error:
        raise InputError(f"{fitted.name} cannot be exported: {error}") from error


def outputs(fitted: Fitted, rows: Any, slack: float) -> dict[str, Any]:
    """Compute what the graph gives of encoded rows, by name; of maps each patch is a row."""
    scores, encoder, heat_maps = score(fitted, rows), fitted.encoder_, {}
    if isinstance(encoder, FeatureEncoder) and encoder.has_maps:
        maps = scores.regrouped(encoder.shape_[:2])
        scores = highest_mean(maps.reshape(len(maps), patches_of(encoder.shape_)))
        heat_maps = {HEAT: heat(fitted, encoder, maps)}
    made = {SCORE: scores}
    if fitted.calibration_ is not None:
        made[P_VALUE] = p_values(fitted, scores, slack)
    return made | heat_maps


def score(fitted: Fitted, rows: Any) -> Any:
    """Score encoded rows [n, *shape], with what novelty adds: [n]."""
    model, encoder = fitted.model_, fitted.encoder_
    found = member_scores(model, seen(fitted, rows))
    scores = combined(found, model.scales.get(model.own))
    if fitted.novelty_ is None or not isinstance(encoder, TableEncoder):
        return scores
    holes, values = encoder.known_.novel(rows)
    novel = holes | values
    raised = novelty.due(scores, novel, fitted.novelty_)
    return np.where(novel.any(axis=1), raised, scores)


def p_values(fitted: Fitted, scores: Any, slack: float) -> Any:
    """Compute the p-values [n]: calibration scores a little below the score count as above it."""
    table = fitted.calibrated().scores
    lowered = scores - slack * (np.abs(scores) + size_of(fitted))
    below = np.searchsorted(table, lowered)
    return (1.0 + len(table) - below.astype(np.float64)) / (len(table) + 1.0)


def size_of(fitted: Fitted) -> float:
    """Give the usual size of a score: differences are relative to it and to the score's own."""
    known = fitted.calibration_
    sizes = np.abs([fitted.offset_] if known is None else known.scores)
    return float(np.median(sizes) or sizes.mean() or 1.0)


def member_scores(model: Model, rows: Any) -> Any:
    """Score encoded rows by each member: [members, n]."""
    if isinstance(model, NetworkModel):
        return network_scores(model, rows)
    model = copy(model)
    if isinstance(model, NeighbourModel | RatioModel | DensityModel):
        vars(model)["_nearest"] = AllMeasured(model.rows)  # a cached property's place
    return model.scores(rows)


def network_scores(model: NetworkModel, rows: Any) -> Any:
    """Score rows by networks: the passes of NumPy's engine, or for images of PyTorch's."""
    passed = of_images if len(model.row_shape) > 1 else of_rows
    chosen, learnt = model.offers[model.own], model.learnt_by(model.own)
    results = passed(model, rows, chosen.reads)
    ready = learnt if chosen.made_ready is None else chosen.made_ready(learnt)
    for part in ready.values():
        if isinstance(part, RatioModel):
            vars(part)["_nearest"] = AllMeasured(part.rows)
    return chosen.value(results, ready)


def of_rows(model: NetworkModel, rows: Any, wanted: Collection[str]) -> dict[str, Any]:
    """Send rows [n, width] through each member's networks, in float64: [members, n, …] each."""
    engine: Any = replace(model, engine="numpy", device="cpu").scorer
    x = rows.astype(np.float64)
    members = [run(x, wanted) for run in engine.passes]
    return {"x": x} | {name: np.stack([one[name] for one in members]) for name in wanted}


def of_images(model: NetworkModel, images: Any, wanted: Collection[str]) -> dict[str, Any]:
    """Send images [n, height, width, channels] through the networks, in float32, likewise."""
    engine: Any = replace(model, engine="torch", device="cpu").scorer
    context = GraphContext(engine.context.weights, engine.context.buffers)
    read = replace(engine, context=context).read(images, frozenset(wanted))
    return {"x": images} | {name: read[name] for name in wanted}


class AllMeasured(Nearest):
    """The search for neighbours as a graph has it: a product ranks all rows, distances the best."""

    def search(self, X: Any, count: int) -> Neighbours:
        x = X.astype(np.float64)
        distinct = min(count, len(self.rows))
        ranked = x @ (-2 * self.rows.T) + (self.rows**2).sum(axis=1)
        most = min(distinct + SPARE, len(self.rows))
        near = np.argpartition(ranked, most - 1, axis=1)
        # as they are stored: of equally distant ones the first counts
        near = np.take_along_axis(near, np.argsort(near, axis=1), axis=1)
        away = x[:, np.newaxis] - entries(self.rows, near)
        squared = (away**2).sum(axis=2)
        order = np.argpartition(squared, distinct - 1, axis=1)
        distance = np.sqrt(np.take_along_axis(squared, order, axis=1))
        row = np.take_along_axis(near, order, axis=1)
        # repeat each row as often as it is stored, up to `count` in all
        upto = np.cumsum(entries(self.copies, row), axis=1)[:, np.newaxis]
        place = (upto <= np.arange(count)[:, np.newaxis]).astype(np.int64).sum(axis=2)
        return Neighbours(*(np.take_along_axis(part, place, axis=1) for part in (distance, row)))


def sample_rows(model: Model, others: set[int]) -> int:
    """Choose a number of sample rows that is no other size of the model, nor among `others`."""
    sizes = {size for value in vars(model).values() for size in np.shape(_array(value))}
    sizes |= {size for array in _mapped(model) for size in array.shape}
    counts = {value for value in vars(model).values() if type(value) is int}  # of neighbours
    sizes |= counts | {count + SPARE for count in counts}
    sizes |= {*others, len(model.members)}
    return next(prime for prime in PRIMES if prime not in sizes)


def _array(value: Any) -> Any:
    return value if isinstance(value, np.ndarray) else ()


def _mapped(model: Model) -> list[np.ndarray]:
    mappings = [value for value in vars(model).values() if isinstance(value, dict)]
    return [a for mapping in mappings for a in mapping.values() if isinstance(a, np.ndarray)]
