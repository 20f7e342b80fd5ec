"""What is worth knowing of a training afterwards, as JSON has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from alad.native import build
from alad.neural.model import NetworkModel
from alad.neural.torch_engine import device_named
from alad.training.loop import Training
from alad.training.step import NetworkStep


@dataclass(frozen=True)
class Trained:
    """Members with their best weights, which have learnt no score yet."""

    model: NetworkModel
    facts: dict[str, Any]  # what is worth knowing of their training, JSON-able
    engine: str  # what trained
    note: str | None  # why no faster engine can, if the game is the reason


def together(parts: Sequence[Trained]) -> Trained:
    """Put members side by side that were trained apart, on the same rows."""
    models = [part.model for part in parts]
    weights, buffers = (
        {name: np.concatenate([arrays[name] for arrays in of_all]) for name in of_all[0]}
        for of_all in ([one.weights for one in models], [one.buffers for one in models])
    )
    members = tuple(number for model in models for number in model.members)
    engines = sorted({part.engine for part in parts})
    all_facts = [part.facts for part in parts]
    facts = all_facts[0] | {
        "steps": max(facts["steps"] for facts in all_facts),
        "best_step": [step for facts in all_facts for step in facts["best_step"]],
        "seconds": max(facts["seconds"] for facts in all_facts),
        "history": _joined([facts["history"] for facts in all_facts]),
    }
    model = replace(models[0], members=members, weights=weights, buffers=buffers)
    return Trained(model, facts, " and ".join(engines), parts[0].note)


def _joined(histories: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Join histories check by check; a member whose training ended keeps its last values."""
    checks = []
    for at, longest in enumerate(max(histories, key=len)):
        entries = [history[min(at, len(history) - 1)] for history in histories]
        values = longest.keys() - {"step"}
        checks.append(
            {"step": longest["step"]}
            | {name: [value for entry in entries for value in entry[name]] for name in values}
        )
    return checks


def training_facts(
    training: Training, step: NetworkStep, seed: int, architecture: Any
) -> dict[str, Any]:
    """Summarise a training, JSON-able."""
    return {
        "seed": seed,
        "rows": len(step.X),
        "steps": training.steps_done,
        "batch": step.batch,
        "best_step": training.best_step.tolist(),
        "seconds": round(training.seconds, 3),
        "architecture": asdict(architecture),
        "history": training.history,
    }


def engine_facts(model: NetworkModel, trained: Trained) -> dict[str, Any]:
    """Report which engine trained, which scores, and why it is not C if none was named."""
    auto = model.engine == "auto" and device_named(model.device).type == "cpu"
    slow = auto and {trained.engine, model.scored_by()} != {"native"}
    return {
        "engine": trained.engine,
        "scoring_engine": model.scored_by(),
        "engine_note": (trained.note or build.problem()) if slow else None,
    }
