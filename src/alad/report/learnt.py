"""The part of a model's page about the model itself: what it learnt, from what, and how."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from alad.report.axes import Axis, number
from alad.report.blocks import Block, Facts, Figures, Rows, Section, Text
from alad.report.canvas import Chart
from alad.report.charts import Rule, Series, plot
from alad.report.histograms import Quantiles
from alad.report.terminal import column_facts

PLAYERS = ("discriminators", "encoder and generator")  # an adversarial game's two losses


def learnt_section(detector: Any, about: Mapping[str, str]) -> Section:
    """The model in numbers, its settings, and what became of every column.

    about: more facts worth showing, such as when it was saved.
    """
    training, encoder = detector.training_, detector.encoder_.state()
    headline = {
        "detector": detector.name,
        f"{unit(detector)} learnt from": f"{training['rows']:,}",
        **_width(encoder),
        "seconds to fit": number(float(training["seconds"])),
    }
    chosen, usual = _settings(detector)
    blocks: list[Block] = [Text(f"{detector.summary[0].upper()}{detector.summary[1:]}.")]
    blocks += [Facts(headline, large=True), Facts({**about, **chosen, **usual})]
    blocks += [_columns(encoder)] if of_tables(detector) else []
    return Section("What was learnt, and from what", blocks)


def of_tables(detector: Any) -> bool:
    """Does it score rows of a table? Otherwise images."""
    return "codes" in detector.encoder_.state()


def unit(detector: Any) -> str:
    """What it scores, in the plural."""
    return f"{detector.encoder_.unit}s"


def _width(encoder: Mapping[str, Any]) -> dict[str, str]:
    if "codes" not in encoder:
        return {"pixels of an image": " × ".join(map(str, encoder["shape"]))}
    read, names = len(encoder["codes"]), len(encoder["names"])
    return {"columns used": f"{read}" if read == names else f"{read} of {names}"}


def _settings(detector: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Parameters that differ from the defaults, and the others; each as text."""
    defaults = type(detector)().get_params(deep=False)
    given = detector.get_params(deep=False)
    chosen = {name: value for name, value in given.items() if repr(value) != repr(defaults[name])}
    usual = {name: value for name, value in given.items() if name not in chosen}
    marked = {name: f"{_value(value)} (default)" for name, value in usual.items()}
    return {name: _value(value) for name, value in chosen.items()}, marked


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _columns(encoder: Mapping[str, Any]) -> Rows:
    """Every column of the training table, by what it was read as."""
    codes = {code["name"]: code for code in encoder["codes"]}
    kinds: dict[str, list[str]] = {}
    for name in encoder["names"]:
        kind, detail = column_facts(codes.get(name))
        kinds.setdefault(kind, []).append(f"{name} ({detail})" if detail else name)
    rows = [(kind, f"{len(names)}", ", ".join(names)) for kind, names in kinds.items()]
    return Rows(("read as", "columns", "names"), rows, "Columns of the table", frozenset({1}))


# --- training -------------------------------------------------------------------------------------


def training_section(detector: Any) -> Section | None:
    """Losses and the stopping signal over the steps, and where it stopped; None without steps."""
    training = detector.training_
    if "steps" not in training:
        return None
    history = training.get("history") or []
    if not history:
        told = "The networks are as they were drawn at random: no step of training was made."
        return Section("How it was trained", [Text(told, "alarm")])
    charts = [_losses(training)]
    if "monitor" in history[-1]:
        charts.append(_signal(training))
    return Section("How it was trained", [Text(_told(detector)), Figures(charts)])


def _told(detector: Any) -> str:
    training = detector.training_
    steps, best = training["steps"], training.get("best_step", [])
    most = detector.get_params(deep=False).get("max_steps")
    early = most is not None and steps < most
    parts = [f"It was trained for {steps:,} steps"]
    parts.append(f"of at most {most:,}: the stopping signal no longer improved." if early else ".")
    text = " ".join(parts).replace(" .", ".")
    if "monitor" not in training["history"][-1] or not best:
        return f"{text} There was no stopping signal: the last weights are kept."
    members = f" (members between {min(best):,} and {max(best):,})" if len(set(best)) > 1 else ""
    kept = f"The weights of step {int(np.median(best)):,} are kept{members}, where the stopping"
    what, part = ("rows", "columns") if of_tables(detector) else ("images", "cells of a grid")
    return (
        f"{text} {kept} signal was lowest. The signal compares held-out {what} with twins of which "
        f"half the {part} come from other {what}; it reads no labels."
    )


def _losses(training: Mapping[str, Any]) -> Chart:
    history = training["history"]
    at = [entry["step"] for entry in history]
    losses = np.array([entry["loss"] for entry in history])  # [checks, members, kinds]
    names = PLAYERS if losses.shape[2] == len(PLAYERS) else _numbered(losses.shape[2])
    series = [
        each
        for kind, name in enumerate(names)
        for each in _members(name, at, losses[:, :, kind], kind + 1)
    ]
    y = Axis.over("loss", losses).rounded()
    return plot("Losses", _steps(at), y, series, _kept(training))


def _signal(training: Mapping[str, Any]) -> Chart:
    history = [entry for entry in training["history"] if "monitor" in entry]
    at = [entry["step"] for entry in history]
    values = np.array([entry["monitor"] for entry in history])  # [checks, members]
    y = Axis.over("signal, lower is better", values).rounded()
    series = _members("stopping signal", at, values, 3)
    return plot("Stopping signal", _steps(at), y, series, _kept(training))


def _members(name: str, at: list[int], values: np.ndarray, tone: int) -> list[Series]:
    """Each member [checks, members] faintly, and their mean; a single member is its own mean."""
    if values.shape[1] == 1:
        return [Series(name, at, values[:, 0], tone)]
    single = [Series("", at, each, tone, faint=True) for each in values.T]
    return [*single, Series(f"{name}, mean of {len(single)}", at, values.mean(axis=1), tone)]


def _kept(training: Mapping[str, Any]) -> list[Rule]:
    best = training.get("best_step") or []
    if not best:
        return []
    name = "weights kept" if len(set(best)) == 1 else "weights kept, in the middle"
    return [Rule(name, float(np.median(best)))]


def _steps(at: list[int]) -> Axis:
    return Axis("step", 0.0, float(max(at[-1], 1)))


def _numbered(count: int) -> tuple[str, ...]:
    return ("loss",) if count == 1 else tuple(f"loss {kind + 1}" for kind in range(count))


# --- scores -------------------------------------------------------------------------


def training_scores(detector: Any) -> Quantiles | None:
    """What the model keeps of its training rows' scores."""
    known = detector.training_.get("scores")
    return Quantiles(np.array(known["quantiles"]), known["rows"]) if known else None
