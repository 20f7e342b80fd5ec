"""What is worth knowing of a training afterwards, as JSON has it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from alad.native import build
from alad.neural.model import NetworkModel
from alad.training.loop import Training
from alad.training.step import NetworkStep


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


def engine_facts(chosen: str | None, step: NetworkStep, model: NetworkModel) -> dict[str, Any]:
    """Report which engine trained, which scores, and why it is not C if none was named.

    chosen: the parameter `engine`. Empty if it is None, for a method that offers no choice.
    """
    if chosen is None:
        return {}
    auto = chosen == "auto" and step.X.device.type == "cpu"
    slow = auto and {step.engine, model.scored_by()} != {"native"}
    return {
        "engine": step.engine,
        "scoring_engine": model.scored_by(),
        "engine_note": (step.note or build.problem()) if slow else None,
    }
